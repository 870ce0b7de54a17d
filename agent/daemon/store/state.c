/*
 * state.c - see state.h.
 *
 * Secrets and tokens go in sealed, under a context that names the identity and
 * the column, so that a blob pasted into another place does not open. WAL with
 * synchronous=FULL: a commit that returned survives a power cut.
 */
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/daemon/base/clock.h"
#include "state.h"
#include "state_sql.h"

#define STATE_FILE "state.db"
#define STATE_SCHEMA 2 /* as schema_sql says */

#define CONTEXT_SIZE (IDENTITY_TEXT_SIZE + 16)
#define SEALED_MAX (64 * 1024)

/* Sealed into a new state, opened at each start: tells a wrong key. */
#define KEY_CHECK "postfix-msgraph"

struct state {
	sqlite3 *db;
	sqlite3_stmt *put;
	sqlite3_stmt *get;
	const struct vault *vault; /* borrowed */
	char file[4096];
};

static const char schema_sql[] =
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;"
    "CREATE TABLE credential ("
    " identity TEXT PRIMARY KEY,"
    " secret BLOB NOT NULL,"
    " token BLOB,"
    " token_expires INTEGER NOT NULL,"
    " verified INTEGER NOT NULL,"
    " used INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE hold ("
    " name TEXT PRIMARY KEY,"
    " until INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE sender ("
    " mailbox TEXT PRIMARY KEY,"
    " identity TEXT NOT NULL,"
    " used INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE delivery ("
    " digest BLOB PRIMARY KEY,"
    " fate INTEGER NOT NULL,"
    " refused_since INTEGER NOT NULL,"
    " refusal TEXT NOT NULL,"
    " request_id TEXT NOT NULL,"
    " posted INTEGER NOT NULL,"
    " changed INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX delivery_changed ON delivery (changed);"
    "CREATE TABLE draft ("
    " number INTEGER PRIMARY KEY AUTOINCREMENT,"
    " digest BLOB UNIQUE,"
    " sealed BLOB NOT NULL,"
    " changed INTEGER NOT NULL);"
    "PRAGMA user_version = 2;";

/*
 * The directory may be reached through symbolic links, the file itself may be
 * none: SQLite refuses any on the way, so they are resolved here.
 */
int
state_path(const char *directory, char *path, size_t size)
{
	char *real = realpath(directory, NULL);
	int len = snprintf(
	    path, size, "%s/%s", real == NULL ? directory : real, STATE_FILE);

	free(real);
	return len < 0 || (size_t)len >= size ? -1 : 0;
}

int
state_exists(const char *directory)
{
	char path[4096];

	/* what cannot be looked at may well be there */
	return state_path(directory, path, sizeof(path)) == 0 &&
	    (access(path, F_OK) == 0 || errno != ENOENT);
}

int
state_fail(struct state *state, struct error *err)
{
	int code = sqlite3_errcode(state->db);
	const char *remedy = "", *dsn = "4.3.5";

	if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
		remedy = "; is another msgraphd running on it?";
	else if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
		remedy = "; move it aside with \"msgraphd -M\" and let "
			 "clients sign in again, or restore a backup";
	else if (code == SQLITE_FULL) {
		dsn = "4.3.1";
		remedy = "; make room on its disk";
	} else if (code == SQLITE_IOERR)
		remedy = "; its disk fails or is mounted read-only";
	else if (code == SQLITE_CANTOPEN || code == SQLITE_READONLY ||
	    code == SQLITE_PERM)
		remedy = "; the directory must be there and belong to the "
			 "user that msgraphd runs as";
	return error_set(err, ERROR_OURS, dsn, "state %s: %s%s", state->file,
	    sqlite3_errmsg(state->db), remedy);
}

