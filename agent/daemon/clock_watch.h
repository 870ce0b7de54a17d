/*
 * clock_watch.h - notices that the system's clock was set, and lets the times
 * that were written with the wrong one follow.
 */
#ifndef MSGRAPHD_CLOCK_WATCH_H
#define MSGRAPHD_CLOCK_WATCH_H

#include "agent/daemon/base/msgraphd.h"

struct clock_watch;

/* To be made before anything writes. NULL with *err. The daemon is borrowed. */
struct clock_watch *clock_watch_new(struct msgraphd *daemon, struct error *err);
void clock_watch_free(struct clock_watch **watchp);

#endif
