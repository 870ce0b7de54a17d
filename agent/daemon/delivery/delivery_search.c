/*
 * delivery_search.c - asks the mailbox. See delivery_search.h.
 *
 * sendMail puts a message into Drafts, answers, and moves it to Sent Items when
 * transport has picked it up. Microsoft does not say how long that takes
 * ("Overview of the Microsoft Graph send mail process"). So Drafts are asked
 * first and Sent Items second: a message that moves in between is seen in one
 * of them at least. A message in Sent Items was sent. One in Drafts, if it is
 * not a draft that we have made, may be sent yet: it is not posted again while
 * it is there.
 *
 * The id of a draft that we have made is known, and isDraft says whether it was
 * handed over. Only when it has gone, and so may have been sent, the folders
 * are asked.
 *
 * They are asked before a small message is posted again where verify_unknown
 * says so, and always before a large one gets another draft or its draft is
 * sent: an application that may make drafts may read them.
 *
 * The search is for a message to all those to whom an attempt has posted it.
 * Where they are some of the recipients only, each attempt is looked for by
 * itself, and when one is found, the agent comes again for the others.
 *
 * A search that fails says nothing about the message, so it is tried again like
 * any other request. To go on without an answer would be to post the message
 * twice whenever Graph is in trouble, which is when outcomes become unknown.
 */
#include <string.h>

#include "agent/daemon/base/clock.h"
#include "agent/daemon/graph/graph.h"
#include "agent/daemon/graph/graph_sent.h"
#include "lib/base/log.h"
#include "delivery_answer.h"
#include "delivery_begin.h"
#include "delivery_draft.h"
#include "delivery_draft_state.h"
#include "delivery_fallback.h"
#include "delivery_search.h"
#include "delivery_step.h"

#define DRAFT_IDS_MAX (256 * 1024)

/* --- what follows from the answers --- */

static void
delivery_search_go_on(struct delivery *d)
{
	d->searched = 1;
	memset(&d->report, 0, sizeof(d->report));
	delivery_next(d, PHASE_CHOOSE);
}

/* Those who have got it are left out when the delivery begins once more. */
static void
delivery_search_accepted_some(struct delivery *d)
{
	log_info("%s: %zu of these %zu recipients have got the message: it is "
		 "in Sent Items",
	    d->request.queue_id, d->posted_to.keys.count,
	    d->request.keys.count);
	memset(&d->report, 0, sizeof(d->report));
	turn_end(d->turn);
	d->entry_now.keys = &d->posted_to.keys;
	delivery_write(d, JOURNAL_ACCEPTED, PHASE_BEGIN);
	d->entry_now.keys = &d->request.keys;
}

static void
delivery_search_accepted(struct delivery *d, const char *text)
{
	memset(&d->report, 0, sizeof(d->report));
	report_sent(&d->reply, &d->report, text);
	delivery_write(d, JOURNAL_ACCEPTED, PHASE_FINISH);
}

static void
delivery_search_perhaps(struct delivery *d)
{
	memset(&d->report, 0, sizeof(d->report));
	d->report.outcome_unknown = 1;
	delivery_defer(d, "4.3.0", REASON_UNKNOWN,
	    "Graph may have taken the message before: one like it is in the "
	    "mailbox's Drafts, and the message is not posted again while that "
	    "is there");
}

static void
delivery_search_cannot_tell(struct delivery *d, const struct outcome *from)
{
	struct outcome outcome = {.action = OUTCOME_DEFER,
	    .dsn = "4.3.0",
	    .reason = REASON_UNKNOWN,
	    .text = "whether Graph has taken the message before cannot be "
		    "told, for the mailbox cannot be searched now"};

	/* no answer to a question can make a message bounce */
	if (from->action == OUTCOME_RENEW || from->action == OUTCOME_THROTTLE)
		outcome = *from;
	else if (from->action == OUTCOME_DEFER)
		outcome.dsn = from->dsn;
	/* nor is anything wrong with the message */
	if (from->action == OUTCOME_DEFER || outcome_is_refusal(from))
		outcome.reason = from->reason;
	turn_end(d->turn);
	d->report.outcome_unknown = 0;
	delivery_settle(d, &outcome);
}

