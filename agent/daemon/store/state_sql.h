/*
 * state_sql.h - for the files that keep tables of their own in the state:
 * statements on it, and errors that name the file and a remedy.
 */
#ifndef MSGRAPHD_STATE_SQL_H
#define MSGRAPHD_STATE_SQL_H

#include <sqlite3.h>

#include "lib/base/error.h"
#include "state.h"

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

#endif
