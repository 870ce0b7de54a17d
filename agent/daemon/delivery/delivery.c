/*
 * delivery.c - see delivery.h.
 *
 * A delivery goes through these steps; each ends in an event that calls the
 * next, and each may end the delivery instead:
 *
 *	begin		is it under way already? the journal: accepted before?
 *			posted without an answer?
 *	wait_for_turn	for what is throttled, the token, the gate (turn.h)
 *	take_turn	a large message: the requests that make its draft, each
 *			followed by wait_for_turn again
 *	write_intent	the journal says "posted" before anything is
 *	post		the request itself
 *	on_answer	the outcome table decides: again, or
 *	write_status	the journal says what is known now
 *	finish		log line and reply
 *
 * The order at the end is what keeps a message from going out twice: nobody
 * hears of an acceptance before it is in the journal.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/daemon/base/clock.h"
#include "lib/base/log.h"
#include "delivery_private.h"

/* What is left of the agent's time when we stop waiting, for the post. */
#define SPARE_MS (15 * 1000LL)

/* --- the end --- */

/* Whatever it waits for must not call back while the journal is written. */
static void
delivery_stop_waiting(struct delivery *d)
{
	if (d->timer != NULL)
		event_free(d->timer);
	d->timer = NULL;
	turn_end(d->turn);
}

static void
delivery_free(struct delivery *d)
{
	LIST_REMOVE(d, entry);
	if (d->timer != NULL)
		event_free(d->timer);
	http_cancel(&d->call);
	turn_free(&d->turn);
	delivery_draft_free(d);
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
delivery_on_written(void *ctx, const struct error *err)
{
	struct delivery *d = ctx;

	d->writing = 0;
	/*
	 * The fate of a message that was posted is told even if it could not
	 * be kept; a message is not posted if that could not be.
	 */
	if (err != NULL && d->next != delivery_finish) {
		report_error(&d->reply, &d->report, err);
		delivery_finish(d);
	} else {
		d->next(d);
	}
}

void
delivery_write(struct delivery *d, enum journal_status status,
    void (*next)(struct delivery *))
{
	const struct error memory = {ERROR_TEMPORARY, "4.3.0", "out of memory"};

	if (status == d->entry_now.status && !d->changed) {
		next(d);
		return;
	}
	if (status != JOURNAL_POSTED)
		d->entry_now.posted = 0;
	else if (d->entry_now.posted == 0)
		d->entry_now.posted = clock_wall();
	d->entry_now.status = status;
	d->changed = 0;
	d->next = next;
	d->writing = 1;
	if (journal_write(d->daemon->journal, &d->entry_now,
		delivery_on_written, d) == -1)
		delivery_on_written(d, &memory);
}

/* Of what an admin can mend, the refusal that stands now. NULL: none does. */
static void
delivery_note_refusal(struct delivery *d, const char *refusal)
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
	delivery_stop_waiting(d);
	if (!d->refused)
		delivery_note_refusal(d, NULL);
	delivery_write(d,
	    d->report.outcome_unknown ? d->entry_now.status : d->status_before,
	    delivery_finish);
}

void
delivery_defer(
    struct delivery *d, const char *dsn, const char *reason, const char *text)
{
	report_deferred(&d->reply, &d->report, dsn, reason, text);
	delivery_finish_unsent(d);
}

void
delivery_defer_error(struct delivery *d, const struct error *err)
{
	report_error(&d->reply, &d->report, err);
	delivery_finish_unsent(d);
}

void
delivery_defer_memory(struct delivery *d)
{
	delivery_defer(d, "4.3.0", REASON_CONFIGURATION, "out of memory");
}

void
delivery_defer_abandoned(struct delivery *d)
{
	delivery_defer(d, "4.3.0", REASON_UNKNOWN,
	    "the agent went away before the message was posted");
}