static void
delivery_search_no_answer(struct delivery *d, const struct http_answer *answer)
{
	struct outcome outcome = {
	    .action = OUTCOME_DEFER, .dsn = "4.3.0", .reason = REASON_UNKNOWN};

	if (answer->status == 200)
		log_warning("%s: Drafts or Sent Items have too many messages "
			    "of this Message-ID, or none that can be read",
		    d->request.queue_id);
	else
		outcome = delivery_read_answer(d, answer);
	delivery_search_cannot_tell(d, &outcome);
}

/* --- Drafts and Sent Items --- */

/*
 * Returns how long ago it was posted first, in seconds. Where that is ahead,
 * the clock was wrong then, and an earlier daemon did not see it being set: so
 * it may be as long ago as anything that the journal knows.
 */
static long long
delivery_search_age(const struct delivery *d)
{
	long long age = clock_wall() - d->entry_now.posted;

	return age >= 0 ? age : d->daemon->conf.state_retention;
}

/* As graph_read_found(). */
static int
delivery_search_read_found(struct delivery *d, enum graph_folder folder,
    const struct http_answer *answer)
{
	struct graph_sought sought = {.recipients = d->posted_to.text != NULL
		? d->posted_to.text
		: d->request.recipients,
	    .age = delivery_search_age(d),
	    .no_drafts = folder == GRAPH_DRAFTS && !d->entry_now.by_sendmail};
	struct error err;
	struct buf ids;
	int found = -1;

	buf_init(&ids, DRAFT_IDS_MAX);
	if (buf_add(&ids, "", 0) == -1 ||
	    delivery_draft_ids(d, &ids, &err) == -1) {
		log_error("%s: the drafts in the state cannot be read",
		    d->request.queue_id);
	} else {
		sought.drafts = ids.bytes;
		found = graph_read_found(answer, &sought);
	}
	buf_free(&ids);
	return found;
}

/* There is nothing to search, and another mailbox will send. */
static int
delivery_search_is_nowhere(
    const struct delivery *d, const struct http_answer *answer)
{
	struct graph_error error;

	/* what else there is may be long */
	if (answer->status != 404 ||
	    (!delivery_has_fallback(d) && !d->is_former))
		return 0;
	graph_read_error(answer, &error);
	return outcome_of(404, error.code, answer->body, 0).action ==
	    OUTCOME_FALLBACK;
}

static void
delivery_search_not_found(struct delivery *d, const struct http_answer *answer)
{
	if (delivery_draft_is_new(d) && !d->is_former) {
		delivery_search_no_answer(d, answer);
	} else if (delivery_search_is_nowhere(d, answer)) {
		delivery_search_go_on(d);
	} else if (answer->status == 403) {
		log_warning("%s: cannot search Drafts and Sent Items (HTTP "
			    "403), posting again; verify_unknown needs the "
			    "permission Mail.Read",
		    d->request.queue_id);
		delivery_search_go_on(d);
	} else {
		delivery_search_no_answer(d, answer);
	}
}

/*
 * Looks for the next post. After the last, goes on with all recipients: the
 * journal has one status for all of them when a request ends, and those to whom
 * nothing was posted must not count as if.
 */
static void
delivery_search_found_none(struct delivery *d)
{
	struct error err;
	int more = 0;

	if (d->posted_to.text != NULL)
		more = delivery_next_posted_to(d, &err);
	if (more == -1) {
		delivery_defer_error(d, &err);
	} else if (more == 1) {
		delivery_next_turn(d);
	} else {
		if (d->posted_to.text != NULL &&
		    d->entry_now.unanswered < d->entry_now.keys->count)
			d->status_before = JOURNAL_NEW;
		delivery_search_go_on(d);
	}
}

