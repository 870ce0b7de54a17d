/*
 * state_sql.h - for the files that keep tables in the state: statements on it,
 * and errors that name the file and a remedy.
 */
#ifndef MSGRAPHD_STATE_SQL_H
#define MSGRAPHD_STATE_SQL_H

#include <sqlite3.h>
#include <sys/queue.h>

#include "lib/base/error.h"
#include "state.h"

/* The format before the present one, which is taken over. */
#define STATE_MIGRATE_FROM 2

/* No sealed secret or token is longer. */
#define STATE_SEALED_MAX (64 * 1024)

/* So many rows are changed in one step of the event loop. */
#define STATE_PIECE 200

/* An application that was stored while others are moved. */
struct state_stored {
	LIST_ENTRY(state_stored) entry;
	char identity[IDENTITY_TEXT_SIZE];
};

/*
 * A change of the clock that credentials still have to follow. Still to do are
 * the names behind after, in their order, but for those that were stored since.
 */
struct state_move {
	int is_pending;
	int has_senders; /* which are moved first, by state_times.c */
	long long began, before, step;
	char after[IDENTITY_TEXT_SIZE];
	LIST_HEAD(state_stored_list, state_stored) stored;
};

/* A row of the table of credentials. */
struct state_row {
	char identity[IDENTITY_TEXT_SIZE];
	struct state_credential credential;
	long long used;
};

struct state {
	sqlite3 *db;
	sqlite3_stmt *put; /* of state_credential.c, as the next */
	sqlite3_stmt *get;
	struct state_move move; /* of state_credential.c */
	const struct vault *vault; /* borrowed */
	char file[4096];
};

/* Fills *err (may be NULL) from SQLite's last error. Returns -1. */
int state_fail(struct state *state, struct error *err);

/* Runs statements that give no rows. 0, or -1 with *err. */
int state_run(struct state *state, const char *sql, struct error *err);

/* Counts the rows that the last statement changed. */
int state_changes(struct state *state);

/* Compiles a statement, which the caller finalizes. 0, or -1 with *err. */
int state_prepare(struct state *state, const char *sql, sqlite3_stmt **stmt,
    struct error *err);

/* Steps to the next row: 1 there is one, 0 there is none, -1 with *err. */
int state_step(struct state *state, sqlite3_stmt *stmt, struct error *err);

/* Runs a statement that gives no rows, and finalizes it. 0, -1 with *err. */
int state_finish(struct state *state, sqlite3_stmt *stmt, struct error *err);

/*
 * Notes that step seconds are to be added to the times of credentials that were
 * written from began to before. Reading adds them from now on.
 */
void state_credential_move(
    struct state *state, long long began, long long before, long long step);

/*
 * Seals the next STATE_PIECE credentials anew, with their new times. Returns 1
 * when there are more, 0 when all are done, -1 with *err.
 */
int state_credential_move_some(struct state *state, struct error *err);

/* Adds to a row that was read what has still to follow the clock. */
void state_credential_follow(const struct state *state, struct state_row *row);

/* Forgets the change of the clock, and frees its list. */
void state_credential_move_end(struct state *state);

/*
 * Seals all credentials of the format STATE_MIGRATE_FROM anew, inside a
 * transaction of the caller's. One that does not open stays as it is. 0, or -1
 * with *err.
 */
int state_credential_migrate(struct state *state, struct error *err);

/*
 * Takes over a state of the format STATE_MIGRATE_FROM, after a copy of it was
 * put beside it. Either all of it is changed or nothing. 0, or -1 with *err.
 */
int state_migrate(struct state *state, struct error *err);

#endif
