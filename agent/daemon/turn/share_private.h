/*
 * share_private.h - what share_limit.c (how many, and for how long) and share.c
 * (who waits, and who is inside) both know. The second uses the first.
 */
#ifndef MSGRAPHD_SHARE_PRIVATE_H
#define MSGRAPHD_SHARE_PRIVATE_H

#include <sys/queue.h>

#include "agent/daemon/base/wake.h"
#include "share.h"

enum place_state { PLACE_WAITS, PLACE_INSIDE, PLACE_REFUSED };

struct place {
	TAILQ_ENTRY(place) entry; /* while it waits */
	struct application *application; /* NULL: it was refused */
	enum place_state state;
	long long since; /* clock_ms() when it got inside */
	long long until; /* clock_ms(): it does not wait for longer */
	place_done done;
	void *ctx;
};

struct application {
	TAILQ_ENTRY(application) entry;
	struct shares *shares;
	struct identity id;
	TAILQ_HEAD(place_queue, place) queue;
	long waiting, inside;
	long long since; /* the sum of clock_ms() when those inside began */
	long long average; /* ms of a delivery; -1: not known */
	long long used; /* clock_ms() when the last one ended */
};

TAILQ_HEAD(application_list, application);

struct shares {
	struct application_list busy, idle;
	const struct conf *conf;
	struct wake wake;
	long waiting, inside; /* of all applications */
	long resting; /* deliveries that wait for what is throttled */
	long long
	    freed; /* clock_ms() when a process last was, or became free */
	long long look; /* clock_ms() when to look after those that wait */
};

/* Returns how many places the application may have now. */
long share_limit(const struct application *a);

/*
 * Returns in how many ms whoever stands at this place of the queue (from 1)
 * gets a place, when the application may have so many.
 */
long long share_expect(const struct application *a, long limit, long position);

/* Returns for how many ms the last in the queue should wait; 0: not at all. */
long long share_patience(const struct application *a);

/* Returns how many processes too many are in use, where some must be free. */
long share_excess(const struct shares *shares);

/*
 * Returns 1 when some of those that wait have to go: too many processes are in
 * use, and none has become free for a while.
 */
int share_is_full(const struct application *a);

#endif
