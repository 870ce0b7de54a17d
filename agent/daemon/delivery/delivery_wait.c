/*
 * delivery_wait.c - a delivery waits for permission to make its next request.
 */
#include <string.h>

#include "agent/daemon/base/clock.h"
#include "delivery_private.h"

static void
delivery_wait_on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct delivery *d = ctx;

	(void)fd;
	(void)what;
	event_free(d->timer);
	d->timer = NULL;
	delivery_wait_for_turn(d);
}

void
delivery_pause(struct delivery *d, long long ms)
{
	struct timeval tv = {
	    .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 + 1000};

	d->timer = evtimer_new(d->daemon->base, delivery_wait_on_timer, d);
	if (d->timer == NULL || event_add(d->timer, &tv) == -1)
		delivery_defer_memory(d);
}

static void
delivery_wait_refused_by_entra(struct delivery *d, const char *text)
{
	const struct outcome outcome = {.dsn = "x.7.8",
	    .reason = REASON_CREDENTIAL,
	    .text = "Entra refuses the secret that this client signed in "
		    "with; it must sign in again with a valid one"};

	memset(&d->report, 0, sizeof(d->report));
	snprintf(d->report.transport, sizeof(d->report.transport), "%s", text);
	report_outcome(&d->reply, delivery_grace_status(d, &outcome), &outcome,
	    &d->report);
	delivery_finish_unsent(d);
}

static void
delivery_wait_finish_throttled(
    struct delivery *d, const struct turn_answer *answer)
{
	const struct outcome outcome = {
	    .dsn = answer->dsn, .reason = answer->reason, .text = answer->text};

	/* it was this delivery that was told */
	report_outcome(&d->reply, WIRE_DEFERRED, &outcome, &d->report);
	delivery_finish_unsent(d);
}

static void
delivery_wait_on_turn(void *ctx, const struct turn_answer *answer)
{
	struct delivery *d = ctx;

	if (answer->result == TURN_READY)
		delivery_take_turn(d);
	else if (answer->result == TURN_REFUSED)
		delivery_wait_refused_by_entra(d, answer->text);
	else if (answer->result == TURN_THROTTLED && d->report.status != 0)
		delivery_wait_finish_throttled(d, answer);
	else
		delivery_defer(d, answer->dsn, answer->reason, answer->text);
}

void
delivery_wait_for_turn(struct delivery *d)
{
	turn_ask(d->turn, delivery_wait_on_turn, d);
}
