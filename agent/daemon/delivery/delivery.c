/*
 * delivery.c - see delivery.h.
 *
 * A delivery is always in one phase, whose step the table below names. A step
 * makes a request, asks for permission for one, or writes into the journal.
 * Then the step, or the callback at the end of its work, chooses the next
 * phase. One step knows nothing else of another. Steps run from the delivery's
 * own wake (wake.h), so that no callback runs under another, and only the last
 * step frees the delivery.
 *
 * For a small message the phases are those without a comment, from begin to
 * finish. Their order at the end keeps a message from going out twice: nobody
 * hears of an acceptance before it is in the journal.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/daemon/base/activity.h"
#include "agent/daemon/base/clock.h"
#include "agent/daemon/base/recent.h"
#include "agent/daemon/identities/identities.h"
#include "agent/daemon/store/sender.h"
#include "lib/base/log.h"
#include "delivery_begin.h"
#include "delivery_draft.h"
#include "delivery_draft_state.h"
#include "delivery_fallback.h"
#include "delivery_post.h"
#include "delivery_search.h"
#include "delivery_step.h"

/* The end of the agent's time, which is kept for the post. */
#define SPARE_MS (15 * 1000LL)

/* Turns of the event loop in which a delivery that need not wait has ended. */
#define LAST_TURNS 100

static void delivery_take_turn(struct delivery *d);
static void delivery_permit(struct delivery *d);
static void delivery_choose(struct delivery *d);
static void delivery_end_unsent(struct delivery *d);
static void delivery_finish(struct delivery *d);

static const struct {
	void (*step)(struct delivery *d);
	int for_agent; /* not begun when the agent has gone */
} phases[] = {
    [PHASE_BEGIN] = {delivery_begin, 1}, /* was it accepted before? */
    [PHASE_TURN] = {delivery_take_turn, 1}, /* what maps outside say */
    [PHASE_PERMIT] = {delivery_permit, 1},
    [PHASE_CHOOSE] = {delivery_choose, 1},
    /* after an attempt whose request was not answered: */
    [PHASE_LOOK] = {delivery_search_look, 1},
    [PHASE_SEARCH_DRAFTS] = {delivery_search_drafts, 1},
    [PHASE_SEARCH_SENT] = {delivery_search_sent, 1},
    /* of a large message, for each request; the turn comes next: */
    [PHASE_DRAFT] = {delivery_draft_request, 1},
    [PHASE_TAKE_BACK] = {delivery_draft_take_back, 0},
    [PHASE_INTENT] = {delivery_intend, 1}, /* the journal says "posted" */
    [PHASE_POST] = {delivery_post, 1}, /* and then "accepted", or */
    [PHASE_UNSENT] = {delivery_end_unsent, 0}, /* what it said before */
    [PHASE_FINISH] = {delivery_finish, 0}, /* log line, reply, end */
};

static void
delivery_on_wake(void *ctx)
{
	struct delivery *d = ctx;

	if (phases[d->phase].for_agent && d->done == NULL)
		delivery_defer(d, "4.3.0", REASON_UNKNOWN,
		    "the agent went away before the message was posted");
	else
		phases[d->phase].step(d);
}

static void
delivery_free(struct delivery *d)
{
	LIST_REMOVE(d, entry);
	http_cancel(&d->call);
	identities_prepare_cancel(&d->prepare);
	turn_free(&d->turn);
	wake_free(&d->wake);
	delivery_draft_free(d);
	free(d->posted_to.keys.list);
	free(d->posted_to.text);
	delivery_request_free(&d->request);
	free(d);
}

/* --- permission for a request --- */

static void
delivery_refused_by_entra(struct delivery *d, const char *text)
{
	const struct outcome outcome = {.dsn = "x.7.8",
	    .reason = REASON_CREDENTIAL,
	    .text = "Entra refuses the secret that this application signed in "
		    "with; it must sign in again with a valid one"};

	memset(&d->report, 0, sizeof(d->report));
	snprintf(d->report.transport, sizeof(d->report.transport), "%s", text);
	report_outcome(&d->reply, delivery_grace_status(d, &outcome), &outcome,
	    &d->report);
	delivery_next(d, PHASE_UNSENT);
}

