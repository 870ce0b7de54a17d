/*
 * state_times.c - what the wall clock has to do with rows: those that are old
 * go, and when the clock was wrong they are set right. See state.h; all columns
 * that hold a time are named here.
 */
#include "agent/daemon/base/clock.h"
#include "agent/daemon/base/limits.h"
#include "state_sql.h"

/* The clocks of two hosts, and of one after a reboot, may differ by so much. */
#define FAR_SECONDS 86400LL

static int
state_times_run(struct state *state, char *sql, struct error *err)
{
	int result;

	if (sql == NULL)
		return error_no_memory(err);
	result = state_run(state, sql, err);
	sqlite3_free(sql);
	if (result == -1)
		state_run(state, "ROLLBACK", NULL);
	return result;
}

int
state_expire(struct state *state, long long wall, struct error *err)
{
	if (state_times_run(state,
		sqlite3_mprintf(
		    "DELETE FROM credential WHERE used < %lld", wall),
		err) == -1)
		return -1;
	return state_changes(state);
}

int
state_follow_clock(struct state *state, long long began, long long before,
    long long step, struct error *err)
{
	if (state_times_run(state,
		sqlite3_mprintf(
		    "BEGIN IMMEDIATE;"
		    "UPDATE delivery SET refused_since = refused_since + %lld"
		    " WHERE refused_since BETWEEN %lld AND %lld;"
		    "UPDATE delivery SET posted = posted + %lld"
		    " WHERE posted BETWEEN %lld AND %lld;"
		    "UPDATE delivery SET changed = changed + %lld"
		    " WHERE changed BETWEEN %lld AND %lld;"
		    "UPDATE draft SET changed = changed + %lld"
		    " WHERE changed BETWEEN %lld AND %lld;"
		    "UPDATE sender SET used = used + %lld"
		    " WHERE used BETWEEN %lld AND %lld;"
		    "UPDATE throttle SET until = until + %lld"
		    " WHERE until BETWEEN %lld AND %lld;",
		    step, began, before, step, began, before, step, began,
		    before, step, began, before, step, began, before, step,
		    began, before + THROTTLE_SECONDS_MAX),
		err) == -1)
		return -1;
	if (state_credential_move(state, began, before, step, err) == 0 &&
	    state_run(state, "COMMIT", err) == 0)
		return 0;
	state_run(state, "ROLLBACK", NULL);
	return -1;
}

int
state_mend_future(struct state *state, struct error *err)
{
	long long now = clock_wall(), far = now + FAR_SECONDS;

	return state_times_run(state,
	    sqlite3_mprintf(
		"BEGIN IMMEDIATE;"
		"UPDATE delivery SET changed = %lld,"
		" refused_since = min(refused_since, %lld),"
		" posted = min(posted, %lld)"
		" WHERE changed > %lld;"
		"UPDATE draft SET changed = %lld WHERE changed > %lld;"
		"UPDATE sender SET used = %lld WHERE used > %lld;"
		"UPDATE credential SET used = %lld WHERE used > %lld;"
		"DELETE FROM throttle WHERE until > %lld;"
		"COMMIT",
		now, now, now, far, now, far, now, far, now, far, far),
	    err);
}
