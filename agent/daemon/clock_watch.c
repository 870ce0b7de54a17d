/*
 * clock_watch.c - see clock_watch.h.
 *
 * What depends on how old or new a secret is, is done once a day and not before
 * the daemon has run for one: by then a clock that was wrong at the start has
 * been set, and no secret is lost to it.
 */
#include <stdlib.h>

#include "agent/daemon/base/clock.h"
#include "agent/daemon/delivery/delivery.h"
#include "lib/base/log.h"
#include "clock_watch.h"

#define LOOK_SECONDS 60
#define DAY_MS (86400 * 1000LL)

/* A client that was silent for so long is forgotten. */
#define UNUSED_SECONDS (400 * 86400LL)

struct clock_watch {
	struct msgraphd *daemon;
	struct event *look;
	long long began; /* clock_wall() when this daemon started */
	long long day; /* clock_ms() when the present day began */
};

static void
clock_watch_follow(struct clock_watch *watch)
{
	long long before = clock_wall(), step = clock_follow();
	struct error err;

	if (step == 0)
		return;
	log_warning("the system's clock was set by %lld seconds; what was "
		    "written since the start follows",
	    step);
	if (state_follow_clock(
		watch->daemon->state, watch->began, before, step, &err) == -1)
		log_error("%s", err.text);
	deliveries_follow_clock(watch->daemon, watch->began, before, step);
	watch->began += step;
}

static void
clock_watch_on_look(evutil_socket_t fd, short what, void *ctx)
{
	struct clock_watch *watch = ctx;
	struct state *state = watch->daemon->state;
	struct error err;
	int gone;

	(void)fd;
	(void)what;
	clock_watch_follow(watch);
	if (clock_ms() - watch->day < DAY_MS)
		return;
	watch->day = clock_ms();
	if (state_mend_future(state, &err) == -1 ||
	    (gone = state_expire(state, clock_wall() - UNUSED_SECONDS, &err)) ==
		-1)
		log_error("%s", err.text);
	else if (gone > 0)
		log_info("NOQUEUE: %d clients are forgotten that were silent "
			 "for %lld days",
		    gone, UNUSED_SECONDS / 86400);
}

struct clock_watch *
clock_watch_new(struct msgraphd *daemon, struct error *err)
{
	const struct timeval every = {.tv_sec = LOOK_SECONDS};
	struct clock_watch *watch = calloc(1, sizeof(*watch));

	if (watch == NULL) {
		error_no_memory(err);
		return NULL;
	}
	watch->daemon = daemon;
	watch->began = clock_wall();
	watch->day = clock_ms();
	watch->look =
	    event_new(daemon->base, -1, EV_PERSIST, clock_watch_on_look, watch);
	if (watch->look == NULL || event_add(watch->look, &every) == -1) {
		clock_watch_free(&watch);
		error_set(err, ERROR_OURS, "4.3.0", "libevent");
	}
	return watch;
}

void
clock_watch_free(struct clock_watch **watchp)
{
	struct clock_watch *watch = *watchp;

	*watchp = NULL;
	if (watch == NULL)
		return;
	if (watch->look != NULL)
		event_free(watch->look);
	free(watch);
}