/* Defers, with what Graph said, since it was this delivery that was told. */
static void
delivery_throttled(struct delivery *d, const struct turn_answer *answer)
{
	const struct outcome outcome = {
	    .dsn = answer->dsn, .reason = answer->reason, .text = answer->text};

	report_outcome(&d->reply, WIRE_DEFERRED, &outcome, &d->report);
	delivery_next(d, PHASE_UNSENT);
}

static void
delivery_on_turn(void *ctx, const struct turn_answer *answer)
{
	struct delivery *d = ctx;

	if (answer->result == TURN_READY)
		delivery_next(d, PHASE_CHOOSE);
	else if (answer->result == TURN_REFUSED)
		delivery_refused_by_entra(d, answer->text);
	else if (answer->result == TURN_THROTTLED && d->report.status != 0)
		delivery_throttled(d, answer);
	else
		delivery_defer(d, answer->dsn, answer->reason, answer->text);
}

/* An entry may have been disabled while its mail waited. */
static void
delivery_permit(struct delivery *d)
{
	struct error err;

	if (identities_may_deliver(d->daemon->identities, &d->request.identity,
		d->request.entry, &err) == -1) {
		delivery_defer(d, err.dsn,
		    err.class == ERROR_TEMPORARY ? REASON_IDENTITY
						 : REASON_CONFIGURATION,
		    err.text);
		return;
	}
	delivery_fallback_note(d);
	if (delivery_fall_back_again(d))
		return;
	turn_ask(d->turn, delivery_on_turn, d);
}

static void
delivery_on_prepared(void *ctx)
{
	struct delivery *d = ctx;

	d->prepare = NULL;
	delivery_next(d, PHASE_PERMIT);
}

/* Where no map outside need be asked, no time is lost. */
static void
delivery_take_turn(struct delivery *d)
{
	d->prepare = identities_prepare_mail(d->daemon->identities,
	    &d->request.identity, d->request.entry, delivery_on_prepared, d);
	if (d->prepare == NULL)
		delivery_permit(d);
}

/* Returns 1 when the next request would be in doubt without a search. */
static int
delivery_search_is_wanted(const struct delivery *d)
{
	return delivery_search_is_due(d) &&
	    (d->large != NULL ? d->is_former || delivery_draft_decides(d)
			      : d->daemon->conf.verify_unknown);
}

/*
 * Of a draft that a former fallback mailbox has, nothing is left to do either.
 */
static void
delivery_end_former(struct delivery *d)
{
	if (d->large != NULL)
		delivery_draft_discard(d);
	delivery_fallback_end(d);
}

/* Chooses the request that the permission is used for. */
static void
delivery_choose(struct delivery *d)
{
	if (d->status_before == JOURNAL_POSTED && !d->warned)
		log_warning("%s: outcome=unknown of an earlier attempt (its "
			    "request was never answered)",
		    d->request.queue_id);
	d->warned = 1;
	if (d->request.attachments.count > 0 && d->large == NULL &&
	    delivery_draft_load(d) == -1)
		return;
	if (delivery_search_is_wanted(d))
		delivery_next(d,
		    delivery_has_old_draft(d) ? PHASE_LOOK
					      : PHASE_SEARCH_DRAFTS);
	else if (d->is_former)
		delivery_end_former(d);
	else if (delivery_draft_is_due(d))
		delivery_next(d, PHASE_DRAFT);
	else
		delivery_next(d, PHASE_INTENT);
}

/* --- the end --- */

/*
 * A bounce or delay notice of this message may be next, and the mailbox may not
 * have sent before. Who was told that it may not send as this mailbox has no
 * way back there.
 */
static void
delivery_expect_sender(const struct delivery *d)
{
	struct state *state = d->daemon->state;
	struct error err;
	int result;

	if (d->request.null_sender || d->request.notice)
		return;
	if (d->refused)
		result = sender_expect_not(state, d->request.mailbox, &err);
	else
		result = sender_expect(
		    state, d->request.mailbox, &d->request.identity, &err);
	if (result == -1)
		log_error("%s", err.text);
}

