/*
 * delivery_post.c - the request of a delivery, and what follows from its
 * answer; see delivery.c for the steps before and after.
 */
#include <stdio.h>
#include <string.h>

#include "agent/daemon/base/clock.h"
#include "agent/daemon/base/reveal.h"
#include "agent/daemon/graph/graph.h"
#include "agent/daemon/store/sender.h"
#include "lib/base/log.h"
#include "delivery_private.h"

void
delivery_settle(struct delivery *d, const struct outcome *outcome)
{
	enum wire_status status = WIRE_DEFERRED;

	switch (outcome->action) {
	case OUTCOME_SENT:
		break; /* not here */
	case OUTCOME_RENEW:
		if (!d->renewed && d->done != NULL) {
			d->renewed = 1;
			turn_reject_token(d->turn);
			delivery_wait_for_turn(d);
			return;
		}
		break;
	case OUTCOME_AGAIN:
		if (!d->retried && d->done != NULL) {
			d->retried = 1;
			delivery_wait_for_turn(d);
			return;
		}
		status = d->retried ? WIRE_BOUNCED : WIRE_DEFERRED;
		break;
	case OUTCOME_GRACE:
		status = delivery_grace_status(d, outcome);
		break;
	case OUTCOME_THROTTLE:
		turn_throttle(d->turn, outcome->scope, d->report.retry_after);
		if (d->done != NULL) {
			delivery_write(
			    d, d->status_before, delivery_wait_for_turn);
			return;
		}
		break;
	case OUTCOME_BOUNCE:
		status = WIRE_BOUNCED;
		break;
	case OUTCOME_DEFER:
		break;
	}
	report_outcome(&d->reply, status, outcome, &d->report);
	delivery_finish_unsent(d);
}

static void
delivery_post_settle_sent(struct delivery *d)
{
	char text[128];
	struct error err;

	/* only bounces need it: not worth a deferral */
	if (sender_note(d->daemon->state, d->request.mailbox,
		&d->request.identity, &err) == -1)
		log_error("%s", err.text);

	snprintf(text, sizeof(text), "Graph accepted, request-id=%s",
	    d->report.request_id[0] == '\0' ? "none" : d->report.request_id);
	report_sent(&d->reply, &d->report, text);
	snprintf(d->entry_now.request_id, sizeof(d->entry_now.request_id), "%s",
	    d->report.request_id);
	delivery_write(d, JOURNAL_ACCEPTED, delivery_finish);
}

/* What Graph says goes into logs and bounces; what was said to it must not. */
static void
delivery_post_hide(const struct delivery *d, char *text)
{
	const struct secret *token = turn_token(d->turn);
	const struct secret *upload =
	    d->large == NULL ? NULL : d->large->draft.upload;

	if ((token != NULL && reveals(token, text, strlen(text))) ||
	    (upload != NULL && reveals(upload, text, strlen(text))))
		text[0] = '\0';
}

struct outcome
delivery_read_answer(struct delivery *d, const struct http_answer *answer)
{
	struct report *r = &d->report;
	struct outcome outcome;

	graph_read_error(answer, &r->error);
	outcome = outcome_of(
	    answer->status, r->error.code, answer->body, answer->body_sent);
	delivery_post_hide(d, r->error.code);
	delivery_post_hide(d, r->error.message);
	delivery_post_hide(d, r->error.request_id);
	r->status = answer->status;
	r->retry_after = answer->retry_after;
	r->outcome_unknown = outcome.outcome_unknown;
	snprintf(
	    r->request_id, sizeof(r->request_id), "%s", r->error.request_id);
	snprintf(r->transport, sizeof(r->transport), "%s", answer->transport);
	if (!outcome.known)
		log_warning("%s: Graph's answer is not known here: HTTP %ld "
			    "%s; please report it",
		    d->request.queue_id, answer->status, r->error.code);
	return outcome;
}

static void
delivery_post_on_answer(void *ctx, const struct http_answer *answer)
{
	struct delivery *d = ctx;
	struct outcome outcome;

	d->call = NULL;
	d->posting = 0;
	turn_end(d->turn);
	if (delivery_draft_is_missing(d, answer))
		return;
	outcome = delivery_read_answer(d, answer);
	if (outcome.action == OUTCOME_SENT)
		delivery_post_settle_sent(d);
	else
		delivery_settle(d, &outcome);
}

struct graph_call
delivery_call(struct delivery *d, const char *id, http_done done)
{
	struct graph_call call = {.http = d->daemon->http,
	    .conf = &d->daemon->conf,
	    .mailbox = d->request.mailbox,
	    .token = turn_token(d->turn),
	    .id = id,
	    .done = done,
	    .ctx = d};

	return call;
}

static struct http_call *
delivery_post_start_post(struct delivery *d, const char *id, struct error *err)
{
	if (d->large != NULL)
		return delivery_draft_send(d, id, delivery_post_on_answer, err);
	return graph_send(d->daemon->http, &d->daemon->conf, d->request.mailbox,
	    turn_token(d->turn), &d->request.spool, id, delivery_post_on_answer,
	    d, err);
}

static void
delivery_post_start(struct delivery *d)
{
	char id[GRAPH_ID_SIZE];
	struct error err;

	if (d->done == NULL) {
		delivery_defer_abandoned(d);
		return;
	}
	graph_new_id(id);
	d->call = delivery_post_start_post(d, id, &err);
	if (d->call == NULL) {
		report_error(&d->reply, &d->report, &err);
		delivery_write(d, d->status_before, delivery_finish);
		return;
	}
	d->posting = 1;
	log_debug("%s: posting to Graph, client-request-id=%s",
	    d->request.queue_id, id);
}

/* Nothing is written before a draft is whole: until then nothing can be sent. */
void
delivery_go_on(struct delivery *d)
{
	if (delivery_draft_is_due(d))
		delivery_draft_step(d);
	else
		delivery_write(d, JOURNAL_POSTED, delivery_post_start);
}

void
delivery_take_turn(struct delivery *d)
{
	if (d->status_before == JOURNAL_POSTED && !d->warned)
		log_warning("%s: outcome=unknown of an earlier attempt (its "
			    "request was never answered)",
		    d->request.queue_id);
	d->warned = 1;
	if (delivery_search_is_due(d) &&
	    (d->request.attachments.count > 0 ? delivery_draft_decides(d)
					      : d->daemon->conf.verify_unknown))
		delivery_search(d);
	else
		delivery_go_on(d);
}
