/*
 * sender.c - see sender.h.
 *
 * An application that is only expected has its time with a minus sign.
 */
#include <stdio.h>
#include <string.h>

#include "agent/daemon/base/clock.h"
#include "sender.h"
#include "state_sql.h"

#define NOTE_AGAIN_SECONDS 86400

/* The row of mailbox: 1, 0 or -1 like sender_find(). */
static int
sender_read_row(struct state *state, const char *mailbox, char *identity,
    size_t size, long long *used, struct error *err)
{
	sqlite3_stmt *stmt = NULL;
	int result;

	if (state_prepare(state,
		"SELECT identity, used FROM sender WHERE mailbox = ?", &stmt,
		err) == -1)
		return -1;
	sqlite3_bind_text(stmt, 1, mailbox, -1, SQLITE_STATIC);
	result = state_step(state, stmt, err);
	if (result == 1) {
		snprintf(identity, size, "%s",
		    (const char *)sqlite3_column_text(stmt, 0));
		*used = sqlite3_column_int64(stmt, 1);
	}
	sqlite3_finalize(stmt);
	return result;
}

static int
sender_put(struct state *state, const char *mailbox, const char *identity,
    long long used, struct error *err)
{
	sqlite3_stmt *stmt = NULL;

	if (state_prepare(state,
		"INSERT OR REPLACE INTO sender VALUES (?, ?, ?)", &stmt,
		err) == -1)
		return -1;
	sqlite3_bind_text(stmt, 1, mailbox, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 2, identity, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 3, used);
	return state_finish(state, stmt, err);
}

int
sender_note(struct state *state, const char *mailbox, const struct identity *id,
    struct error *err)
{
	char text[IDENTITY_TEXT_SIZE], known[IDENTITY_TEXT_SIZE];
	long long used, now = clock_wall();
	int result;

	identity_text(id, text);
	result =
	    sender_read_row(state, mailbox, known, sizeof(known), &used, err);
	if (result == -1)
		return -1;
	if (result == 1 && strcmp(known, text) == 0 && now >= used &&
	    now - used < NOTE_AGAIN_SECONDS)
		return 0;
	return sender_put(state, mailbox, text, now, err);
}

int
sender_expect(struct state *state, const char *mailbox,
    const struct identity *id, struct error *err)
{
	char text[IDENTITY_TEXT_SIZE], known[IDENTITY_TEXT_SIZE];
	long long used;
	int result;

	result =
	    sender_read_row(state, mailbox, known, sizeof(known), &used, err);
	if (result != 0)
		return result == 1 ? 0 : -1;
	return sender_put(
	    state, mailbox, identity_text(id, text), -clock_wall(), err);
}

int
sender_expect_not(struct state *state, const char *mailbox, struct error *err)
{
	char known[IDENTITY_TEXT_SIZE];
	sqlite3_stmt *stmt = NULL;
	long long used = 0;
	int result;

	result =
	    sender_read_row(state, mailbox, known, sizeof(known), &used, err);
	if (result != 1 || used >= 0)
		return result == -1 ? -1 : 0;
	if (state_prepare(state,
		"DELETE FROM sender WHERE mailbox = ? AND used < 0", &stmt,
		err) == -1)
		return -1;
	sqlite3_bind_text(stmt, 1, mailbox, -1, SQLITE_STATIC);
	return state_finish(state, stmt, err);
}

int
sender_find(struct state *state, const char *mailbox, struct identity *id,
    struct error *err)
{
	char text[IDENTITY_TEXT_SIZE];
	long long used;
	int found;

	found = sender_read_row(state, mailbox, text, sizeof(text), &used, err);
	if (found != 1)
		return found;
	/* it was written by identity_text() */
	if (identity_parse(text, strlen(text), "/", id, NULL) == -1)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "the state's row of mailbox %s is damaged", mailbox);
	return 1;
}

int
sender_expire(struct state *state, long long wall, struct error *err)
{
	sqlite3_stmt *stmt = NULL;

	if (state_prepare(state, "DELETE FROM sender WHERE abs(used) < ?",
		&stmt, err) == -1)
		return -1;
	sqlite3_bind_int64(stmt, 1, wall);
	return state_finish(state, stmt, err);
}
