/*
 * entry_times.c - see entry_times.h.
 */
#include "entry_times.h"
#include "state_sql.h"

int
entry_times_get(struct state *state, const char *entry,
    struct entry_times *times, struct error *err)
{
	sqlite3_stmt *stmt = NULL;
	int found;

	*times = (struct entry_times){0};
	if (state_prepare(state,
		"SELECT seen, silence_said, end_said FROM entry"
		" WHERE name = ?",
		&stmt, err) == -1)
		return -1;
	sqlite3_bind_text(stmt, 1, entry, -1, SQLITE_STATIC);
	found = state_step(state, stmt, err);
	if (found == 1) {
		times->seen = sqlite3_column_int64(stmt, 0);
		times->silence_said = sqlite3_column_int64(stmt, 1);
		times->end_said = sqlite3_column_int64(stmt, 2);
	}
	sqlite3_finalize(stmt);
	return found;
}

int
entry_times_put(struct state *state, const char *entry,
    const struct entry_times *times, struct error *err)
{
	sqlite3_stmt *stmt = NULL;

	if (state_prepare(state,
		"INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?)", &stmt,
		err) == -1)
		return -1;
	sqlite3_bind_text(stmt, 1, entry, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 2, times->seen);
	sqlite3_bind_int64(stmt, 3, times->silence_said);
	sqlite3_bind_int64(stmt, 4, times->end_said);
	return state_finish(state, stmt, err);
}

int
entry_times_expire(struct state *state, long long wall, struct error *err)
{
	sqlite3_stmt *stmt = NULL;

	if (state_prepare(state,
		"DELETE FROM entry WHERE max(seen, silence_said, end_said) < ?",
		&stmt, err) == -1)
		return -1;
	sqlite3_bind_int64(stmt, 1, wall);
	return state_finish(state, stmt, err);
}
