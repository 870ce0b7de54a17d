/*
 * delivery_begin.c - see delivery_begin.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/daemon/graph/graph_sent.h"
#include "delivery_begin.h"
#include "delivery_step.h"

static void
delivery_finish_accepted_before(
    struct delivery *d, const struct journal_entry *accepted)
{
	char text[160];

	snprintf(text, sizeof(text), "accepted before, request-id=%s",
	    accepted->request_id[0] == '\0' ? "none" : accepted->request_id);
	report_sent(&d->reply, &d->report, text);
	delivery_next(d, PHASE_FINISH);
}

/*
 * Returns 1 when this very message is on its way by an earlier delivery, to one
 * of these recipients at least: its pipe(8) or agent was killed, and Postfix
 * tries again before Graph has answered. What the journal says is not its last
 * word then. New ones are put at the list's head, so those behind this one came
 * before it.
 */
static int
delivery_is_under_way(const struct delivery *d)
{
	const struct delivery_request *this = &d->request, *that;
	const struct delivery *other = d;

	while ((other = LIST_NEXT(other, entry)) != NULL) {
		that = &other->request;
		if (journal_keys_meet(&that->keys, &this->keys) ||
		    journal_keys_meet(&that->keys, &this->other) ||
		    journal_keys_meet(&that->keys, &this->told) ||
		    journal_keys_meet(&that->told, &this->keys))
			return 1;
	}
	return 0;
}

/*
 * Notes in the reply who is done. Returns how many are not, or -1 with *err.
 */
static long
delivery_judge_each(struct delivery *d, struct error *err)
{
	const struct request_recipient *r = d->request.each;
	struct journal *journal = d->daemon->journal;
	int own = JOURNAL_NEW, other = JOURNAL_NEW, told;
	long left = 0;
	size_t i;

	for (i = 0; i < d->request.each_count; i++, r++) {
		if (!d->request.notice) {
			own = journal_status_of(journal, r->key, err);
			other = journal_status_of(journal, r->other, err);
		}
		told = journal_status_of(journal, r->told, err);
		if (own == -1 || other == -1 || told == -1)
			return -1;
		if (own == JOURNAL_ACCEPTED || other == JOURNAL_ACCEPTED)
			d->reply.recipients[i] = WIRE_RECIPIENT_ACCEPTED;
		else if (told == JOURNAL_ACCEPTED)
			d->reply.recipients[i] = WIRE_RECIPIENT_TOLD;
		else
			left++;
	}
	return left;
}

/*
 * Some of the recipients have got the message, or their sender was told. What
 * the agent has written into the header is for all, so it is asked to come
 * again for the others.
 */
static void
delivery_narrow(struct delivery *d, size_t told)
{
	struct error err;
	long left;

	report_deferred(&d->reply, &d->report, "4.3.0", REASON_UNKNOWN,
	    "some of these recipients have got the message before");
	left = delivery_judge_each(d, &err);
	if (left == -1) {
		delivery_defer_error(d, &err);
		return;
	}
	d->narrowed = left > 0;
	if (left == 0) {
		d->reply.status = WIRE_SENT;
		snprintf(d->reply.dsn, sizeof(d->reply.dsn), "2.0.0");
		snprintf(d->reply.text, sizeof(d->reply.text),
		    "accepted before%s",
		    told == 0 ? ""
			      : ", but for recipients that were refused, of "
				"whom the sender was told");
	}
	delivery_next(d, PHASE_FINISH);
}

/*
 * Notes to whom an earlier attempt has posted the message, where these are some
 * of the recipients only: since max_recipients is another by now, a message to
 * all of them is nowhere to be found. Returns 0, or -1 with *err.
 */
static int
delivery_find_posted_to(struct delivery *d, struct error *err)
{
	const struct request_recipient *r = d->request.each;
	struct journal_keys *keys = &d->posted_to.keys;
	size_t i, n = d->request.each_count;
	const char **names = calloc(n + 1, sizeof(*names));
	int status = JOURNAL_NEW;

	keys->list = calloc(n + 1, sizeof(*keys->list));
	if (names == NULL || keys->list == NULL)
		status = error_no_memory(err);
	for (i = 0; i < n && status != -1; i++, r++) {
		status = journal_status_of(d->daemon->journal, r->key, err);
		if (status != JOURNAL_POSTED)
			continue;
		memcpy(keys->list[keys->count], r->key, JOURNAL_DIGEST_SIZE);
		names[keys->count++] = r->address;
	}
	if (status != -1 &&
	    (d->posted_to.text = graph_recipients(names, keys->count)) == NULL)
		status = error_no_memory(err);
	journal_keys_sort(keys);
	free(names);
	return status == -1 ? -1 : 0;
}

void
delivery_begin(struct delivery *d)
{
	struct journal_entry other = {.keys = &d->request.other};
	struct journal_entry told = {.keys = &d->request.told};
	struct error err;

	if (delivery_is_under_way(d)) {
		delivery_defer(d, "4.3.0", REASON_UNKNOWN,
		    "an earlier attempt to send this message is still under "
		    "way");
		return;
	}
	if (journal_find(d->daemon->journal, &d->entry_now, &err) == -1 ||
	    journal_find(d->daemon->journal, &other, &err) == -1 ||
	    journal_find(d->daemon->journal, &told, &err) == -1) {
		delivery_defer_error(d, &err);
		return;
	}
	d->status_before = d->entry_now.status;
	d->other_is_posted = other.status == JOURNAL_POSTED;
	memcpy(d->posted_from, other.posted_from, sizeof(d->posted_from));
	if (d->status_before == JOURNAL_ACCEPTED)
		delivery_finish_accepted_before(d, &d->entry_now);
	else if (other.status == JOURNAL_ACCEPTED)
		delivery_finish_accepted_before(d, &other);
	else if (d->entry_now.accepted + other.accepted + told.accepted > 0)
		delivery_narrow(d, told.accepted);
	else if (d->entry_now.unanswered > 0 &&
	    d->entry_now.unanswered < d->entry_now.keys->count &&
	    !d->request.notice && delivery_find_posted_to(d, &err) == -1)
		delivery_defer_error(d, &err);
	else
		delivery_next(d, PHASE_TURN);
}
