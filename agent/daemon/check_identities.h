/*
 * check_identities.h - the part of "msgraphd -t" that looks at the table of
 * identities.
 */
#ifndef MSGRAPHD_CHECK_IDENTITIES_H
#define MSGRAPHD_CHECK_IDENTITIES_H

#include "lib/conf/conf.h"

/*
 * Reads the table and the files that its entries name, as this process's user.
 * Prints complaints, with user before them, and warnings on standard error.
 * Returns the number of complaints.
 */
int check_identities(const struct conf *conf, const char *user);

#endif
