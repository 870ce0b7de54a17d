/*
 * journal.c - see journal.h.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "agent/daemon/base/clock.h"
#include "agent/daemon/base/wake.h"
#include "lib/base/log.h"
#include "journal.h"
#include "state_sql.h"

#define ACCEPTED "2" /* JOURNAL_ACCEPTED */
#define BY_DRAFT "draft"
#define BY_SENDMAIL "sendmail"
#define POST_UNKNOWN "-"
#define SWEEP_ROWS "1000" /* at a time, so that nobody waits for it */

struct write {
	STAILQ_ENTRY(write) entry;
	struct journal_entry what;
	journal_done done;
	void *ctx;
};

STAILQ_HEAD(write_queue, write);

struct journal {
	struct state *state; /* borrowed */
	struct write_queue queue;
	struct wake commit;
	sqlite3_stmt *find, *put, *expire;
};

/* --- keys --- */

static int
journal_compare_keys(const void *a, const void *b)
{
	return memcmp(a, b, JOURNAL_DIGEST_SIZE);
}

void
journal_keys_sort(struct journal_keys *keys)
{
	size_t i, kept = 0;

	qsort(keys->list, keys->count, sizeof(keys->list[0]),
	    journal_compare_keys);
	for (i = 0; i < keys->count; i++)
		if (i == 0 ||
		    journal_compare_keys(keys->list[i], keys->list[kept - 1]) !=
			0)
			memmove(keys->list[kept++], keys->list[i],
			    sizeof(keys->list[0]));
	keys->count = kept;
}

int
journal_keys_meet(const struct journal_keys *a, const struct journal_keys *b)
{
	size_t i = 0, j = 0;
	int order;

	while (i < a->count && j < b->count) {
		order = journal_compare_keys(a->list[i], b->list[j]);
		if (order == 0)
			return 1;
		if (order < 0)
			i++;
		else
			j++;
	}
	return 0;
}

void
journal_follow_clock(struct journal_entry *entry, long long began,
    long long before, long long step)
{
	if (entry->refused_since >= began && entry->refused_since <= before)
		entry->refused_since += step;
	if (entry->posted >= began && entry->posted <= before)
		entry->posted += step;
}

/* --- of a post without an answer --- */

/* There is no id of an answer then, and its column is free for this. */
static void
journal_write_post(const struct journal_entry *e, char *text, size_t size)
{
	snprintf(text, size, "%s %s %s",
	    e->by_sendmail ? BY_SENDMAIL : BY_DRAFT,
	    e->post[0] == '\0' ? POST_UNKNOWN : e->post, e->posted_from);
}

/* A version before wrote the mailbox alone. */
static void
journal_read_post(struct journal_entry *e, const char *text)
{
	char how[16], post[JOURNAL_POST_SIZE], from[ADDRESS_SIZE] = "";

	if (sscanf(text, "%15s %16s %319[^\n]", how, post, from) < 2 ||
	    (strcmp(how, BY_DRAFT) != 0 && strcmp(how, BY_SENDMAIL) != 0)) {
		snprintf(how, sizeof(how), BY_SENDMAIL);
		snprintf(post, sizeof(post), POST_UNKNOWN);
		snprintf(from, sizeof(from), "%s", text);
	}
	if (strcmp(how, BY_DRAFT) != 0)
		e->by_sendmail = 1;
	if (e->unanswered > 0 && strcmp(e->post, post) != 0)
		e->posts_differ = 1;
	memcpy(e->post, post, sizeof(e->post));
	memcpy(e->posted_from, from, sizeof(e->posted_from));
}

/* --- writing --- */

static int
journal_put_entry(
    struct journal *journal, const struct journal_entry *e, struct error *err)
{
	sqlite3_stmt *put = journal->put;
	char post[ADDRESS_SIZE + 64];
	int result = 0;
	size_t i;

	journal_write_post(e, post, sizeof(post));
	sqlite3_bind_int(put, 2, (int)e->status);
	sqlite3_bind_int64(put, 3, e->refused_since);
	sqlite3_bind_text(put, 4, e->refusal, -1, SQLITE_STATIC);
	sqlite3_bind_text(put, 5,
	    e->status == JOURNAL_POSTED ? post : e->request_id, -1,
	    SQLITE_STATIC);
	sqlite3_bind_int64(put, 6, e->posted);
	sqlite3_bind_int64(put, 7, clock_wall());
	for (i = 0; i < e->keys->count && result == 0; i++) {
		sqlite3_bind_blob(put, 1, e->keys->list[i], JOURNAL_DIGEST_SIZE,
		    SQLITE_STATIC);
		result = state_step(journal->state, put, err);
		sqlite3_reset(put);
	}
	return result;
}

static int
journal_put_all(
    struct journal *journal, const struct write_queue *queue, struct error *err)
{
	const struct write *w;

	if (state_run(journal->state, "BEGIN IMMEDIATE", err) == -1)
		return -1;
	for (w = STAILQ_FIRST(queue); w != NULL; w = STAILQ_NEXT(w, entry)) {
		if (journal_put_entry(journal, &w->what, err) == -1) {
			state_run(journal->state, "ROLLBACK", NULL);
			return -1;
		}
	}
	if (state_run(journal->state, "COMMIT", err) == -1) {
		state_run(journal->state, "ROLLBACK", NULL);
		return -1;
	}
	return 0;
}

