/*
 * acl.h - access control lists of files (POSIX 1003.1e, as Linux keeps them).
 */
#ifndef MSGRAPHD_ACL_H
#define MSGRAPHD_ACL_H

#include <sys/types.h>

/*
 * Returns 1 when an open file has a list that names no group and no other user
 * than this one and root. The group's bits of its mode are then a mask, and say
 * nothing of the group: acl(5). 0 for another list, for none, and where it
 * cannot be read.
 */
int acl_is_only_for(int fd, uid_t user);

#endif
