/*
 * throttle_store.c - see throttle_store.h.
 */
#include "agent/daemon/base/clock.h"
#include "state_sql.h"
#include "throttle_store.h"

int
throttle_store_load(
    struct state *state, throttle_store_row row, void *ctx, struct error *err)
{
	sqlite3_stmt *stmt = NULL;
	int step;

	if (state_prepare(
		state, "SELECT name, until FROM throttle", &stmt, err) == -1)
		return -1;
	while ((step = state_step(state, stmt, err)) == 1)
		row(ctx, (const char *)sqlite3_column_text(stmt, 0),
		    sqlite3_column_int64(stmt, 1));
	sqlite3_finalize(stmt);
	return step;
}

static int
throttle_store_drop_old(struct state *state, struct error *err)
{
	sqlite3_stmt *stmt = NULL;

	if (state_prepare(state, "DELETE FROM throttle WHERE until <= ?", &stmt,
		err) == -1)
		return -1;
	sqlite3_bind_int64(stmt, 1, clock_wall());
	return state_finish(state, stmt, err);
}

int
throttle_store_put(
    struct state *state, const char *name, long long until, struct error *err)
{
	sqlite3_stmt *stmt = NULL;

	if (throttle_store_drop_old(state, err) == -1 ||
	    state_prepare(state,
		"INSERT OR REPLACE INTO throttle VALUES (?, ?)", &stmt,
		err) == -1)
		return -1;
	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 2, until);
	return state_finish(state, stmt, err);
}
