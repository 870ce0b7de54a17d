/*
 * state_summary.c - lists the applications of the state for msgraphctl, and
 * forgets one. See state.h. No secret is opened here.
 */
#include <stdio.h>

#include "state_sql.h"

/* The row that a statement finds by this text: 1, 0 or -1 with *err. */
static int
state_summary_read(struct state *state, const char *sql, const char *identity,
    struct state_summary *summary, struct error *err)
{
	struct state_row row = {0};
	sqlite3_stmt *stmt = NULL;
	int result;

	if (state_prepare(state, sql, &stmt, err) == -1)
		return -1;
	sqlite3_bind_text(stmt, 1, identity, -1, SQLITE_STATIC);
	result = state_step(state, stmt, err);
	if (result == 1) {
		snprintf(row.identity, sizeof(row.identity), "%s",
		    (const char *)sqlite3_column_text(stmt, 0));
		row.credential.token_expires = sqlite3_column_int64(stmt, 1);
		row.credential.verified = sqlite3_column_int64(stmt, 2);
		row.used = sqlite3_column_int64(stmt, 3);
		state_credential_follow(state, &row);
		snprintf(summary->identity, sizeof(summary->identity), "%s",
		    row.identity);
		summary->token_expires = row.credential.token_expires;
		summary->verified = row.credential.verified;
	}
	sqlite3_finalize(stmt);
	return result;
}

int
state_summary_after(struct state *state, const char *identity,
    struct state_summary *summary, struct error *err)
{
	return state_summary_read(state,
	    "SELECT identity, token_expires, verified, used FROM credential"
	    " WHERE identity > ? ORDER BY identity LIMIT 1",
	    identity, summary, err);
}

int
state_summary(struct state *state, const struct identity *id,
    struct state_summary *summary, struct error *err)
{
	char text[IDENTITY_TEXT_SIZE];

	return state_summary_read(state,
	    "SELECT identity, token_expires, verified, used FROM credential"
	    " WHERE identity = ?",
	    identity_text(id, text), summary, err);
}

int
state_forget(struct state *state, const struct identity *id, struct error *err)
{
	char text[IDENTITY_TEXT_SIZE];
	sqlite3_stmt *stmt = NULL;

	identity_text(id, text);
	if (state_prepare(state, "DELETE FROM credential WHERE identity = ?",
		&stmt, err) == -1)
		return -1;
	sqlite3_bind_text(stmt, 1, text, -1, SQLITE_STATIC);
	if (state_finish(state, stmt, err) == -1)
		return -1;
	return state_changes(state) > 0;
}
