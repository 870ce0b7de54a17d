/*
 * clock_watch.h - notices that the system's clock was set, and moves the times
 * that were written with the wrong one.
 */
#ifndef MSGRAPHD_CLOCK_WATCH_H
#define MSGRAPHD_CLOCK_WATCH_H

#include "agent/daemon/base/msgraphd.h"
#include "lib/base/error.h"

struct clock_watch;

/*
 * Makes a watch, which must be there before anything is written. The daemon is
 * borrowed. NULL without memory.
 */
struct clock_watch *clock_watch_new(struct msgraphd *daemon);
/* Frees the watch. Takes NULL. */
void clock_watch_free(struct clock_watch **watchp);

/*
 * Looks at the clock; to be called once a minute. Returns 1 to be called again
 * soon, since more rows have to be moved; 0, or -1 with *err.
 */
int clock_watch_look(struct clock_watch *watch, struct error *err);

#endif
