/*
 * delivery_draft.c - see delivery_draft.h.
 *
 *	create		the message without its attachments
 *	attach		a small attachment, in one request
 *	open		a large one: an address to upload it to
 *	put		one range of it after the other
 *	ask		how far an earlier attempt got with the upload
 *
 * Each of these pieces is one request that the delivery makes when it has its
 * turn. When Graph has taken a piece, that is written into the state, and the
 * delivery waits for its turn again, so that a large message and small ones of
 * the same mailbox take turns. delivery_draft_next_step() chooses the next
 * piece from what is known, so that a delivery that begins with a draft of an
 * earlier attempt goes on where that one ended.
 *
 * Nothing here can send the message. So nothing here leaves its status unknown,
 * and the journal hears of the message only before the draft is sent. But a
 * draft with uncertain contents is thrown away and made anew.
 */
#include <string.h>

#include "agent/daemon/base/clock.h"
#include "agent/daemon/graph/graph.h"
#include "lib/base/log.h"
#include "delivery_answer.h"
#include "delivery_draft.h"
#include "delivery_draft_state.h"
#include "delivery_step.h"

/* Graph may not find a new draft at once: 0.5, 1, 2, 4, 8 seconds. */
#define MISSED_MAX 5
#define MISSED_FIRST_MS 500LL

/* An upload that goes to and fro is given up. */
#define ASKED_MAX 3

enum step {
	STEP_CREATE,
	STEP_ATTACH,
	STEP_OPEN,
	STEP_PUT,
	STEP_ASK,
	STEP_SEND
};

/* --- what there is --- */

static const struct attachment *
delivery_draft_attachment_of(const struct delivery *d)
{
	return &d->request.attachments.list[d->large->draft.attached];
}

static enum step
delivery_draft_next_step(const struct delivery *d)
{
	const struct delivery_large *large = d->large;

	if (large->draft.id[0] == '\0' || large->useless)
		return STEP_CREATE;
	if (large->draft.attached == d->request.attachments.count)
		return STEP_SEND;
	if (large->draft.upload != NULL)
		return large->next == -1 ? STEP_ASK : STEP_PUT;
	return large->whole ||
		graph_draft_is_small(delivery_draft_attachment_of(d))
	    ? STEP_ATTACH
	    : STEP_OPEN;
}

int
delivery_draft_is_due(const struct delivery *d)
{
	return d->large != NULL && delivery_draft_next_step(d) != STEP_SEND;
}

int
delivery_draft_is_new(const struct delivery *d)
{
	return d->large != NULL && delivery_draft_next_step(d) == STEP_CREATE;
}

int
delivery_draft_decides(const struct delivery *d)
{
	return d->large != NULL &&
	    (delivery_draft_next_step(d) == STEP_CREATE ||
		delivery_draft_next_step(d) == STEP_SEND);
}

/* --- answers --- */

/* An answer has come: the request and its turn are over. */
static void
delivery_draft_end_request(struct delivery *d)
{
	d->call = NULL;
	turn_end(d->turn);
}

/* The piece is done. */
static void
delivery_draft_go_on(struct delivery *d)
{
	memset(&d->report, 0, sizeof(d->report));
	d->renewed = d->retried = 0;
	d->large->missed = 0;
	delivery_next_turn(d);
}

/* The outcome table's meaning, except that nothing here sends the message. */
static void
delivery_draft_fail(struct delivery *d, const struct http_answer *answer)
{
	struct outcome outcome = delivery_read_answer(d, answer);

	if (outcome.action == OUTCOME_SENT) {
		outcome.action = OUTCOME_DEFER;
		outcome.dsn = "4.3.0";
		outcome.reason = REASON_UNKNOWN;
		outcome.text = "Graph's answer is not one that is known here";
	}
	d->report.outcome_unknown = 0;
	delivery_settle(d, &outcome);
}

/* The draft, or the upload to it, is gone. */
static void
delivery_draft_start_over(struct delivery *d, const struct http_answer *answer)
{
	const struct outcome outcome = {.action = OUTCOME_DEFER,
	    .dsn = "4.3.0",
	    .reason = REASON_ENDPOINT,
	    .text = "Graph has lost the draft of the message twice; it is made "
		    "anew later"};

	delivery_draft_note_unsent(d);
	delivery_draft_discard(d);
	d->searched = 0; /* it may have been sent since */
	if (d->large->restarted) {
		(void)delivery_read_answer(d, answer);
		delivery_settle(d, &outcome);
		return;
	}
	d->large->restarted = 1;
	log_info(
	    "%s: the draft or its upload is gone (HTTP %ld), starting over",
	    d->request.queue_id, answer->status);
	delivery_write(d, d->status_before, PHASE_TURN);
}

