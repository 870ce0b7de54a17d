/*
 * clock_watch.c - see clock_watch.h.
 */
#include <stdlib.h>

#include "agent/daemon/base/clock.h"
#include "agent/daemon/delivery/delivery.h"
#include "agent/daemon/store/state.h"
#include "lib/base/log.h"
#include "clock_watch.h"

struct clock_watch {
	struct msgraphd *daemon;
	long long began; /* clock_wall() when this daemon started */
};

int
clock_watch_look(struct clock_watch *watch, struct error *err)
{
	int more = state_follow_more(watch->daemon->state, err);
	long long before = clock_wall(), step;

	if (more != 0 || (step = clock_follow()) == 0)
		return more;
	log_warning("the system's clock was set by %lld seconds; times that "
		    "were written since the start are corrected",
	    step);
	more = state_follow_clock(
		   watch->daemon->state, watch->began, before, step, err) == 0
	    ? 1
	    : -1;
	deliveries_follow_clock(watch->daemon, watch->began, before, step);
	watch->began += step;
	return more;
}

struct clock_watch *
clock_watch_new(struct msgraphd *daemon)
{
	struct clock_watch *watch = calloc(1, sizeof(*watch));

	if (watch == NULL)
		return NULL;
	watch->daemon = daemon;
	watch->began = clock_wall();
	return watch;
}

void
clock_watch_free(struct clock_watch **watchp)
{
	free(*watchp);
	*watchp = NULL;
}