static void
delivery_end_unsent(struct delivery *d)
{
	identities_prepare_cancel(&d->prepare);
	turn_end(d->turn);
	delivery_expect_sender(d);
	if (!d->refused)
		delivery_note_refusal(d, NULL);
	delivery_write(d,
	    d->report.outcome_unknown ? d->entry_now.status : d->status_before,
	    PHASE_FINISH);
}

/* Counts and keeps the outcome for msgraphctl, as the log has it. */
static void
delivery_note(const struct delivery *d)
{
	static const char *const whats[] = {[WIRE_SENT] = "sent",
	    [WIRE_DEFERRED] = "deferred",
	    [WIRE_BOUNCED] = "bounced"};
	struct activity_counts *counts = activity_counts(d->daemon->activity);
	unsigned long long *const count[] = {[WIRE_SENT] = &counts->sent,
	    [WIRE_DEFERRED] = &counts->deferred,
	    [WIRE_BOUNCED] = &counts->bounced};
	const struct delivery_request *r = &d->request;
	char key[256], text[RECENT_TEXT_SIZE], id[IDENTITY_TEXT_SIZE];

	report_log(r, &d->report, &d->reply);
	++*count[d->reply.status];
	if (d->reply.status == WIRE_SENT) {
		activity_sent(d->daemon->activity, &r->identity, r->entry);
		return;
	}
	identity_text(&r->identity, id);
	snprintf(
	    key, sizeof(key), "%s %s %s", d->report.reason, id, r->mailbox);
	snprintf(text, sizeof(text), "%s: mailbox=<%s>, application=%s, %s %s",
	    r->queue_id, r->mailbox, id, d->reply.dsn, d->reply.text);
	recent_note(d->daemon->recent, whats[d->reply.status], key,
	    d->report.reason, text);
}

static void
delivery_finish(struct delivery *d)
{
	delivery_draft_end(d);
	d->report.delay = (double)(clock_ms() - d->started) / 1000;
	if (d->narrowed)
		log_info("%s: some of these %zu recipients have got the "
			 "message before; the agent asks for the others alone",
		    d->request.queue_id, d->request.each_count);
	else if (d->reply.again_as[0] != '\0')
		delivery_fallback_log(d);
	else
		delivery_note(d);
	if (d->done != NULL)
		d->done(d->ctx, &d->reply);
	delivery_free(d);
}

/* --- for the services --- */

struct delivery *
delivery_start(struct msgraphd *daemon, struct delivery_request *request,
    delivery_done done, void *ctx)
{
	struct delivery *d = calloc(1, sizeof(*d));
	struct turn_for whose = {.identity = &request->identity,
	    .mailbox = request->mailbox,
	    .entry = request->entry,
	    .patience = daemon->conf.throttle_wait * 1000LL,
	    .is_delivery = 1};

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
	if (d->turn == NULL ||
	    wake_init(&d->wake, daemon->base, delivery_on_wake, d) == -1) {
		delivery_free(d);
		return NULL;
	}
	delivery_next(d, PHASE_BEGIN);
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
	/* the step of its phase will see that; unless what is under way does */
	if (phases[d->phase].for_agent && d->call == NULL && !d->writing)
		delivery_next(d, d->phase);
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
	delivery_note(d);
}

/* Lets those end that need nobody for it any more. */
static void
delivery_run_out(struct msgraphd *daemon)
{
	int i;

	for (i = 0; i < LAST_TURNS && !LIST_EMPTY(&daemon->deliveries); i++)
		event_base_loop(daemon->base, EVLOOP_NONBLOCK);
}

void
delivery_drop_all(struct msgraphd *daemon)
{
	struct delivery *d, *next, *waiting;

	for (d = LIST_FIRST(&daemon->deliveries); d != NULL; d = next) {
		next = LIST_NEXT(d, entry);
		waiting = d;
		if (d->call == NULL) {
			delivery_abandon(&waiting);
		} else {
			delivery_break_off(d);
			delivery_free(d);
		}
	}
	delivery_run_out(daemon);
	while ((d = LIST_FIRST(&daemon->deliveries)) != NULL)
		delivery_free(d);
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

size_t
deliveries_count(const struct msgraphd *daemon)
{
	const struct delivery *d;
	size_t count = 0;

	for (d = LIST_FIRST(&daemon->deliveries); d != NULL;
	     d = LIST_NEXT(d, entry))
		count++;
	return count;
}