int
delivery_draft_is_missing(struct delivery *d, const struct http_answer *answer)
{
	long long ms;

	if (d->large == NULL || answer->status != 404 ||
	    delivery_answer_lacks_mailbox(answer))
		return 0;
	if (!d->large->made || d->large->missed == MISSED_MAX) {
		delivery_draft_start_over(d, answer);
		return 1;
	}
	ms = MISSED_FIRST_MS << d->large->missed++;
	delivery_next_in(d, PHASE_TURN, ms);
	return 1;
}

/* The right to send does not include the one to make drafts. */
static void
delivery_draft_refuse_draft(struct delivery *d, const struct outcome *refusal)
{
	const struct outcome outcome = {.action = OUTCOME_BOUNCE,
	    .dsn = "5.3.4",
	    .reason = REASON_PERMISSION,
	    .text = "the message is too large for one request, and the "
		    "application may not make drafts; an admin must grant it "
		    "Mail.ReadWrite for the mailbox, or the message must be "
		    "made smaller"};

	delivery_settle(d,
	    refusal->action == OUTCOME_GRACE && d->report.status == 403
		? &outcome
		: refusal);
}

static void
delivery_draft_on_taken_back(void *ctx, const struct http_answer *answer)
{
	struct delivery *d = ctx;

	(void)answer;
	delivery_draft_end_request(d);
	delivery_next(d, PHASE_UNSENT);
}

void
delivery_draft_take_back(struct delivery *d)
{
	char id[UUID_TEXT_SIZE];
	struct graph_call call;

	graph_new_id(id);
	call = delivery_call(d, id, delivery_draft_on_taken_back);
	call.draft = d->large->draft.id;
	d->call = graph_draft_delete(&call, NULL);
	if (d->call == NULL)
		delivery_next(d, PHASE_UNSENT);
}

static void
delivery_draft_on_created(void *ctx, const struct http_answer *answer)
{
	struct delivery *d = ctx;
	struct outcome outcome;

	d->call = NULL;
	if (graph_draft_read_id(answer, d->large->draft.id) == 0) {
		d->large->made = 1;
		if (delivery_draft_try_keep(d) == -1) {
			/* nobody would know it later; in the same turn */
			delivery_next(d, PHASE_TAKE_BACK);
			return;
		}
		delivery_draft_go_on(d);
		return;
	}
	turn_end(d->turn);
	if (answer->status == 403) {
		outcome = delivery_read_answer(d, answer);
		delivery_draft_refuse_draft(d, &outcome);
	} else {
		delivery_draft_fail(d, answer);
	}
}

static void
delivery_draft_next_attachment(struct delivery *d)
{
	struct delivery_large *large = d->large;

	secret_free(&large->draft.upload);
	large->draft.attached++;
	large->draft.attaching = 0;
	large->next = -1;
	large->asked = 0;
	large->whole = 0;
	if (delivery_draft_keep(d) == 0)
		delivery_draft_go_on(d);
}

static void
delivery_draft_on_attached(void *ctx, const struct http_answer *answer)
{
	struct delivery *d = ctx;
	struct graph_error error;
	struct outcome outcome;

	delivery_draft_end_request(d);
	if (answer->status == 201 && answer->body_sent) {
		delivery_draft_next_attachment(d);
		return;
	}
	if (delivery_draft_is_missing(d, answer))
		return;
	/* it may be attached, and must not be so twice */
	graph_read_error(answer, &error);
	outcome = outcome_of(
	    answer->status, error.code, answer->body, answer->body_sent);
	if (outcome.outcome_unknown || answer->status / 100 == 2) {
		delivery_draft_discard(d);
	} else {
		d->large->draft.attaching = 0;
		if (delivery_draft_keep(d) == -1)
			return;
	}
	delivery_draft_fail(d, answer);
}

static void
delivery_draft_on_opened(void *ctx, const struct http_answer *answer)
{
	struct delivery *d = ctx;
	struct graph_error error;

	delivery_draft_end_request(d);
	d->large->draft.upload = graph_draft_read_upload(answer);
	if (d->large->draft.upload != NULL) {
		d->large->next = 0;
		if (delivery_draft_keep(d) == 0)
			delivery_draft_go_on(d);
		return;
	}
	if (delivery_draft_is_missing(d, answer))
		return;
	graph_read_error(answer, &error);
	if (strcmp(error.code,
		"ErrorAttachmentSizeShouldNotBeLessThanMinimumSize") == 0) {
		d->large->whole = 1;
		delivery_draft_go_on(d);
		return;
	}
	delivery_draft_fail(d, answer);
}

/* 1 when an upload's address is good for nothing any more. */
static int
delivery_draft_is_over(const struct http_answer *answer)
{
	return answer->status == 401 || answer->status == 403 ||
	    answer->status == 404 || answer->status == 410;
}

