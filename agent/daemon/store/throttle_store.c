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

static int
throttle_store_put_one(
    struct state *state, const struct throttle_row *row, struct error *err)
{
	sqlite3_stmt *stmt = NULL;

	if (state_prepare(state,
		"INSERT OR REPLACE INTO throttle VALUES (?, ?)", &stmt,
		err) == -1)
		return -1;
	sqlite3_bind_text(stmt, 1, row->name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 2, row->until);
	return state_finish(state, stmt, err);
}

int
throttle_store_put(struct state *state, const struct throttle_row *rows,
    size_t count, struct error *err)
{
	int result;
	size_t i;

	if (state_run(state, "BEGIN IMMEDIATE", err) == -1)
		return -1;
	result = throttle_store_drop_old(state, err);
	for (i = 0; i < count && result == 0; i++)
		result = throttle_store_put_one(state, &rows[i], err);
	if (result == -1 || state_run(state, "COMMIT", err) == -1) {
		state_run(state, "ROLLBACK", NULL);
		return -1;
	}
	return 0;
}
