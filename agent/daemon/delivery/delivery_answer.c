/*
 * delivery_answer.c - see delivery_answer.h.
 */
#include <stdio.h>
#include <string.h>

#include "agent/daemon/base/reveal.h"
#include "agent/daemon/graph/graph.h"
#include "agent/daemon/graph/graph_refused.h"
#include "lib/base/log.h"
#include "delivery_answer.h"
#include "delivery_fallback.h"
#include "delivery_step.h"

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

/* Empties a text of Graph's that holds what was said to it in confidence. */
static void
delivery_answer_hide(const struct delivery *d, char *text)
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
	memset(r->named, 0, sizeof(r->named));
	if (!d->request.notice)
		graph_read_refused(
		    answer, d->request.each, d->request.each_count, r->named);
	delivery_answer_hide(d, r->error.code);
	delivery_answer_hide(d, r->error.message);
	delivery_answer_hide(d, r->error.request_id);
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

int
delivery_answer_lacks_mailbox(const struct http_answer *answer)
{
	struct graph_error error;
	struct outcome outcome;

	if (answer->status != 404)
		return 0;
	graph_read_error(answer, &error);
	outcome = outcome_of(404, error.code, answer->body, 0);
	return outcome_is_refusal(&outcome);
}

/*
 * Says it of the mailbox that sends, which is not the one that people see in
 * From where it is the fallback.
 */
static void
delivery_answer_report(
    struct delivery *d, enum wire_status status, const struct outcome *outcome)
{
	struct outcome named = *outcome;
	char text[512];

	if (d->request.instead_of[0] != '\0') {
		snprintf(text, sizeof(text),
		    "from the fallback mailbox <%.100s>, since there is no "
		    "<%.100s>: %s",
		    d->request.mailbox, d->request.instead_of, outcome->text);
		named.text = text;
	}
	report_outcome(&d->reply, status, &named, &d->report);
}

void
delivery_settle(struct delivery *d, const struct outcome *outcome)
{
	enum wire_status status = WIRE_DEFERRED;

	switch (outcome->action) {
	case OUTCOME_SENT:
		break; /* not here */
	case OUTCOME_RENEW:
		if (!d->renewed) {
			d->renewed = 1;
			turn_reject_token(d->turn);
			delivery_next_turn(d);
			return;
		}
		break;
	case OUTCOME_AGAIN:
		if (!d->retried) {
			d->retried = 1;
			delivery_next_turn(d);
			return;
		}
		status = WIRE_BOUNCED;
		break;
	case OUTCOME_GRACE:
	case OUTCOME_FALLBACK:
		status = delivery_grace_status(d, outcome);
		break;
	case OUTCOME_THROTTLE:
		turn_throttle(d->turn, outcome->scope, d->report.retry_after);
		delivery_write(d, d->status_before, PHASE_TURN);
		return;
	case OUTCOME_BOUNCE:
		status = WIRE_BOUNCED;
		break;
	case OUTCOME_DEFER:
		break;
	}
	delivery_answer_report(d, status, outcome);
	if (outcome->action != OUTCOME_FALLBACK || !delivery_fall_back(d))
		delivery_next(d, PHASE_UNSENT);
}
