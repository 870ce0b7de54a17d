/*
 * wake.c - see wake.h.
 */
#include "wake.h"

static void
wake_on_event(evutil_socket_t fd, short what, void *ctx)
{
	struct wake *wake = ctx;

	(void)fd;
	(void)what;
	wake->run(wake->ctx);
}

int
wake_init(struct wake *wake, struct event_base *base, void (*run)(void *ctx),
    void *ctx)
{
	wake->run = run;
	wake->ctx = ctx;
	wake->event = evtimer_new(base, wake_on_event, wake);
	return wake->event == NULL ? -1 : 0;
}

void
wake_up(struct wake *wake)
{
	event_active(wake->event, 0, 0);
}

int
wake_in(struct wake *wake, long long ms)
{
	/* a millisecond more, so that clock_ms() says too that it is over */
	const struct timeval tv = {
	    .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 + 1000};

	return event_add(wake->event, &tv);
}

void
wake_cancel(struct wake *wake)
{
	event_del(wake->event);
}

void
wake_free(struct wake *wake)
{
	if (wake->event != NULL)
		event_free(wake->event);
	wake->event = NULL;
}