enum wire_status
delivery_grace_status(struct delivery *d, const struct outcome *outcome)
{
	char refusal[JOURNAL_REFUSAL_SIZE];

	snprintf(refusal, sizeof(refusal), "%s %s", outcome->dsn,
	    d->report.error.code);
	delivery_note_refusal(d, refusal);
	d->refused = 1;
	return clock_wall() - d->entry_now.refused_since <
		d->daemon->conf.access_denied_grace
	    ? WIRE_DEFERRED
	    : WIRE_BOUNCED;
}

/* --- the beginning --- */

static void
delivery_finish_accepted_before(struct delivery *d)
{
	char text[160];

	snprintf(text, sizeof(text), "accepted before, request-id=%s",
	    d->entry_now.request_id[0] == '\0' ? "none"
					       : d->entry_now.request_id);
	report_sent(&d->reply, &d->report, text);
	delivery_finish(d);
}

/*
 * 1 when this very message is on its way by an earlier delivery, to one of
 * these recipients at least: its pipe(8) or agent was killed, and Postfix tries
 * again before Graph has answered. What the journal says is not its last word
 * then. New ones are put at the list's head, so those behind this one came
 * before it.
 */
static int
delivery_is_under_way(const struct delivery *d)
{
	const struct delivery *other = d;

	while ((other = LIST_NEXT(other, entry)) != NULL)
		if (journal_keys_meet(&other->request.keys, &d->request.keys))
			return 1;
	return 0;
}

static void
delivery_begin(evutil_socket_t fd, short what, void *ctx)
{
	struct delivery *d = ctx;
	struct error err;

	(void)fd;
	(void)what;
	event_free(d->timer);
	d->timer = NULL;
	if (delivery_is_under_way(d)) {
		delivery_defer(d, "4.3.0", REASON_UNKNOWN,
		    "an earlier attempt to send this message is still under "
		    "way");
		return;
	}
	if (journal_find(d->daemon->journal, &d->entry_now, &err) == -1) {
		delivery_defer_error(d, &err);
		return;
	}
	d->status_before = d->entry_now.status;
	if (d->entry_now.accepted > 0 && d->status_before != JOURNAL_ACCEPTED)
		log_warning("%s: %zu of these %zu recipients have got the "
			    "message already and get it again",
		    d->request.queue_id, d->entry_now.accepted,
		    d->request.keys.count);
	if (d->status_before == JOURNAL_ACCEPTED)
		delivery_finish_accepted_before(d);
	else
		delivery_wait_for_turn(d);
}

struct delivery *
delivery_start(struct msgraphd *daemon, struct delivery_request *request,
    delivery_done done, void *ctx)
{
	struct turn_for whose = {.identity = &request->identity,
	    .mailbox = request->mailbox,
	    .patience = daemon->conf.throttle_wait * 1000LL};
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
	whose.deadline = d->deadline;
	d->turn = turn_new(daemon->turns, &whose);
	d->timer = evtimer_new(daemon->base, delivery_begin, d);
	if (d->turn == NULL || d->timer == NULL) {
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
		delivery_defer_abandoned(d);
}

/* Nobody waits for the answer any more, which may be a yes. */
static void
delivery_break_off(struct delivery *d)
{
	memset(&d->report, 0, sizeof(d->report));
	d->report.outcome_unknown = d->posting && http_may_have_all(d->call);
	d->report.delay = (double)(clock_ms() - d->started) / 1000;
	if (d->large != NULL)
		d->report.attached = d->large->draft.attached;
	report_deferred(&d->reply, &d->report, "4.3.2", REASON_UNKNOWN,
	    "msgraphd was stopped before Graph answered");
	report_log(&d->request, &d->report, &d->reply);
}

void
delivery_drop_all(struct msgraphd *daemon)
{
	struct delivery *d;

	while ((d = LIST_FIRST(&daemon->deliveries)) != NULL) {
		if (d->call != NULL)
			delivery_break_off(d);
		delivery_free(d);
	}
}

void
deliveries_follow_clock(
    struct msgraphd *daemon, long long began, long long before, long long step)
{
	struct delivery *d;

	for (d = LIST_FIRST(&daemon->deliveries); d != NULL;
	     d = LIST_NEXT(d, entry))
		journal_follow_clock(&d->entry_now, began, before, step);
}