static void
journal_on_commit(void *ctx)
{
	struct journal *journal = ctx;
	struct write_queue queue;
	struct error err;
	struct write *w;
	int failed;

	if (STAILQ_EMPTY(&journal->queue))
		return;
	STAILQ_INIT(&queue);
	STAILQ_CONCAT(&queue, &journal->queue);
	failed = journal_put_all(journal, &queue, &err) == -1;
	if (failed)
		log_error("%s", err.text);
	while ((w = STAILQ_FIRST(&queue)) != NULL) {
		STAILQ_REMOVE_HEAD(&queue, entry);
		w->done(w->ctx, failed ? &err : NULL);
		free(w);
	}
}

int
journal_expire(struct journal *journal, long long wall, struct error *err)
{
	int result;

	sqlite3_bind_int64(journal->expire, 1, wall);
	result = state_step(journal->state, journal->expire, err);
	sqlite3_reset(journal->expire);
	if (result == -1)
		return -1;
	return state_changes(journal->state) > 0;
}

static int
journal_start(
    struct journal *journal, struct event_base *base, struct error *err)
{
	if (state_prepare(journal->state,
		"SELECT status, refused_since, refusal, request_id, posted"
		" FROM delivery WHERE digest = ?",
		&journal->find, err) == -1 ||
	    state_prepare(journal->state,
		"INSERT INTO delivery VALUES (?, ?, ?, ?, ?, ?, ?)"
		" ON CONFLICT (digest) DO UPDATE SET status = excluded.status,"
		" refused_since = excluded.refused_since,"
		" refusal = excluded.refusal,"
		" request_id = excluded.request_id,"
		" posted = excluded.posted,"
		" changed = excluded.changed"
		" WHERE delivery.status != " ACCEPTED,
		&journal->put, err) == -1 ||
	    state_prepare(journal->state,
		"DELETE FROM delivery WHERE digest IN (SELECT digest FROM"
		" delivery WHERE changed < ? LIMIT " SWEEP_ROWS ")",
		&journal->expire, err) == -1)
		return -1;
	if (wake_init(&journal->commit, base, journal_on_commit, journal) == -1)
		return error_no_memory(err);
	return 0;
}

struct journal *
journal_new(struct event_base *base, struct state *state, struct error *err)
{
	struct journal *journal = calloc(1, sizeof(*journal));

	if (journal == NULL) {
		error_no_memory(err);
		return NULL;
	}
	STAILQ_INIT(&journal->queue);
	journal->state = state;
	if (journal_start(journal, base, err) == -1)
		journal_free(&journal);
	return journal;
}

void
journal_free(struct journal **journalp)
{
	struct journal *journal = *journalp;

	if (journal == NULL)
		return;
	/* who is told of one write may ask for another: not NULL before */
	while (journal->put != NULL && !STAILQ_EMPTY(&journal->queue))
		journal_on_commit(journal);
	*journalp = NULL;
	wake_free(&journal->commit);
	sqlite3_finalize(journal->find);
	sqlite3_finalize(journal->put);
	sqlite3_finalize(journal->expire);
	free(journal);
}

/* Adds what a row says of one recipient to what is known of the others. */
static void
journal_add_row(struct journal_entry *entry, sqlite3_stmt *row)
{
	long long since = sqlite3_column_int64(row, 1);
	long long posted = sqlite3_column_int64(row, 4);

	switch (sqlite3_column_int(row, 0)) {
	case JOURNAL_ACCEPTED:
		entry->accepted++;
		snprintf(entry->request_id, sizeof(entry->request_id), "%s",
		    (const char *)sqlite3_column_text(row, 3));
		break;
	case JOURNAL_POSTED:
		if (entry->posted == 0 || posted < entry->posted)
			entry->posted = posted;
		entry->status = JOURNAL_POSTED;
		journal_read_post(
		    entry, (const char *)sqlite3_column_text(row, 3));
		entry->unanswered++;
		break;
	default:
		break;
	}
	if (since == 0 ||
	    (entry->refused_since != 0 && entry->refused_since <= since))
		return;
	entry->refused_since = since;
	snprintf(entry->refusal, sizeof(entry->refusal), "%s",
	    (const char *)sqlite3_column_text(row, 2));
}

int
journal_find(
    struct journal *journal, struct journal_entry *entry, struct error *err)
{
	const struct journal_keys *keys = entry->keys;
	sqlite3_stmt *find = journal->find;
	int result = 0;
	size_t i;

	memset(entry, 0, sizeof(*entry));
	entry->keys = keys;
	for (i = 0; i < keys->count && result != -1; i++) {
		sqlite3_bind_blob(
		    find, 1, keys->list[i], JOURNAL_DIGEST_SIZE, SQLITE_STATIC);
		result = state_step(journal->state, find, err);
		if (result == 1)
			journal_add_row(entry, find);
		sqlite3_reset(find);
	}
	if (keys->count > 0 && entry->accepted == keys->count)
		entry->status = JOURNAL_ACCEPTED;
	return result == -1 ? -1 : 0;
}

int
journal_status_of(struct journal *journal,
    const unsigned char key[JOURNAL_DIGEST_SIZE], struct error *err)
{
	sqlite3_stmt *find = journal->find;
	int result;

	sqlite3_bind_blob(find, 1, key, JOURNAL_DIGEST_SIZE, SQLITE_STATIC);
	result = state_step(journal->state, find, err);
	if (result == 1)
		result = sqlite3_column_int(find, 0);
	sqlite3_reset(find);
	return result;
}

int
journal_write(struct journal *journal, const struct journal_entry *entry,
    journal_done done, void *ctx)
{
	struct write *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return -1;
	w->what = *entry;
	w->done = done;
	w->ctx = ctx;
	STAILQ_INSERT_TAIL(&journal->queue, w, entry);
	wake_up(&journal->commit);
	return 0;
}
