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
	long long before = clock_wall(), step = clock_follow();
	int result;

	if (step == 0)
		return 0;
	log_warning("the system's clock was set by %lld seconds; what was "
		    "written since the start follows",
	    step);
	result = state_follow_clock(
	    watch->daemon->state, watch->began, before, step, err);
	deliveries_follow_clock(watch->daemon, watch->began, before, step);
	watch->began += step;
	return result;
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
