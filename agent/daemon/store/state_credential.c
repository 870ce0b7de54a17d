/*
 * state_credential.c - what applications signed in with; see state.h.
 *
 * Secret and token go in sealed, each under a context that names application,
 * column and the time that stands beside it (when Entra took the secret, when
 * the token ends). So a blob pasted into another place does not open, nor does
 * one whose time somebody has changed without the vault's key: neither grows
 * older or younger by that.
 */
#include <stdio.h>
#include <string.h>

#include "agent/daemon/base/clock.h"
#include "state_sql.h"

/* application, column, time */
#define CONTEXT_SIZE (IDENTITY_TEXT_SIZE + 40)

/* A row as it stands in the table. */
struct state_row {
	char identity[IDENTITY_TEXT_SIZE];
	struct credential credential;
	long long used;
};

/* Changes a row; returns 0 to leave it as it is. */
typedef int (*state_credential_change)(struct state_row *row, const void *ctx);

void
credential_clear(struct credential *credential)
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
	const struct credential *c = &row->credential;
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
    const struct credential *credential, struct error *err)
{
	struct state_row row = {
	    .credential = *credential, .used = clock_wall()};

	identity_text(id, row.identity);
	return state_credential_write(state, &row, err);
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
	struct credential *c = &row->credential;
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
    struct credential *credential, struct error *err)
{
	struct state_row row = {0};
	int result;

	identity_text(id, row.identity);
	sqlite3_bind_text(state->get, 1, row.identity, -1, SQLITE_STATIC);
	result = state_step(state, state->get, err);
	if (result == 1)
		result =
		    state_credential_read(state, state->get, 0, 0, &row, err);
	if (result != 1)
		credential_clear(&row.credential);
	sqlite3_reset(state->get);
	*credential = row.credential;
	return result;
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

/* Changes each row that opens. One at a time: no list of them is kept. */
static int
state_credential_each(struct state *state, int old,
    state_credential_change change, const void *ctx, struct error *err)
{
	struct state_row row = {0};
	sqlite3_stmt *next = NULL;
	int result, opens;

	if (state_prepare(state,
		"SELECT identity, secret, token, token_expires, verified, used"
		" FROM credential WHERE identity > ?"
		" ORDER BY identity LIMIT 1",
		&next, err) == -1)
		return -1;
	while ((result = state_credential_next(
		    state, next, old, &row, &opens, err)) == 1) {
		if (opens && change(&row, ctx))
			result = state_credential_write(state, &row, err);
		credential_clear(&row.credential);
		if (result == -1)
			break;
	}
	sqlite3_finalize(next);
	return result;
}

struct state_move {
	long long began, before, step;
};

static int
state_credential_is_of(const struct state_move *move, long long time)
{
	return time >= move->began && time <= move->before;
}

static int
state_credential_change_times(struct state_row *row, const void *ctx)
{
	const struct state_move *move = ctx;
	int verified = state_credential_is_of(move, row->credential.verified);
	int used = state_credential_is_of(move, row->used);

	if (verified)
		row->credential.verified += move->step;
	if (used) {
		row->used += move->step;
		row->credential.token_expires += move->step;
	}
	return verified || used;
}

int
state_credential_move(struct state *state, long long began, long long before,
    long long step, struct error *err)
{
	const struct state_move move = {began, before, step};

	return state_credential_each(
	    state, 0, state_credential_change_times, &move, err);
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
	return state_credential_each(
	    state, 1, state_credential_distrust, NULL, err);
}
