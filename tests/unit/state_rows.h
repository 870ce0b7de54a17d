/*
 * state_rows.h - what is in a state, asked by SQL.
 */
#ifndef TESTS_UNIT_STATE_ROWS_H
#define TESTS_UNIT_STATE_ROWS_H

#include <sqlite3.h>

#include "agent/daemon/store/state_sql.h"
#include "state_folder.h"

static void
run(const char *sql)
{
	struct error err;

	if (state_run(st, sql, &err) == -1)
		fail_msg("%s", err.text);
}

static long long
number(const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	long long value;

	assert_int_equal(state_prepare(st, sql, &stmt, NULL), 0);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	value = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return value;
}

#endif
