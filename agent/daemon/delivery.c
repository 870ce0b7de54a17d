/*
 * delivery.c - see delivery.h.
 *
 * A delivery goes through these steps; each ends in an event that calls the
 * next, and each may end the delivery instead:
 *
 *	begin		is it under way already? the journal: accepted before?
 *			posted without an answer?
 *	delivery_wait_for_hold	a throttled mailbox or client is not asked
 *	get_token
 *	enter_gate	its turn, at most four to a mailbox
 *	take_turn	a large message: the requests that make its draft, each
 *			followed by delivery_wait_for_hold again
 *	write_intent	the journal says "posted" before anything is
 *	post		the request itself
 *	on_answer	the outcome table decides: again, or
 *	write_fate	the journal says what is known now
 *	finish		log line and reply
 *
 * The order at the end is what keeps a message from going out twice: nobody
 * hears of an acceptance before it is in the journal.
 */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "delivery_private.h"
#include "log.h"

/* What is left of the agent's time when we stop waiting, for the post. */
#define SPARE_MS (15 * 1000LL)

/* --- the end --- */

/* Whatever it waits for must not call back while the journal is written. */
static void
stop_waiting(struct delivery *d)
{
	if (d->timer != NULL)
		event_free(d->timer);
	d->timer = NULL;
	account_cancel(&d->ask);
	gate_leave(&d->pass);
}

void
delivery_request_free(struct delivery_request *request)
{
	attachments_free(&request->attachments);
	spool_free(&request->spool);
	free(request->recipients);
	free(request->keys.list);
}

static void
delivery_free(struct delivery *d)
{
	LIST_REMOVE(d, entry);
	stop_waiting(d);
	http_cancel(&d->call);
	delivery_draft_free(d);
	secret_free(&d->token);
	delivery_request_free(&d->request);
	free(d);
}

void
delivery_finish(struct delivery *d)
{
	delivery_draft_end(d);
	d->report.delay = (double)(clock_ms() - d->started) / 1000;
	report_log(&d->request, &d->report, &d->reply);
	if (d->done != NULL)
		d->done(d->ctx, &d->reply);
	delivery_free(d);
}

static void
on_written(void *ctx, const struct error *err)
{
	struct delivery *d = ctx;

	d->writing = 0;
	/*
	 * The fate of a message that was posted is told even if it could not
	 * be kept; a message is not posted if that could not be.
	 */
	if (err != NULL && d->next != delivery_finish) {
		report_text(&d->reply, WIRE_DEFERRED, err->dsn, err->text);
		delivery_finish(d);
	} else {
		d->next(d);
	}
}

void
delivery_write(
    struct delivery *d, enum journal_fate fate, void (*next)(struct delivery *))
{
	const struct error memory = {
	    ERROR_TEMPORARY, "4.3.0", "memory is short"};

	if (fate == d->entry_now.fate && !d->changed) {
		next(d);
		return;
	}
	d->entry_now.fate = fate;
	d->changed = 0;
	d->next = next;
	d->writing = 1;
	if (journal_write(d->daemon->journal, &d->entry_now, on_written, d) ==
	    -1)
		on_written(d, &memory);
}

/* Of what an admin can mend, the refusal that stands now. NULL: none does. */
static void
note_refusal(struct delivery *d, const char *refusal)
{
	struct journal_entry *entry = &d->entry_now;

	if (refusal == NULL && entry->refused_since == 0)
		return;
	if (refusal != NULL && strcmp(entry->refusal, refusal) == 0)
		return;
	snprintf(entry->refusal, sizeof(entry->refusal), "%s",
	    refusal == NULL ? "" : refusal);
	entry->refused_since = refusal == NULL ? 0 : clock_wall();
	d->changed = 1;
}

void
delivery_finish_unsent(struct delivery *d)
{
	stop_waiting(d);
	if (!d->refused)
		note_refusal(d, NULL);
	delivery_write(d,
	    d->report.unknown_fate ? d->entry_now.fate : d->fate_before,
	    delivery_finish);
}

void
delivery_finish_text(struct delivery *d, enum wire_status status,
    const char *dsn, const char *text)
{
	report_text(&d->reply, status, dsn, text);
	delivery_finish_unsent(d);
}

enum wire_status
delivery_heal_status(struct delivery *d, const struct outcome *outcome)
{
	char refusal[JOURNAL_REFUSAL_SIZE];

	snprintf(refusal, sizeof(refusal), "%s %s", outcome->dsn,
	    d->report.error.code);
	note_refusal(d, refusal);
	d->refused = 1;
	return clock_wall() - d->entry_now.refused_since <
		d->daemon->conf.access_denied_grace
	    ? WIRE_DEFERRED
	    : WIRE_BOUNCED;
}

/* --- throttling --- */

/* Milliseconds until this delivery may be posted. */
static long long
held_for(struct delivery *d)
{
	char name[HOLD_NAME_SIZE];
	long long mailbox, identity;

	mailbox = hold_left(d->daemon->holds,
	    hold_mailbox(&d->request.identity, d->request.mailbox, name));
	identity = hold_left(
	    d->daemon->holds, hold_identity(&d->request.identity, name));
	return mailbox > identity ? mailbox : identity;
}

