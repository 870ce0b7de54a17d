/*
 * state_credential.c - the credentials that applications signed in with; see
 * state.h.
 *
 * Secret and token are sealed, each under a context that names application,
 * column and the time that stands beside it (when Entra took the secret, when
 * the token ends). So a blob that is pasted into another place does not open,
 * nor does one whose time somebody has changed without the vault's key.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/daemon/base/clock.h"
#include "state_sql.h"

/* application, column, time */
#define CONTEXT_SIZE (IDENTITY_TEXT_SIZE + 40)

/* Changes a row; returns 0 to leave it as it is. */
typedef int (*state_credential_change)(struct state_row *row, const void *ctx);

void
state_credential_clear(struct state_credential *credential)
{
	secret_free(&credential->secret);
	secret_free(&credential->token);
	memset(credential, 0, sizeof(*credential));
}

static const char *
state_credential_context(const char *identity, const char *column,
    long long time, char context[CONTEXT_SIZE])
{
	snprintf(context, CONTEXT_SIZE, "%s %s %lld", identity, column, time);
	return context;
}

/* The format STATE_MIGRATE_FROM bound no time. */
static const char *
state_credential_old_context(
    const char *identity, const char *column, char context[CONTEXT_SIZE])
{
	snprintf(context, CONTEXT_SIZE, "%s %s", identity, column);
	return context;
}

/* --- a clock that was set --- */

static int
state_credential_is_of(const struct state_move *move, long long time)
{
	return time >= move->began && time <= move->before;
}

/* Returns 1 when the application's row has still to follow the clock. */
static int
state_credential_follows(const struct state_move *move, const char *identity)
{
	const struct state_stored *stored;

	if (!move->is_pending || strcmp(identity, move->after) <= 0)
		return 0;
	LIST_FOREACH(stored, &move->stored, entry)
	if (strcmp(stored->identity, identity) == 0)
		return 0;
	return 1;
}

/* Notes that the application's row has the times of the new clock. */
static int
state_credential_note_stored(
    struct state_move *move, const char *identity, struct error *err)
{
	struct state_stored *stored;

	if (!state_credential_follows(move, identity))
		return 0;
	if ((stored = calloc(1, sizeof(*stored))) == NULL)
		return error_no_memory(err);
	snprintf(stored->identity, sizeof(stored->identity), "%s", identity);
	LIST_INSERT_HEAD(&move->stored, stored, entry);
	return 0;
}

static int
state_credential_change_times(struct state_row *row, const void *ctx)
{
	const struct state_move *move = ctx;
	int verified, used;

	if (!state_credential_follows(move, row->identity))
		return 0;
	verified = state_credential_is_of(move, row->credential.verified);
	used = state_credential_is_of(move, row->used);
	if (verified)
		row->credential.verified += move->step;
	if (used) {
		row->used += move->step;
		row->credential.token_expires += move->step;
	}
	return verified || used;
}

void
state_credential_follow(const struct state *state, struct state_row *row)
{
	state_credential_change_times(row, &state->move);
}

/* --- writing --- */

/* Binds a sealed copy of secret, or NULL where there is none. */
static int
state_credential_bind(struct state *state, int column, const char *context,
    const struct secret *secret, struct error *err)
{
	struct buf sealed;
	int code;

	if (secret == NULL)
		return sqlite3_bind_null(state->put, column) == SQLITE_OK
		    ? 0
		    : state_fail(state, err);
	buf_init(&sealed, STATE_SEALED_MAX);
	if (vault_seal(state->vault, context, secret->bytes, secret->len,
		&sealed, err) == -1) {
		buf_free(&sealed);
		return -1;
	}
	code = sqlite3_bind_blob(state->put, column, sealed.bytes,
	    (int)sealed.len, SQLITE_TRANSIENT);
	buf_free(&sealed);
	return code == SQLITE_OK ? 0 : state_fail(state, err);
}

static int
state_credential_write(
    struct state *state, const struct state_row *row, struct error *err)
{
	const struct state_credential *c = &row->credential;
	char context[CONTEXT_SIZE];
	int result = -1;

	sqlite3_bind_text(state->put, 1, row->identity, -1, SQLITE_STATIC);
	sqlite3_bind_int64(state->put, 4, c->token_expires);
	sqlite3_bind_int64(state->put, 5, c->verified);
	sqlite3_bind_int64(state->put, 6, row->used);
	if (state_credential_bind(state, 2,
		state_credential_context(
		    row->identity, "secret", c->verified, context),
		c->secret, err) == 0 &&
	    state_credential_bind(state, 3,
		state_credential_context(
		    row->identity, "token", c->token_expires, context),
		c->token, err) == 0)
		result = state_step(state, state->put, err);
	sqlite3_reset(state->put);
	sqlite3_clear_bindings(state->put);
	return result;
}

int
state_put(struct state *state, const struct identity *id,
    const struct state_credential *credential, struct error *err)
{
	struct state_row row = {
	    .credential = *credential, .used = clock_wall()};

	identity_text(id, row.identity);
	if (state_credential_write(state, &row, err) == -1)
		return -1;
	return state_credential_note_stored(&state->move, row.identity, err);
}

/* --- reading --- */

static struct secret *
state_credential_open(struct state *state, const char *context,
    sqlite3_stmt *stmt, int column, struct error *err)
{
	return vault_open(state->vault, context,
	    sqlite3_column_blob(stmt, column),
	    (size_t)sqlite3_column_bytes(stmt, column), err);
}

