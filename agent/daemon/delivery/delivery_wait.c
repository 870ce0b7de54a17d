/*
 * delivery_wait.c - what a delivery waits for before its request: until a
 * throttled mailbox or client may be asked again, for a token, and for its turn
 * among the messages of the mailbox.
 */
#include <string.h>

#include "agent/daemon/base/clock.h"
#include "agent/daemon/entra/account.h"
#include "agent/daemon/throttle/gate.h"
#include "agent/daemon/throttle/throttle.h"
#include "delivery_private.h"

/* --- throttling --- */

/* Milliseconds until this delivery may be posted. */
static long long
delivery_wait_throttled_for(struct delivery *d)
{
	return throttle_left_graph(
	    d->daemon->throttles, &d->request.identity, d->request.mailbox);
}

static void
delivery_wait_finish_throttled(struct delivery *d, long long left)
{
	char text[160];

	snprintf(text, sizeof(text),
	    "Graph asked to slow down; nothing is sent for this mailbox for "
	    "%lld more seconds",
	    left / 1000 + 1);
	if (d->report.status == 0) {
		delivery_defer(d, "4.4.5", REASON_THROTTLED, text);
		return;
	}
	/* it was this delivery that was told */
	report_outcome(&d->reply, WIRE_DEFERRED,
	    &(struct outcome){
		.dsn = "4.4.5", .reason = REASON_THROTTLED, .text = text},
	    &d->report);
	delivery_finish_unsent(d);
}

static void
delivery_wait_on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct delivery *d = ctx;

	(void)fd;
	(void)what;
	event_free(d->timer);
	d->timer = NULL;
	delivery_wait_for_throttle(d);
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

/* 1 when this delivery may wait so long, and does. */
static int
delivery_wait_out(struct delivery *d, long long left)
{
	d->held += left;
	if (d->held > d->daemon->conf.throttle_wait * 1000LL ||
	    clock_ms() + left > d->deadline)
		return 0;
	delivery_pause(d, left);
	return 1;
}

void
delivery_wait_for_throttle(struct delivery *d)
{
	long long left = delivery_wait_throttled_for(d);

	if (left == 0)
		delivery_get_token(d, NULL);
	else if (!delivery_wait_out(d, left))
		delivery_wait_finish_throttled(d, left);
}

/* --- its turn --- */

static void
delivery_wait_on_turn(void *ctx)
{
	struct delivery *d = ctx;

	if (d->timer != NULL) {
		event_free(d->timer);
		d->timer = NULL;
	}
	/* somebody before us may have been told to slow down */
	if (delivery_wait_throttled_for(d) > 0) {
		gate_leave(&d->slot);
		delivery_wait_for_throttle(d);
		return;
	}
	delivery_take_turn(d);
}

static void
delivery_wait_on_waited_too_long(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	delivery_defer(ctx, "4.4.2", REASON_ENDPOINT,
	    "other messages of this mailbox are still on their way");
}

static void
delivery_wait_enter_gate(struct delivery *d)
{
	long long left = d->deadline - clock_ms();
	struct timeval tv = {.tv_sec = left > 0 ? left / 1000 : 0};
	char key[THROTTLE_NAME_SIZE];

	throttle_mailbox(&d->request.identity, d->request.mailbox, key);
	d->slot = gate_enter(d->daemon->gate, key,
	    (unsigned int)d->daemon->conf.mailbox_concurrency,
	    delivery_wait_on_turn, d);
	d->timer =
	    evtimer_new(d->daemon->base, delivery_wait_on_waited_too_long, d);
	if (d->slot == NULL || d->timer == NULL ||
	    event_add(d->timer, &tv) == -1)
		delivery_defer_memory(d);
}

/* --- the token --- */

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

/* No token, and nothing is proven: this waits without an end. */
static void
delivery_wait_without_token(
    struct delivery *d, const char *dsn, const char *reason, const char *text)
{
	char why[320];

	snprintf(why, sizeof(why), "no token from Entra: %s", text);
	delivery_defer(d, dsn, reason, why);
}

/* A token that is still valid needs no question, so this is met here only. */
static void
delivery_wait_throttled_by_entra(struct delivery *d)
{
	long long left =
	    throttle_left_entra(d->daemon->throttles, &d->request.identity);
	char text[160];

	/* it was over just now, or could not be noted */
	if (left == 0)
		left = 1000;
	if (delivery_wait_out(d, left))
		return;
	snprintf(text, sizeof(text), "Entra asks to slow down for %lld s",
	    (left + 999) / 1000);
	delivery_defer(d, "4.4.5", REASON_THROTTLED, text);
}

static void
delivery_wait_on_token(void *ctx, enum account_result result,
    const struct secret *token, const char *text)
{
	struct delivery *d = ctx;

	d->waiter = NULL;
	switch (result) {
	case ACCOUNT_OK:
		secret_free(&d->token);
		d->token = secret_new(token->bytes, token->len);
		if (d->token != NULL)
			delivery_wait_enter_gate(d);
		else
			delivery_defer_memory(d);
		break;
	case ACCOUNT_REFUSED:
		delivery_wait_refused_by_entra(d, text);
		break;
	case ACCOUNT_REFUSED_REQUEST:
		delivery_wait_without_token(
		    d, "4.7.8", REASON_CREDENTIAL, text);
		break;
	case ACCOUNT_UNKNOWN:
		/* nobody has refused anything */
		delivery_defer(d, "4.7.8", REASON_CREDENTIAL, text);
		break;
	case ACCOUNT_THROTTLED:
		delivery_wait_throttled_by_entra(d);
		break;
	case ACCOUNT_UNAVAILABLE:
		delivery_wait_without_token(d, "4.4.1", REASON_ENDPOINT, text);
		break;
	}
}

void
delivery_get_token(struct delivery *d, const struct secret *rejected)
{
	d->waiter = account_token(d->daemon->accounts, &d->request.identity,
	    rejected, delivery_wait_on_token, d);
	if (d->waiter == NULL)
		delivery_defer(d, "4.3.2", REASON_ENDPOINT,
		    "too much waits for this client already");
}