static void
delivery_search_on_drafts(void *ctx, const struct http_answer *answer)
{
	struct delivery *d = ctx;
	int found = delivery_search_read_found(d, GRAPH_DRAFTS, answer);

	d->call = NULL;
	if (found == -1) {
		delivery_search_not_found(d, answer);
		return;
	}
	d->in_drafts = found;
	delivery_next(d, PHASE_SEARCH_SENT);
}

static void
delivery_search_on_sent_items(void *ctx, const struct http_answer *answer)
{
	struct delivery *d = ctx;
	int found = delivery_search_read_found(d, GRAPH_SENT_ITEMS, answer);

	d->call = NULL;
	if (found == -1)
		delivery_search_not_found(d, answer);
	else if (found == 1 && d->posted_to.text != NULL)
		delivery_search_accepted_some(d);
	else if (found == 1)
		delivery_search_accepted(
		    d, "accepted before, found in Sent Items");
	else if (d->in_drafts)
		delivery_search_perhaps(d);
	else
		delivery_search_found_none(d);
}

static void
delivery_search_folder(
    struct delivery *d, enum graph_folder folder, http_done done)
{
	char id[UUID_TEXT_SIZE];
	struct graph_call call;
	struct error err;

	graph_new_id(id);
	call = delivery_call(d, id, done);
	log_debug("%s: searching %s, client-request-id=%s", d->request.queue_id,
	    folder == GRAPH_DRAFTS ? "Drafts" : "Sent Items", id);
	d->call = graph_find(&call, folder, d->request.message_id, &err);
	if (d->call == NULL)
		delivery_defer_error(d, &err);
}

void
delivery_search_drafts(struct delivery *d)
{
	delivery_search_folder(d, GRAPH_DRAFTS, delivery_search_on_drafts);
}

void
delivery_search_sent(struct delivery *d)
{
	delivery_search_folder(
	    d, GRAPH_SENT_ITEMS, delivery_search_on_sent_items);
}

/* --- a draft of ours --- */

/* Returns 1 when its own draft is not all that may have been sent. */
static int
delivery_search_has_others(const struct delivery *d)
{
	char own[JOURNAL_POST_SIZE];

	delivery_name_post(d, own);
	return d->entry_now.posts_differ || strcmp(d->entry_now.post, own) != 0;
}

static void
delivery_search_on_looked(void *ctx, const struct http_answer *answer)
{
	struct delivery *d = ctx;
	const int others =
	    delivery_search_has_others(d) && d->request.message_id[0] != '\0';
	int sent = graph_read_look(answer);

	d->call = NULL;
	if (sent == 1) {
		d->large->is_sent = 1;
		delivery_search_accepted(
		    d, "accepted before, its draft was sent");
	} else if (sent == 0 && !d->large->useless && others) {
		delivery_next(d, PHASE_SEARCH_DRAFTS);
	} else if (sent == 0 && !d->large->useless) {
		delivery_search_go_on(d);
	} else if (sent == 0 ||
	    (answer->status == 404 && !delivery_answer_lacks_mailbox(answer))) {
		delivery_draft_note_unsent(d);
		delivery_draft_discard(d);
		if (d->request.message_id[0] != '\0')
			delivery_next(d, PHASE_SEARCH_DRAFTS);
		else
			delivery_search_go_on(d);
	} else if (d->is_former &&
	    (answer->status == 403 || answer->status == 404)) {
		delivery_search_go_on(d);
	} else {
		delivery_search_no_answer(d, answer);
	}
}

void
delivery_search_look(struct delivery *d)
{
	char id[UUID_TEXT_SIZE];
	struct graph_call call;
	struct error err;

	graph_new_id(id);
	call = delivery_call(d, id, delivery_search_on_looked);
	call.draft = d->large->draft.id;
	log_debug("%s: looking at its draft, client-request-id=%s",
	    d->request.queue_id, id);
	d->call = graph_look(&call, &err);
	if (d->call == NULL)
		delivery_defer_error(d, &err);
}