/* The upload wants the bytes from next on; so many it had before. */
static int
delivery_draft_is_progress(
    const struct delivery *d, long long next, long long before)
{
	return next >= before &&
	    next < delivery_draft_attachment_of(d)->bytes.length;
}

static void
delivery_draft_on_asked(void *ctx, const struct http_answer *answer)
{
	struct delivery *d = ctx;
	long long next = graph_draft_read_next(answer);

	delivery_draft_end_request(d);
	if (delivery_draft_is_over(answer)) {
		/* expired; or complete, and nobody heard of it */
		delivery_draft_start_over(d, answer);
	} else if (answer->status == 200 &&
	    delivery_draft_is_progress(d, next, 0)) {
		d->large->next = next;
		delivery_draft_go_on(d);
	} else {
		delivery_draft_fail(d, answer);
	}
}

static void
delivery_draft_on_put(void *ctx, const struct http_answer *answer)
{
	struct delivery *d = ctx;
	struct delivery_large *large = d->large;
	long long next = graph_draft_read_next(answer);

	delivery_draft_end_request(d);
	if (answer->status == 201 && answer->body_sent) {
		delivery_draft_next_attachment(d);
	} else if (delivery_draft_is_over(answer)) {
		delivery_draft_start_over(d, answer);
	} else if (answer->status == 200 && answer->body_sent &&
	    delivery_draft_is_progress(d, next, large->next + 1)) {
		large->next = next;
		delivery_draft_go_on(d);
	} else if ((answer->status == 200 || answer->status == 201 ||
		       answer->status == 416) &&
	    large->asked++ < ASKED_MAX) {
		large->next = -1;
		delivery_draft_go_on(d);
	} else {
		large->next = -1;
		delivery_draft_fail(d, answer);
	}
}

/* --- requests --- */

static struct http_call *
delivery_draft_start(
    struct delivery *d, enum step step, const char *id, struct error *err)
{
	struct delivery_large *large = d->large;
	const struct attachment *a = delivery_draft_attachment_of(d);
	struct source *source = &d->request.source;
	struct graph_call call = delivery_call(d, id, NULL);

	call.draft = large->draft.id;
	switch (step) {
	case STEP_CREATE:
		call.done = delivery_draft_on_created;
		return graph_draft_create(&call, source, err);
	case STEP_ATTACH:
		call.done = delivery_draft_on_attached;
		return graph_draft_attach(&call, a, source, &large->body, err);
	case STEP_OPEN:
		call.done = delivery_draft_on_opened;
		return graph_draft_open(&call, a, &large->body, err);
	case STEP_PUT:
		call.done = delivery_draft_on_put;
		return graph_draft_put(&call, large->draft.upload, a,
		    large->next, source, &large->body, err);
	case STEP_ASK:
		call.done = delivery_draft_on_asked;
		return graph_draft_ask(&call, large->draft.upload, err);
	default:
		error_set(err, ERROR_OURS, "4.3.0", "bug: nothing to upload");
		return NULL;
	}
}

static void
delivery_draft_make(struct delivery *d, enum step step)
{
	static const char *const names[] = {
	    [STEP_CREATE] = "making a draft",
	    [STEP_ATTACH] = "attaching",
	    [STEP_OPEN] = "opening an upload",
	    [STEP_PUT] = "uploading",
	    [STEP_ASK] = "asking how far the upload got",
	};
	char id[UUID_TEXT_SIZE];
	struct error err;

	graph_new_id(id);
	log_debug("%s: draft=%zu/%zu, %s, client-request-id=%s",
	    d->request.queue_id, d->large->draft.attached,
	    d->request.attachments.count, names[step], id);
	d->call = delivery_draft_start(d, step, id, &err);
	if (d->call == NULL)
		delivery_defer_error(d, &err);
}

/* Writes what the state must know first. 0, or -1 when d is deferred. */
static int
delivery_draft_prepare(struct delivery *d, enum step step)
{
	/* what there is was not sent, and cannot be */
	if (step == STEP_CREATE && d->large->useless)
		delivery_draft_discard(d);
	/* a second request would attach it twice, should we end before */
	if (step == STEP_ATTACH)
		d->large->draft.attaching = 1;
	/* a state that takes no row must not cost a draft each time */
	return step == STEP_ATTACH || step == STEP_CREATE
	    ? delivery_draft_keep(d)
	    : 0;
}

void
delivery_draft_request(struct delivery *d)
{
	enum step step = delivery_draft_next_step(d);

	if (clock_ms() > d->deadline)
		delivery_defer(d, "4.4.2", REASON_ENDPOINT,
		    "the upload takes longer than one delivery may; the next "
		    "attempt goes on with it");
	else if (delivery_draft_prepare(d, step) == 0)
		delivery_draft_make(d, step);
}
