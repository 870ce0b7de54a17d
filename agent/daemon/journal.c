/*
 * journal.c - see journal.h.
 */
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "clock.h"
#include "journal.h"
#include "log.h"
#include "sender.h"

#define SWEEP_SECONDS 600
/* A mailbox that was silent for so long gets no bounces through us. */
#define SENDER_SECONDS (400 * 86400LL)
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
	struct event *commit, *sweep;
	const struct conf *conf;
	sqlite3_stmt *find, *put, *expire;
};

static int
put_entry(
    struct journal *journal, const struct journal_entry *e, struct error *err)
{
	int result;

	sqlite3_bind_blob(
	    journal->put, 1, e->digest, sizeof(e->digest), SQLITE_STATIC);
	sqlite3_bind_int(journal->put, 2, (int)e->fate);
	sqlite3_bind_int64(journal->put, 3, e->refused_since);
	sqlite3_bind_text(journal->put, 4, e->request_id, -1, SQLITE_STATIC);
	sqlite3_bind_int64(journal->put, 5, clock_wall());
	result = sqlite3_step(journal->put) == SQLITE_DONE
	    ? 0
	    : state_fail(journal->state, err);
	sqlite3_reset(journal->put);
	return result;
}

static int
put_all(
    struct journal *journal, const struct write_queue *queue, struct error *err)
{
	const struct write *w;

	if (state_run(journal->state, "BEGIN IMMEDIATE", err) == -1)
		return -1;
	STAILQ_FOREACH(w, queue, entry)
	{
		if (put_entry(journal, &w->what, err) == -1) {
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
on_commit(evutil_socket_t fd, short what, void *ctx)
{
	struct journal *journal = ctx;
	struct write_queue queue;
	struct error err;
	struct write *w;
	int failed;

	(void)fd;
	(void)what;
	if (STAILQ_EMPTY(&journal->queue))
		return;
	STAILQ_INIT(&queue);
	STAILQ_CONCAT(&queue, &journal->queue);
	failed = put_all(journal, &queue, &err) == -1;
	if (failed)
		log_error("%s", err.text);
	while ((w = STAILQ_FIRST(&queue)) != NULL) {
		STAILQ_REMOVE_HEAD(&queue, entry);
		w->done(w->ctx, failed ? &err : NULL);
		free(w);
	}
}

static void
on_sweep(evutil_socket_t fd, short what, void *ctx)
{
	struct journal *journal = ctx;
	struct error err;

	(void)fd;
	(void)what;
	sqlite3_bind_int64(
	    journal->expire, 1, clock_wall() - journal->conf->state_retention);
	if (sqlite3_step(journal->expire) != SQLITE_DONE) {
		state_fail(journal->state, &err);
		log_error("%s", err.text);
	}
	sqlite3_reset(journal->expire);
	/* more may be there: go on after whatever else waits to be done */
	if (state_changes(journal->state) > 0)
		event_active(journal->sweep, 0, 0);
	if (sender_expire(
		journal->state, clock_wall() - SENDER_SECONDS, &err) == -1)
		log_error("%s", err.text);
}

static int
start(struct journal *journal, struct event_base *base, struct error *err)
{
	const struct timeval every = {.tv_sec = SWEEP_SECONDS};

	if (state_prepare(journal->state,
		"SELECT fate, refused_since, request_id FROM delivery"
		" WHERE digest = ?",
		&journal->find, err) == -1 ||
	    state_prepare(journal->state,
		"INSERT OR REPLACE INTO delivery VALUES (?, ?, ?, ?, ?)",
		&journal->put, err) == -1 ||
	    state_prepare(journal->state,
		"DELETE FROM delivery WHERE digest IN (SELECT digest FROM"
		" delivery WHERE changed < ? LIMIT " SWEEP_ROWS ")",
		&journal->expire, err) == -1)
		return -1;
	journal->commit = event_new(base, -1, 0, on_commit, journal);
	journal->sweep = event_new(base, -1, EV_PERSIST, on_sweep, journal);
	if (journal->commit == NULL || journal->sweep == NULL ||
	    event_add(journal->sweep, &every) == -1)
		return error_set(err, ERROR_OURS, "4.3.0", "libevent");
	event_active(journal->sweep, 0, 0);
	return 0;
}

struct journal *
journal_new(struct event_base *base, struct state *state,
    const struct conf *conf, struct error *err)
{
	struct journal *journal = calloc(1, sizeof(*journal));

	if (journal == NULL) {
		error_set(err, ERROR_TEMPORARY, "4.3.0", "memory is short");
		return NULL;
	}
	STAILQ_INIT(&journal->queue);
	journal->state = state;
	journal->conf = conf;
	if (start(journal, base, err) == -1)
		journal_free(&journal);
	return journal;
}

void
journal_free(struct journal **journalp)
{
	struct journal *journal = *journalp;

	*journalp = NULL;
	if (journal == NULL)
		return;
	/* who is told of one write may ask for another */
	while (journal->put != NULL && !STAILQ_EMPTY(&journal->queue))
		on_commit(-1, 0, journal);
	if (journal->commit != NULL)
		event_free(journal->commit);
	if (journal->sweep != NULL)
		event_free(journal->sweep);
	sqlite3_finalize(journal->find);
	sqlite3_finalize(journal->put);
	sqlite3_finalize(journal->expire);
	free(journal);
}

int
journal_find(
    struct journal *journal, struct journal_entry *entry, struct error *err)
{
	sqlite3_stmt *find = journal->find;
	int result = 0;

	entry->fate = JOURNAL_NEW;
	entry->refused_since = 0;
	entry->request_id[0] = '\0';
	sqlite3_bind_blob(
	    find, 1, entry->digest, sizeof(entry->digest), SQLITE_STATIC);
	switch (sqlite3_step(find)) {
	case SQLITE_ROW:
		entry->fate = (enum journal_fate)sqlite3_column_int(find, 0);
		entry->refused_since = sqlite3_column_int64(find, 1);
		snprintf(entry->request_id, sizeof(entry->request_id), "%s",
		    (const char *)sqlite3_column_text(find, 2));
		break;
	case SQLITE_DONE:
		break;
	default:
		result = state_fail(journal->state, err);
		break;
	}
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
	event_active(journal->commit, 0, 0);
	return 0;
}
