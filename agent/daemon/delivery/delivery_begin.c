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
 * Returns 1 when the message was posted to this recipient without an answer,
 * and says by which delivery. 0, or -1 with *err.
 */
static int
delivery_find_post(struct delivery *d, struct request_recipient *r,
    char post[JOURNAL_POST_SIZE], struct error *err)
{
	const struct journal_keys keys = {&r->key, 1};
	struct journal_entry entry = {.keys = &keys};

	if (journal_find(d->daemon->journal, &entry, err) == -1)
		return -1;
	/* empty when it was not */
	memcpy(post, entry.post, sizeof(entry.post));
	return entry.status == JOURNAL_POSTED;
}

/*
 * Finds the first post whose name comes after this one, or the first of all
 * for NULL. 1, 0 when there is none, -1 with *err.
 */
static int
delivery_choose_post(struct delivery *d, const char *after,
    char chosen[JOURNAL_POST_SIZE], struct error *err)
{
	char post[JOURNAL_POST_SIZE];
	int found = 0, is_posted;
	size_t i;

	for (i = 0; i < d->request.each_count; i++) {
		is_posted =
		    delivery_find_post(d, &d->request.each[i], post, err);
		if (is_posted == -1)
			return -1;
		if (is_posted == 0 ||
		    (after != NULL && strcmp(post, after) <= 0) ||
		    (found && strcmp(post, chosen) >= 0))
			continue;
		memcpy(chosen, post, sizeof(post));
		found = 1;
	}
	return found;
}

/* Fills d->posted_to in with the recipients of its post. 0, or -1 with *err. */
static int
delivery_fill_posted_to(struct delivery *d, struct error *err)
{
	struct request_recipient *r = d->request.each;
	struct journal_keys *keys = &d->posted_to.keys;
	size_t i, n = d->request.each_count;
	const char **names = calloc(n + 1, sizeof(*names));
	char post[JOURNAL_POST_SIZE];
	int result = 0;

	free(keys->list);
	free(d->posted_to.text);
	d->posted_to.text = NULL;
	keys->count = 0;
	keys->list = calloc(n + 1, sizeof(*keys->list));
	if (names == NULL || keys->list == NULL)
		result = error_no_memory(err);
	for (i = 0; i < n && result != -1; i++, r++) {
		result = delivery_find_post(d, r, post, err);
		if (result != 1 || strcmp(post, d->posted_to.post) != 0)
			continue;
		memcpy(keys->list[keys->count], r->key, JOURNAL_DIGEST_SIZE);
		names[keys->count++] = r->address;
	}
	if (result != -1)
		d->posted_to.text = graph_recipients(names, keys->count);
	if (result != -1 && d->posted_to.text == NULL)
		result = error_no_memory(err);
	journal_keys_sort(keys);
	free(names);
	return result == -1 ? -1 : 0;
}

/*
 * Where attempts have posted the message to some of the recipients only, since
 * max_recipients is another by now or Graph refused some, a message to all of
 * them is nowhere to be found.
 */
int
delivery_next_posted_to(struct delivery *d, struct error *err)
{
	const char *last = d->posted_to.text == NULL ? NULL : d->posted_to.post;
	char next[JOURNAL_POST_SIZE] = "";
	int more = delivery_choose_post(d, last, next, err);

	if (more == 0 && delivery_choose_post(d, NULL, next, err) == -1)
		more = -1;
	memcpy(d->posted_to.post, next, sizeof(next));
	return more == -1 || delivery_fill_posted_to(d, err) == -1 ? -1 : more;
}

/* Returns 1 when no earlier attempt has posted it to all the recipients. */
static int
delivery_is_posted_in_part(const struct delivery *d)
{
	const struct journal_entry *entry = &d->entry_now;

	return entry->unanswered > 0 && !d->request.notice &&
	    (entry->unanswered < entry->keys->count || entry->posts_differ);
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
	else if (delivery_is_posted_in_part(d) &&
	    delivery_next_posted_to(d, &err) == -1)
		delivery_defer_error(d, &err);
	else
		delivery_next(d, PHASE_TURN);
}
