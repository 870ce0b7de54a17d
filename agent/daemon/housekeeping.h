/*
 * housekeeping.h - the chores: old things are forgotten, and the clock is
 * looked at.
 */
#ifndef MSGRAPHD_HOUSEKEEPING_H
#define MSGRAPHD_HOUSEKEEPING_H

#include "agent/daemon/base/msgraphd.h"
#include "lib/base/error.h"

struct housekeeping;

/*
 * Begins with what is due at a start. The daemon is borrowed, with all its
 * parts. NULL with *err.
 */
struct housekeeping *housekeeping_new(
    struct msgraphd *daemon, struct error *err);
/* Ends it. Takes NULL. */
void housekeeping_free(struct housekeeping **housep);

#endif