static void
finish_held(struct delivery *d, long long left)
{
	char text[160];

	snprintf(text, sizeof(text),
	    "Graph asked to slow down; nothing is sent for this mailbox for "
	    "%lld more seconds",
	    left / 1000 + 1);
	if (d->report.status == 0) {
		delivery_finish_text(d, WIRE_DEFERRED, "4.7.28", text);
		return;
	}
	/* it was this delivery that was told */
	report_outcome(&d->reply, WIRE_DEFERRED,
	    &(struct outcome){.dsn = "4.7.28", .text = text}, &d->report);
	delivery_finish_unsent(d);
}

static void
on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct delivery *d = ctx;

	(void)fd;
	(void)what;
	event_free(d->timer);
	d->timer = NULL;
	delivery_wait_for_hold(d);
}

void
delivery_pause(struct delivery *d, long long ms)
{
	struct timeval tv = {
	    .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 + 1000};

	d->timer = evtimer_new(d->daemon->base, on_timer, d);
	if (d->timer == NULL || event_add(d->timer, &tv) == -1)
		delivery_finish_text(
		    d, WIRE_DEFERRED, "4.3.0", "memory is short");
}

/* 1 when this delivery may wait so long, and does. */
static int
wait_out(struct delivery *d, long long left)
{
	d->held += left;
	if (d->held > d->daemon->conf.throttle_wait * 1000LL ||
	    clock_ms() + left > d->deadline)
		return 0;
	delivery_pause(d, left);
	return 1;
}

void
delivery_wait_for_hold(struct delivery *d)
{
	long long left = held_for(d);

	if (left == 0)
		delivery_get_token(d, NULL);
	else if (!wait_out(d, left))
		finish_held(d, left);
}

/* --- the way to the request --- */

static void
on_turn(void *ctx)
{
	struct delivery *d = ctx;

	if (d->timer != NULL) {
		event_free(d->timer);
		d->timer = NULL;
	}
	/* somebody before us may have been told to slow down */
	if (held_for(d) > 0) {
		gate_leave(&d->pass);
		delivery_wait_for_hold(d);
		return;
	}
	delivery_take_turn(d);
}

static void
on_waited_too_long(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	delivery_finish_text(ctx, WIRE_DEFERRED, "4.3.2",
	    "other messages of this mailbox are still on their way");
}

static void
enter_gate(struct delivery *d)
{
	long long left = d->deadline - clock_ms();
	struct timeval tv = {.tv_sec = left > 0 ? left / 1000 : 0};
	char lane[HOLD_NAME_SIZE];

	hold_mailbox(&d->request.identity, d->request.mailbox, lane);
	d->pass = gate_enter(d->daemon->gate, lane,
	    (unsigned int)d->daemon->conf.mailbox_concurrency, on_turn, d);
	d->timer = evtimer_new(d->daemon->base, on_waited_too_long, d);
	if (d->pass == NULL || d->timer == NULL ||
	    event_add(d->timer, &tv) == -1)
		delivery_finish_text(
		    d, WIRE_DEFERRED, "4.3.0", "memory is short");
}

static void
refused_by_entra(struct delivery *d, const char *text)
{
	const struct outcome outcome = {.dsn = "x.7.8",
	    .text = "Entra refuses the secret that this client signed in "
		    "with; it must sign in again with a valid one"};

	memset(&d->report, 0, sizeof(d->report));
	snprintf(d->report.transport, sizeof(d->report.transport), "%s", text);
	report_outcome(
	    &d->reply, delivery_heal_status(d, &outcome), &outcome, &d->report);
	delivery_finish_unsent(d);
}

/* A token that is still valid needs no question, so this is met here only. */
static void
held_by_entra(struct delivery *d)
{
	char name[HOLD_NAME_SIZE], text[160];
	long long left = hold_left(
	    d->daemon->holds, hold_tenant(&d->request.identity, name));

	if (wait_out(d, left))
		return;
	snprintf(text, sizeof(text), "Entra asks to slow down for %lld s",
	    (left + 999) / 1000);
	delivery_finish_text(d, WIRE_DEFERRED, "4.7.28", text);
}

static void
on_token(void *ctx, enum account_result result, const struct secret *token,
    const char *text)
{
	struct delivery *d = ctx;
	char why[320];

	d->ask = NULL;
	switch (result) {
	case ACCOUNT_OK:
		secret_free(&d->token);
		d->token = secret_new(token->bytes, token->len);
		if (d->token != NULL)
			enter_gate(d);
		else
			delivery_finish_text(
			    d, WIRE_DEFERRED, "4.3.0", "memory is short");
		break;
	case ACCOUNT_REFUSED:
		refused_by_entra(d, text);
		break;
	case ACCOUNT_UNKNOWN:
		/* nobody has refused anything: this waits without an end */
		delivery_finish_text(d, WIRE_DEFERRED, "4.7.8", text);
		break;
	case ACCOUNT_HELD:
		held_by_entra(d);
		break;
	case ACCOUNT_UNAVAILABLE:
		snprintf(why, sizeof(why), "no token from Entra: %s", text);
		delivery_finish_text(d, WIRE_DEFERRED, "4.4.1", why);
		break;
	}
}

