/*
 * place.h - paths as processes of Postfix have them: they work in the queue's
 * folder, and for a chrooted one that is "/".
 */
#ifndef MSGRAPHCTL_PLACE_H
#define MSGRAPHCTL_PLACE_H

#include <limits.h>

#include "postfix.h"

/* Writes where a path leads that a process of the service opens. */
void place_of(const struct postconf *postfix,
    const struct postconf_service *service, const char *path,
    char place[PATH_MAX]);

/*
 * Returns 1 when two paths have one name in one folder, whatever leads there: a
 * symbolic link, a mount. Nothing has to be at the name itself.
 */
int place_is_same(const char *a, const char *b);

/* Returns the path as it is below the queue's folder; NULL where it is not. */
const char *place_in_queue(const struct postconf *postfix, const char *path);

/*
 * Returns by which path a process of the service reaches this one; NULL where
 * its chroot does not hold it.
 */
const char *place_for(const struct postconf *postfix,
    const struct postconf_service *service, const char *path);

#endif