int
state_run(struct state *state, const char *sql, struct error *err)
{
	if (sqlite3_exec(state->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return state_fail(state, err);
	return 0;
}

int
state_changes(struct state *state)
{
	return sqlite3_changes(state->db);
}

int
state_prepare(struct state *state, const char *sql, sqlite3_stmt **stmt,
    struct error *err)
{
	if (sqlite3_prepare_v3(state->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
		stmt, NULL) != SQLITE_OK)
		return state_fail(state, err);
	return 0;
}

int
state_step(struct state *state, sqlite3_stmt *stmt, struct error *err)
{
	switch (sqlite3_step(stmt)) {
	case SQLITE_ROW:
		return 1;
	case SQLITE_DONE:
		return 0;
	default:
		return state_fail(state, err);
	}
}

int
state_finish(struct state *state, sqlite3_stmt *stmt, struct error *err)
{
	int result = state_step(state, stmt, err);

	sqlite3_finalize(stmt);
	return result;
}

/* --- opening --- */

static int
state_read_version(struct state *state, int *version, struct error *err)
{
	sqlite3_stmt *stmt = NULL;
	int result = -1;

	if (sqlite3_prepare_v2(state->db, "PRAGMA user_version", -1, &stmt,
		NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW) {
		*version = sqlite3_column_int(stmt, 0);
		result = 0;
	}
	if (result == -1)
		state_fail(state, err);
	sqlite3_finalize(stmt);
	return result;
}

static int
state_write_key_check(struct state *state, struct error *err)
{
	sqlite3_stmt *stmt = NULL;
	struct buf sealed;
	int result = -1;

	buf_init(&sealed, SEALED_MAX);
	if (vault_seal(state->vault, "key_check", KEY_CHECK, strlen(KEY_CHECK),
		&sealed, err) == 0) {
		if (sqlite3_prepare_v2(state->db,
			"INSERT INTO meta VALUES ('key_check', ?)", -1, &stmt,
			NULL) == SQLITE_OK &&
		    sqlite3_bind_blob(stmt, 1, sealed.bytes, (int)sealed.len,
			SQLITE_STATIC) == SQLITE_OK &&
		    sqlite3_step(stmt) == SQLITE_DONE)
			result = 0;
		else
			state_fail(state, err);
	}
	sqlite3_finalize(stmt);
	buf_free(&sealed);
	return result;
}

static int
state_verify_key_check(struct state *state, struct error *err)
{
	sqlite3_stmt *stmt = NULL;
	struct secret *opened = NULL;
	int result = -1;

	if (sqlite3_prepare_v2(state->db,
		"SELECT value FROM meta WHERE name = 'key_check'", -1, &stmt,
		NULL) != SQLITE_OK ||
	    sqlite3_step(stmt) != SQLITE_ROW) {
		state_fail(state, err);
	} else {
		opened = vault_open(state->vault, "key_check",
		    sqlite3_column_blob(stmt, 0),
		    (size_t)sqlite3_column_bytes(stmt, 0), err);
		if (opened != NULL)
			result = 0;
		else
			error_set(err, ERROR_OURS, "4.3.5",
			    "state %s was sealed with another vault key; "
			    "restore that key, or move the state aside with "
			    "\"msgraphd -M\" and let clients sign in again",
			    state->file);
	}
	secret_free(&opened);
	sqlite3_finalize(stmt);
	return result;
}

static int
state_create_schema(struct state *state, struct error *err)
{
	if (state_run(state, "BEGIN IMMEDIATE", err) == -1)
		return -1;
	if (state_run(state, schema_sql, err) == -1 ||
	    state_write_key_check(state, err) == -1) {
		state_run(state, "ROLLBACK", NULL);
		return -1;
	}
	return state_run(state, "COMMIT", err);
}

static int
state_prepare_own(struct state *state, struct error *err)
{
	if (state_prepare(state,
		"INSERT OR REPLACE INTO credential VALUES (?, ?, ?, ?, ?, ?)",
		&state->put, err) == -1)
		return -1;
	return state_prepare(state,
	    "SELECT secret, token, token_expires, verified"
	    " FROM credential WHERE identity = ?",
	    &state->get, err);
}

static int
state_open_database(struct state *state, struct error *err)
{
	int version;

	if (sqlite3_open_v2(state->file, &state->db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
		    SQLITE_OPEN_NOFOLLOW,
		NULL) != SQLITE_OK)
		return state_fail(state, err);
	/*
	 * A restart may overlap with the last daemon's end. Clients wait
	 * meanwhile, so not for long: the start is tried again.
	 */
	sqlite3_busy_timeout(state->db, 1000);
	if (state_run(state,
		"PRAGMA locking_mode = EXCLUSIVE;"
		"PRAGMA journal_mode = WAL;"
		"PRAGMA synchronous = FULL;"
		"PRAGMA trusted_schema = OFF;",
		err) == -1 ||
	    state_read_version(state, &version, err) == -1)
		return -1;
	if (version == 0) {
		if (state_create_schema(state, err) == -1)
			return -1;
	} else if (version != STATE_SCHEMA) {
		return error_set(err, ERROR_OURS, "4.3.5",
		    "state %s has format %d, this program knows %d; %s",
		    state->file, version, STATE_SCHEMA,
		    version > STATE_SCHEMA
			? "it was written by a newer one"
			: "move it aside with \"msgraphd -M\" and let "
			  "clients sign in again");
	}
	if (state_verify_key_check(state, err) == -1)
		return -1;
	return state_prepare_own(state, err);
}

struct state *
state_open(const char *directory, const struct vault *vault, struct error *err)
{
	struct state *state;

	if ((state = calloc(1, sizeof(*state))) == NULL) {
		error_no_memory(err);
		return NULL;
	}
	state->vault = vault;
	if (state_path(directory, state->file, sizeof(state->file)) == -1)
		error_set(err, ERROR_OURS, "4.3.5",
		    "state_directory %s is too long", directory);
	else if (state_open_database(state, err) == 0)
		return state;
	state_close(&state);
	return NULL;
}

void
state_close(struct state **statep)
{
	struct state *state = *statep;

	*statep = NULL;
	if (state == NULL)
		return;
	sqlite3_finalize(state->put);
	sqlite3_finalize(state->get);
	sqlite3_close(state->db);
	free(state);
}

/* --- credentials --- */

void
credential_clear(struct credential *credential)
{
	secret_free(&credential->secret);
	secret_free(&credential->token);
	memset(credential, 0, sizeof(*credential));
}

static const char *
state_context_of(
    const char *identity, const char *column, char context[CONTEXT_SIZE])
{
	snprintf(context, CONTEXT_SIZE, "%s %s", identity, column);
	return context;
}

/* Binds a sealed copy of secret, or NULL where there is none. */
static int
state_bind_sealed(struct state *state, int column, const char *context,
    const struct secret *secret, struct error *err)
{
	struct buf sealed;
	int code;

	if (secret == NULL)
		return sqlite3_bind_null(state->put, column) == SQLITE_OK
		    ? 0
		    : state_fail(state, err);
	buf_init(&sealed, SEALED_MAX);
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

int
state_put(struct state *state, const struct identity *id,
    const struct credential *credential, struct error *err)
{
	char text[IDENTITY_TEXT_SIZE], context[CONTEXT_SIZE];
	int result = -1;

	identity_text(id, text);
	sqlite3_bind_text(state->put, 1, text, -1, SQLITE_STATIC);
	sqlite3_bind_int64(state->put, 4, credential->token_expires);
	sqlite3_bind_int64(state->put, 5, credential->verified);
	sqlite3_bind_int64(state->put, 6, clock_wall());
	if (state_bind_sealed(state, 2,
		state_context_of(text, "secret", context), credential->secret,
		err) == 0 &&
	    state_bind_sealed(state, 3,
		state_context_of(text, "token", context), credential->token,
		err) == 0)
		result = state_step(state, state->put, err);
	sqlite3_reset(state->put);
	sqlite3_clear_bindings(state->put);
	return result;
}

static int
state_read_row(struct state *state, const char *text,
    struct credential *credential, struct error *err)
{
	char context[CONTEXT_SIZE];
	sqlite3_stmt *get = state->get;

	credential->token_expires = sqlite3_column_int64(get, 2);
	credential->verified = sqlite3_column_int64(get, 3);
	credential->secret =
	    vault_open(state->vault, state_context_of(text, "secret", context),
		sqlite3_column_blob(get, 0),
		(size_t)sqlite3_column_bytes(get, 0), err);
	if (credential->secret == NULL)
		return error_prefix(err, "secret of %s", text);
	if (sqlite3_column_type(get, 1) == SQLITE_NULL)
		return 1;
	credential->token =
	    vault_open(state->vault, state_context_of(text, "token", context),
		sqlite3_column_blob(get, 1),
		(size_t)sqlite3_column_bytes(get, 1), err);
	if (credential->token == NULL)
		return error_prefix(err, "token of %s", text);
	return 1;
}

int
state_get(struct state *state, const struct identity *id,
    struct credential *credential, struct error *err)
{
	char text[IDENTITY_TEXT_SIZE];
	int result;

	memset(credential, 0, sizeof(*credential));
	identity_text(id, text);
	sqlite3_bind_text(state->get, 1, text, -1, SQLITE_STATIC);
	result = state_step(state, state->get, err);
	if (result == 1)
		result = state_read_row(state, text, credential, err);
	if (result == -1)
		credential_clear(credential);
	sqlite3_reset(state->get);
	return result;
}
