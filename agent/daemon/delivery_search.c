/*
 * delivery_search.c - whether an earlier attempt, whose request was never
 * answered, has sent the message: the mailbox's Sent Items tell.
 *
 * They are searched before the message is posted again where verify_unknown
 * says so, and always before a large message gets another draft: what was sent
 * is a draft no more, so a draft that is gone may have been sent, and who may
 * make drafts may search.
 *
 * Only an answer that tells counts. A search that fails says nothing about the
 * message, so it is tried again like any other request; to go on without an
 * answer would be to post the message twice whenever Graph is in trouble, which
 * is when outcomes become unknown.
 */
#include <string.h>

#include "clock.h"
#include "delivery_private.h"
#include "graph.h"
#include "graph_sent.h"
#include "log.h"

int
delivery_search_is_due(const struct delivery *d)
{
	return d->fate_before == JOURNAL_POSTED && !d->searched &&
	    d->request.message_id[0] != '\0';
}

static void
go_on(struct delivery *d)
{
	d->searched = 1;
	memset(&d->report, 0, sizeof(d->report));
	delivery_go_on(d);
}

static void
cannot_tell(struct delivery *d, const struct outcome *from)
{
	struct outcome outcome = {.action = OUTCOME_DEFER,
	    .dsn = "4.3.0",
	    .reason = REASON_UNKNOWN,
	    .text = "whether Graph has taken the message before cannot be "
		    "told, for Sent Items cannot be searched now"};

	/* no answer to a question can make a message bounce */
	if (from->action == OUTCOME_RENEW || from->action == OUTCOME_HOLD)
		outcome = *from;
	else if (from->action == OUTCOME_DEFER)
		outcome.dsn = from->dsn;
	/* nor is anything wrong with the message */
	if (from->action == OUTCOME_DEFER || from->action == OUTCOME_HEAL)
		outcome.reason = from->reason;
	gate_leave(&d->pass);
	d->report.unknown_fate = 0;
	delivery_settle(d, &outcome);
}

static void
on_found(void *ctx, const struct http_answer *answer)
{
	const struct outcome unread = {
	    .action = OUTCOME_DEFER, .dsn = "4.3.0", .reason = REASON_UNKNOWN};
	struct delivery *d = ctx;
	struct outcome outcome;
	int found = graph_read_found(
	    answer, d->request.recipients, clock_wall() - d->entry_now.posted);

	d->call = NULL;
	if (found == 1) {
		memset(&d->report, 0, sizeof(d->report));
		report_sent(&d->reply, &d->report,
		    "accepted before, found in Sent Items");
		delivery_write(d, JOURNAL_ACCEPTED, delivery_finish);
	} else if (found == 0) {
		go_on(d);
	} else if (answer->status == 200) {
		log_warning("%s: Sent Items have too many messages of this "
			    "Message-ID, or none that can be read",
		    d->request.queue_id);
		cannot_tell(d, &unread);
	} else if (answer->status == 403 && !delivery_draft_is_new(d)) {
		log_warning("%s: cannot search Sent Items (HTTP 403), posting "
			    "again; verify_unknown needs the permission "
			    "Mail.Read",
		    d->request.queue_id);
		go_on(d);
	} else {
		outcome = delivery_read_answer(d, answer);
		cannot_tell(d, &outcome);
	}
}

void
delivery_search(struct delivery *d)
{
	char id[GRAPH_ID_SIZE];
	struct error err;

	graph_new_id(id);
	log_debug("%s: searching Sent Items, client-request-id=%s",
	    d->request.queue_id, id);
	d->call = graph_find_sent(d->daemon->http, &d->daemon->conf,
	    d->request.mailbox, d->token, d->request.message_id, id, on_found,
	    d, &err);
	if (d->call == NULL)
		delivery_defer_error(d, &err);
}
