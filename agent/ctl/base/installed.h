/*
 * installed.h - where "make install" has put our files: below PREFIX, the
 * folder above that of this program.
 */
#ifndef MSGRAPHCTL_INSTALLED_H
#define MSGRAPHCTL_INSTALLED_H

#include <limits.h>

#define INSTALLED_SHARE "share/postfix-msgraph" /* the fragments for Postfix */
#define INSTALLED_AGENT "libexec/msgraph/msgraph-agent"

/* Writes the path of what lies there below PREFIX, and returns path. */
const char *installed_path(const char *below, char path[PATH_MAX]);

/*
 * Writes the path of another of our programs: beside this one, where it is,
 * else the bare name, for PATH. Returns path.
 */
const char *installed_program(const char *name, char path[PATH_MAX]);

#endif