/* Reads secret, token, token_expires, verified from the column first on. */
static int
state_credential_read(struct state *state, sqlite3_stmt *stmt, int first,
    int old, struct state_row *row, struct error *err)
{
	struct state_credential *c = &row->credential;
	const char *id = row->identity;
	char context[CONTEXT_SIZE];

	c->token_expires = sqlite3_column_int64(stmt, first + 2);
	c->verified = sqlite3_column_int64(stmt, first + 3);
	if (old)
		state_credential_old_context(id, "secret", context);
	else
		state_credential_context(id, "secret", c->verified, context);
	c->secret = state_credential_open(state, context, stmt, first, err);
	if (c->secret == NULL)
		return error_prefix(err, "secret of %s", id);
	if (sqlite3_column_type(stmt, first + 1) == SQLITE_NULL)
		return 1;
	if (old)
		state_credential_old_context(id, "token", context);
	else
		state_credential_context(
		    id, "token", c->token_expires, context);
	c->token = state_credential_open(state, context, stmt, first + 1, err);
	if (c->token == NULL)
		return error_prefix(err, "token of %s", id);
	return 1;
}

int
state_get(struct state *state, const struct identity *id,
    struct state_credential *credential, struct error *err)
{
	struct state_row row = {0};
	int result;

	identity_text(id, row.identity);
	sqlite3_bind_text(state->get, 1, row.identity, -1, SQLITE_STATIC);
	result = state_step(state, state->get, err);
	if (result == 1)
		result =
		    state_credential_read(state, state->get, 0, 0, &row, err);
	row.used = sqlite3_column_int64(state->get, 4);
	if (result == 1)
		state_credential_change_times(&row, &state->move);
	else
		state_credential_clear(&row.credential);
	sqlite3_reset(state->get);
	*credential = row.credential;
	return result;
}

int
state_tenants(struct state *state, char (*tenants)[UUID_TEXT_SIZE], int most,
    struct error *err)
{
	sqlite3_stmt *stmt = NULL;
	int count = 0, found = 0;

	if (state_prepare(state,
		"SELECT DISTINCT substr(identity, 1, instr(identity, '/') - 1)"
		" FROM credential ORDER BY 1",
		&stmt, err) == -1)
		return -1;
	while (count < most && (found = state_step(state, stmt, err)) == 1)
		snprintf(tenants[count++], UUID_TEXT_SIZE, "%s",
		    (const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
	return found == -1 ? -1 : count;
}

/* --- sealing anew --- */

/* Returns 1 with the row behind *row, 0 when it was the last, -1 with *err. */
static int
state_credential_next(struct state *state, sqlite3_stmt *next, int old,
    struct state_row *row, int *opens, struct error *err)
{
	int found;

	sqlite3_bind_text(next, 1, row->identity, -1, SQLITE_TRANSIENT);
	found = state_step(state, next, err);
	if (found == 1) {
		snprintf(row->identity, sizeof(row->identity), "%s",
		    (const char *)sqlite3_column_text(next, 0));
		row->used = sqlite3_column_int64(next, 5);
		*opens =
		    state_credential_read(state, next, 1, old, row, NULL) == 1;
	}
	sqlite3_reset(next);
	return found;
}

/*
 * Changes up to most rows that open, from the one behind row->identity on,
 * which becomes that of the last. One at a time: no list of them is kept. 1
 * when there may be more, 0, or -1 with *err.
 */
static int
state_credential_each(struct state *state, int old, struct state_row *row,
    int most, state_credential_change change, const void *ctx,
    struct error *err)
{
	sqlite3_stmt *next = NULL;
	int result, opens;

	if (state_prepare(state,
		"SELECT identity, secret, token, token_expires, verified, used"
		" FROM credential WHERE identity > ?"
		" ORDER BY identity LIMIT 1",
		&next, err) == -1)
		return -1;
	while ((result = state_credential_next(
		    state, next, old, row, &opens, err)) == 1) {
		if (opens && change(row, ctx) &&
		    state_credential_write(state, row, err) == -1)
			result = -1;
		state_credential_clear(&row->credential);
		if (result == -1 || --most == 0)
			break;
	}
	sqlite3_finalize(next);
	return result;
}

void
state_credential_move(
    struct state *state, long long began, long long before, long long step)
{
	state_credential_move_end(state);
	state->move.is_pending = 1;
	state->move.began = began;
	state->move.before = before;
	state->move.step = step;
}

void
state_credential_move_end(struct state *state)
{
	struct state_stored *stored;

	while ((stored = LIST_FIRST(&state->move.stored)) != NULL) {
		LIST_REMOVE(stored, entry);
		free(stored);
	}
	memset(&state->move, 0, sizeof(state->move));
}

int
state_credential_move_some(struct state *state, struct error *err)
{
	struct state_move *move = &state->move;
	struct state_row row = {0};
	int result;

	if (!move->is_pending)
		return 0;
	strcpy(row.identity, move->after);
	if (state_run(state, "BEGIN IMMEDIATE", err) == -1)
		return -1;
	result = state_credential_each(state, 0, &row, STATE_PIECE,
	    state_credential_change_times, move, err);
	if (result == -1 || state_run(state, "COMMIT", err) == -1) {
		state_run(state, "ROLLBACK", NULL);
		return -1;
	}
	strcpy(move->after, row.identity);
	if (result == 0)
		state_credential_move_end(state);
	return result;
}

/*
 * The old format did not protect the time of Entra's last yes, so that it is
 * not believed: the grace of an outage begins with the next yes. Otherwise
 * whoever may write the state could give it that format once more.
 */
static int
state_credential_distrust(struct state_row *row, const void *ctx)
{
	(void)ctx;
	row->credential.verified = 0;
	return 1;
}

int
state_credential_migrate(struct state *state, struct error *err)
{
	struct state_row row = {0};

	return state_credential_each(
	    state, 1, &row, INT_MAX, state_credential_distrust, NULL, err);
}
