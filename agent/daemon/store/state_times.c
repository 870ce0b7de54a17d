/*
 * state_times.c - deletes old rows, and corrects times after the clock was
 * wrong. See state.h; all columns with a time are named here.
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
	if (state->move.is_pending)
		return 0;
	if (state_times_run(state,
		sqlite3_mprintf("DELETE FROM credential WHERE identity IN"
				" (SELECT identity FROM credential"
				" WHERE used < %lld LIMIT %d)",
		    wall, STATE_PIECE),
		err) == -1)
		return -1;
	return state_changes(state);
}

int
state_follow_clock(struct state *state, long long began, long long before,
    long long step, struct error *err)
{
	int more;

	while ((more = state_follow_more(state, err)) == 1)
		;
	if (more == -1 ||
	    state_times_run(state,
		sqlite3_mprintf("BEGIN IMMEDIATE;"
				"UPDATE delivery SET changed = changed + %lld,"
				" refused_since = refused_since + %lld"
				" * (refused_since BETWEEN %lld AND %lld),"
				" posted = posted + %lld"
				" * (posted BETWEEN %lld AND %lld)"
				" WHERE changed BETWEEN %lld AND %lld;"
				"UPDATE draft SET changed = changed + %lld"
				" WHERE changed BETWEEN %lld AND %lld;"
				"UPDATE throttle SET until = until + %lld"
				" WHERE until BETWEEN %lld AND %lld;"
				"UPDATE entry SET seen = seen + %lld"
				" WHERE seen BETWEEN %lld AND %lld;"
				"UPDATE entry"
				" SET silence_said = silence_said + %lld"
				" WHERE silence_said BETWEEN %lld AND %lld;"
				"UPDATE entry SET end_said = end_said + %lld"
				" WHERE end_said BETWEEN %lld AND %lld;"
				"COMMIT",
		    step, step, began, before, step, began, before, began,
		    before, step, began, before, step, began,
		    before + THROTTLE_SECONDS_MAX, step, began, before, step,
		    began, before, step, began, before),
		err) == -1)
		return -1;
	state_credential_move(state, began, before, step);
	state->move.has_senders = 1;
	return 0;
}

/* When a mailbox last sent may be wrong for a moment. */
static int
state_times_move_senders(struct state *state, struct error *err)
{
	struct state_move *move = &state->move;

	move->has_senders = 0;
	return state_times_run(state,
	    sqlite3_mprintf("UPDATE sender SET used = used + %lld"
			    " WHERE used BETWEEN %lld AND %lld",
		move->step, move->began, move->before),
	    err);
}

int
state_follow_more(struct state *state, struct error *err)
{
	if (state->move.has_senders)
		return state_times_move_senders(state, err) == -1 ? -1 : 1;
	return state_credential_move_some(state, err);
}

/* ?1 is now, ?2 what is far ahead of it, ?3 how many rows at a time. */
static const char *const state_times_mends[] = {
    "UPDATE delivery SET changed = ?1,"
    " refused_since = min(refused_since, ?1), posted = min(posted, ?1)"
    " WHERE digest IN"
    " (SELECT digest FROM delivery WHERE changed > ?2 LIMIT ?3)",
    "UPDATE draft SET changed = ?1 WHERE number IN"
    " (SELECT number FROM draft WHERE changed > ?2 LIMIT ?3)",
    "UPDATE sender SET used = ?1 WHERE mailbox IN"
    " (SELECT mailbox FROM sender WHERE used > ?2 LIMIT ?3)",
    "UPDATE credential SET used = ?1 WHERE identity IN"
    " (SELECT identity FROM credential WHERE used > ?2 LIMIT ?3)",
    "UPDATE entry SET seen = min(seen, ?1),"
    " silence_said = min(silence_said, ?1), end_said = min(end_said, ?1)"
    " WHERE name IN (SELECT name FROM entry"
    " WHERE max(seen, silence_said, end_said) > ?2 LIMIT ?3)",
    "DELETE FROM throttle WHERE name IN"
    " (SELECT name FROM throttle WHERE until > ?2 AND ?1 > 0 LIMIT ?3)",
};

/* Mends some rows of one table. As state_mend_future(). */
static int
state_times_mend(struct state *state, const char *sql, struct error *err)
{
	sqlite3_stmt *stmt = NULL;

	if (state_prepare(state, sql, &stmt, err) == -1)
		return -1;
	sqlite3_bind_int64(stmt, 1, clock_wall());
	sqlite3_bind_int64(stmt, 2, clock_wall() + FAR_SECONDS);
	sqlite3_bind_int(stmt, 3, STATE_PIECE);
	if (state_finish(state, stmt, err) == -1)
		return -1;
	return state_changes(state) == STATE_PIECE;
}

int
state_mend_future(struct state *state, struct error *err)
{
	int more = 0;
	size_t i;

	/* what has still to follow the clock is far ahead of nothing */
	if (state->move.is_pending)
		return 0;
	for (i = 0; i < sizeof(state_times_mends) / sizeof(char *); i++)
		if ((more = state_times_mend(
			 state, state_times_mends[i], err)) != 0)
			break;
	return more;
}
