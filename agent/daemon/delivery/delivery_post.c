/*
 * delivery_post.c - see delivery_post.h.
 */
#include <stdio.h>
#include <string.h>

#include "agent/daemon/graph/graph.h"
#include "agent/daemon/store/sender.h"
#include "lib/base/log.h"
#include "delivery_answer.h"
#include "delivery_draft.h"
#include "delivery_draft_state.h"
#include "delivery_post.h"
#include "delivery_step.h"

void
delivery_intend(struct delivery *d)
{
	const struct delivery_request *request = &d->request;
	const char *from =
	    request->instead_of[0] != '\0' ? request->mailbox : "";
	char post[JOURNAL_POST_SIZE];

	if (d->large != NULL && !d->large->draft.sending) {
		d->large->draft.sending = 1;
		if (delivery_draft_keep(d) == -1)
			return;
	}
	if (strcmp(d->entry_now.posted_from, from) != 0) {
		snprintf(d->entry_now.posted_from,
		    sizeof(d->entry_now.posted_from), "%s", from);
		d->changed = 1;
	}
	delivery_name_post(d, post);
	if (strcmp(d->entry_now.post, post) != 0 || d->entry_now.posts_differ) {
		memcpy(d->entry_now.post, post, sizeof(post));
		d->entry_now.posts_differ = 0;
		d->changed = 1;
	}
	if (d->large == NULL && !d->entry_now.by_sendmail)
		d->entry_now.by_sendmail = d->changed = 1;
	/* for some of them it may say so already */
	if (d->entry_now.unanswered < d->entry_now.keys->count) {
		d->entry_now.unanswered = d->entry_now.keys->count;
		d->changed = 1;
	}
	delivery_write(d, JOURNAL_POSTED, PHASE_POST);
}

static void
delivery_post_settle_sent(struct delivery *d)
{
	char text[512], from[400] = "";
	struct error err;

	/* only bounces need it: not worth a deferral */
	if (sender_note(d->daemon->state, d->request.mailbox,
		&d->request.identity, &err) == -1)
		log_error("%s", err.text);

	if (d->request.instead_of[0] != '\0')
		snprintf(from, sizeof(from),
		    ", as fallback <%.150s>, no mailbox <%.150s>",
		    d->request.mailbox, d->request.instead_of);
	snprintf(text, sizeof(text), "Graph accepted, request-id=%s%s",
	    d->report.request_id[0] == '\0' ? "none" : d->report.request_id,
	    from);
	report_sent(&d->reply, &d->report, text);
	snprintf(d->entry_now.request_id, sizeof(d->entry_now.request_id), "%s",
	    d->report.request_id);
	delivery_write(d, JOURNAL_ACCEPTED, PHASE_FINISH);
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
	if (outcome.action == OUTCOME_SENT) {
		if (d->large != NULL)
			d->large->is_sent = 1;
		delivery_post_settle_sent(d);
		return;
	}
	if (d->large != NULL && !outcome.outcome_unknown)
		delivery_draft_note_unsent(d);
	delivery_settle(d, &outcome);
}

static struct http_call *
delivery_post_start(struct delivery *d, const char *id, struct error *err)
{
	struct graph_call call = delivery_call(d, id, delivery_post_on_answer);

	if (d->large == NULL)
		return graph_send(call.http, call.conf, call.mailbox,
		    call.token, &d->request.source, id, call.done, d, err);
	call.draft = d->large->draft.id;
	return graph_draft_send(&call, &d->large->body, err);
}

void
delivery_post(struct delivery *d)
{
	char id[UUID_TEXT_SIZE];
	struct error err;

	graph_new_id(id);
	d->call = delivery_post_start(d, id, &err);
	if (d->call == NULL) {
		report_error(&d->reply, &d->report, &err);
		delivery_write(d, d->status_before, PHASE_FINISH);
		return;
	}
	d->posting = 1;
	log_debug("%s: posting to Graph, client-request-id=%s",
	    d->request.queue_id, id);
}
