/*
 * tenants.h - the setting allowed_tenants of a msgraph.conf, read and written
 * with all else of the file as it is.
 */
#ifndef MSGRAPHCTL_TENANTS_H
#define MSGRAPHCTL_TENANTS_H

#include "lib/base/buf.h"
#include "lib/base/error.h"

/*
 * Stores what allowed_tenants has to be so that it allows these tenants too
 * (UUIDs in lower case) in *new, which the caller frees; NULL where it does
 * already. *old becomes its value, which the caller frees; NULL where it has
 * none. 0; or -1 with *err, also where the file has a mistake.
 */
int tenants_want(const char *file, const char *const *tenants, size_t count,
    char **old, char **new, struct error *err);

/* Stores the value, as tenants_want() does. 0, or -1 with *err. */
int tenants_read(const char *file, char **value, struct error *err);

/*
 * Writes the value into the file: in its line, or below the comment about it;
 * or takes the line out (NULL). 0, or -1 with *err and the file as it was.
 */
int tenants_write(const char *file, const char *value, struct error *err);

#endif
