/*
 * acl.c - see acl.h.
 *
 * systemd gives a service its credentials so: a file of root's, mode 0440, with
 * a list that lets the service's user read it (systemd.exec(5),
 * LoadCredential=). The list is an extended attribute, for which no library is
 * needed.
 */
#include <endian.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stddef.h>
#include <sys/xattr.h>

#include "acl.h"

/* A list of more is none of systemd's. */
#define ACL_ENTRIES_MAX 16

struct acl_attribute {
	struct posix_acl_xattr_header header;
	struct posix_acl_xattr_entry entries[ACL_ENTRIES_MAX];
};

/* Returns 1 when the entry lets in nobody but the owner, the user and root. */
static int
acl_entry_is_for(const struct posix_acl_xattr_entry *entry, uid_t user)
{
	uid_t id = le32toh(entry->e_id);

	switch (le16toh(entry->e_tag)) {
	case ACL_USER_OBJ:
	case ACL_MASK:
		return 1;
	case ACL_USER:
		return id == user || id == 0;
	default:
		return entry->e_perm == 0;
	}
}

int
acl_is_only_for(int fd, uid_t user)
{
	struct acl_attribute acl;
	ssize_t len =
	    fgetxattr(fd, "system.posix_acl_access", &acl, sizeof(acl));
	size_t i, count;

	if (len < (ssize_t)sizeof(acl.header) ||
	    le32toh(acl.header.a_version) != POSIX_ACL_XATTR_VERSION)
		return 0;
	count = ((size_t)len - sizeof(acl.header)) / sizeof(acl.entries[0]);
	for (i = 0; i < count; i++)
		if (!acl_entry_is_for(&acl.entries[i], user))
			return 0;
	return count > 0;
}
