/*
 * state.c - see state.h.
 *
 * Opens the file, makes its tables and proves that the vault's key is the one
 * they were written with; the other state_*.c files read and write rows. WAL
 * with synchronous=FULL: a commit that returned survives a power cut.
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
#define STATE_SCHEMA 3 /* as schema_sql says */

/* Sealed into a new state, opened at each start: tells a wrong key. */
#define KEY_CHECK "postfix-msgraph"

static const char schema_sql[] =
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;"
    "CREATE TABLE credential ("
    " identity TEXT PRIMARY KEY,"
    " secret BLOB NOT NULL,"
    " token BLOB,"
    " token_expires INTEGER NOT NULL,"
    " verified INTEGER NOT NULL,"
    " used INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE throttle ("
    " name TEXT PRIMARY KEY,"
    " until INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE sender ("
    " mailbox TEXT PRIMARY KEY,"
    " identity TEXT NOT NULL,"
    " used INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE delivery ("
    " digest BLOB PRIMARY KEY,"
    " status INTEGER NOT NULL,"
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
    "PRAGMA user_version = 3;";

/* Came later, and an older program does without it. */
static const char schema_entry_sql[] =
    "CREATE TABLE IF NOT EXISTS entry ("
    " name TEXT PRIMARY KEY,"
    " seen INTEGER NOT NULL,"
    " silence_said INTEGER NOT NULL,"
    " end_said INTEGER NOT NULL) WITHOUT ROWID;";

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
	int result;

	if (state_prepare(state, "PRAGMA user_version", &stmt, err) == -1)
		return -1;
	result = state_step(state, stmt, err);
	*version = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	return result == -1 ? -1 : 0;
}

static int
state_write_key_check(struct state *state, struct error *err)
{
	sqlite3_stmt *stmt = NULL;
	struct buf sealed;
	int result = -1;

	buf_init(&sealed, STATE_SEALED_MAX);
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
	    state_run(state, schema_entry_sql, err) == -1 ||
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
	    "SELECT secret, token, token_expires, verified, used"
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
	 * meanwhile, more than once so long, and hear within two seconds that
	 * nobody is there: the start is tried again.
	 */
	sqlite3_busy_timeout(state->db, 250);
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
	} else if (version != STATE_SCHEMA && version != STATE_MIGRATE_FROM) {
		return error_set(err, ERROR_OURS, "4.3.5",
		    "state %s has format %d, this program knows %d; %s",
		    state->file, version, STATE_SCHEMA,
		    version > STATE_SCHEMA
			? "it was written by a newer one"
			: "move it aside with \"msgraphd -M\" and let "
			  "clients sign in again");
	}
	if (state_verify_key_check(state, err) == -1 ||
	    state_prepare_own(state, err) == -1)
		return -1;
	if (version == STATE_MIGRATE_FROM && state_migrate(state, err) == -1)
		return -1;
	return state_run(state, schema_entry_sql, err);
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
	while (state_credential_move_some(state, NULL) == 1)
		;
	state_credential_move_end(state);
	sqlite3_finalize(state->put);
	sqlite3_finalize(state->get);
	sqlite3_close(state->db);
	free(state);
}
