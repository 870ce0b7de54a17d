/*
 * wake.h - runs a function from the event loop, instead of inside its caller.
 *
 * A module may be called from inside a callback, perhaps from one of its own.
 * It only notes what is wanted then, and wakes itself up. So no callback runs
 * under another.
 */
#ifndef MSGRAPHD_WAKE_H
#define MSGRAPHD_WAKE_H

#include <event2/event.h>

/* Starts as all zeros. */
struct wake {
	struct event *event; /* owned */
	void (*run)(void *ctx); /* may free the wake */
	void *ctx;
};

/* Prepares the wake. base and ctx are borrowed. 0, or -1 out of memory. */
int wake_init(struct wake *wake, struct event_base *base,
    void (*run)(void *ctx), void *ctx);

/*
 * Runs the function once, however often it is called: when what waits to be run
 * has been, and before the loop looks at any socket or timer. So a function
 * that has more to do comes back by wake_in(), for others' sake.
 */
void wake_up(struct wake *wake);

/*
 * Runs the function once when ms have passed, unless wake_up() does so before.
 * A second call sets another time. 0, or -1 out of memory.
 */
int wake_in(struct wake *wake, long long ms);

/* Forgets what was to be run. */
void wake_cancel(struct wake *wake);

/* Frees what wake_init() made, if anything. */
void wake_free(struct wake *wake);

#endif