void
delivery_get_token(struct delivery *d, const struct secret *rejected)
{
	d->ask = account_token(
	    d->daemon->accounts, &d->request.identity, rejected, on_token, d);
	if (d->ask == NULL)
		delivery_finish_text(d, WIRE_DEFERRED, "4.3.2",
		    "too much waits for this client already");
}

static void
finish_accepted_before(struct delivery *d)
{
	char text[160];

	snprintf(text, sizeof(text), "accepted before, request-id=%s",
	    d->entry_now.request_id[0] == '\0' ? "none"
					       : d->entry_now.request_id);
	report_text(&d->reply, WIRE_SENT, "2.0.0", text);
	delivery_finish(d);
}

/*
 * 1 when this very message is on its way by an earlier delivery, to one of
 * these recipients at least: its pipe(8)
 * or agent was killed, and Postfix tries again before Graph has answered. What
 * the journal says is not its last word then. New ones are put at the list's
 * head, so those behind this one came before it.
 */
static int
is_under_way(const struct delivery *d)
{
	const struct delivery *other = d;

	while ((other = LIST_NEXT(other, entry)) != NULL)
		if (journal_keys_meet(&other->request.keys, &d->request.keys))
			return 1;
	return 0;
}

static void
begin(evutil_socket_t fd, short what, void *ctx)
{
	struct delivery *d = ctx;
	struct error err;

	(void)fd;
	(void)what;
	event_free(d->timer);
	d->timer = NULL;
	if (is_under_way(d)) {
		delivery_finish_text(d, WIRE_DEFERRED, "4.3.0",
		    "an earlier attempt to send this message is still under "
		    "way");
		return;
	}
	if (journal_find(d->daemon->journal, &d->entry_now, &err) == -1) {
		delivery_finish_text(d, WIRE_DEFERRED, err.dsn, err.text);
		return;
	}
	d->fate_before = d->entry_now.fate;
	if (d->entry_now.accepted > 0 && d->fate_before != JOURNAL_ACCEPTED)
		log_warning("%s: %zu of these %zu recipients have got the "
			    "message already and get it again",
		    d->request.queue_id, d->entry_now.accepted,
		    d->request.keys.count);
	if (d->fate_before == JOURNAL_ACCEPTED)
		finish_accepted_before(d);
	else
		delivery_wait_for_hold(d);
}

struct delivery *
delivery_start(struct msgraphd *daemon, struct delivery_request *request,
    delivery_done done, void *ctx)
{
	struct delivery *d = calloc(1, sizeof(*d));

	if (d == NULL) {
		delivery_request_free(request);
		return NULL;
	}
	d->daemon = daemon;
	d->request = *request;
	d->done = done;
	d->ctx = ctx;
	d->started = clock_ms();
	d->deadline =
	    d->started + daemon->conf.delivery_timeout * 1000LL - SPARE_MS;
	d->entry_now.keys = &d->request.keys;
	LIST_INSERT_HEAD(&daemon->deliveries, d, entry);
	d->timer = evtimer_new(daemon->base, begin, d);
	if (d->timer == NULL) {
		delivery_free(d);
		return NULL;
	}
	event_active(d->timer, 0, 0);
	return d;
}

void
delivery_abandon(struct delivery **deliveryp)
{
	struct delivery *d = *deliveryp;

	*deliveryp = NULL;
	if (d == NULL)
		return;
	d->done = NULL;
	if (d->call == NULL && !d->writing)
		delivery_finish_text(d, WIRE_DEFERRED, "4.3.0",
		    "the agent went away before the message was posted");
}

/* Nobody waits for the answer any more, which may be a yes. */
static void
break_off(struct delivery *d)
{
	memset(&d->report, 0, sizeof(d->report));
	d->report.unknown_fate = d->posting && http_may_have_all(d->call);
	d->report.delay = (double)(clock_ms() - d->started) / 1000;
	if (d->large != NULL)
		d->report.attached = d->large->draft.attached;
	report_text(&d->reply, WIRE_DEFERRED, "4.3.2",
	    "msgraphd was stopped before Graph answered");
	report_log(&d->request, &d->report, &d->reply);
}

void
delivery_drop_all(struct msgraphd *daemon)
{
	struct delivery *d;

	while ((d = LIST_FIRST(&daemon->deliveries)) != NULL) {
		if (d->call != NULL)
			break_off(d);
		delivery_free(d);
	}
}

void
deliveries_follow_clock(
    struct msgraphd *daemon, long long began, long long step)
{
	struct delivery *d;

	for (d = LIST_FIRST(&daemon->deliveries); d != NULL;
	     d = LIST_NEXT(d, entry))
		if (d->entry_now.refused_since >= began)
			d->entry_now.refused_since += step;
}
