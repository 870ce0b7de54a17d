/*
 * The two clocks (agent/daemon/base/clock.c), and what becomes of the state's
 * times when the wall clock was wrong (agent/daemon/store/state_times.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "agent/daemon/base/clock.h"
#include "state_rows.h"

#define HOUR 3600LL
#define DAY (24 * HOUR)

/* What the system's clocks say, in seconds. */
static long long boot = 100, wall = 1000000;

int
clock_gettime(clockid_t clock, struct timespec *ts)
{
	ts->tv_sec = (time_t)(clock == CLOCK_REALTIME ? wall : boot);
	ts->tv_nsec = 0;
	return 0;
}

static void
test_wall(void **state)
{
	long long start = clock_wall();

	(void)state;
	assert_int_equal(start, wall);
	boot += 5;
	assert_int_equal(clock_wall(), start + 5);
	wall += 5;
	assert_int_equal(clock_follow(), 0);
	/* a correction is not worth it */
	wall += HOUR - 1;
	assert_int_equal(clock_follow(), 0);
	assert_int_equal(clock_wall(), start + 5);
	/* no battery, and now NTP has answered */
	wall += 9000 * DAY;
	assert_int_equal(clock_wall(), start + 5);
	assert_int_equal(clock_follow(), 9000 * DAY + HOUR - 1);
	assert_int_equal(clock_wall(), wall);
	assert_int_equal(clock_follow(), 0);
	boot += 7;
	assert_int_equal(clock_wall(), wall + 7);
	wall -= 2 * HOUR;
	assert_int_equal(clock_follow(), -(2 * HOUR) - 7);
	assert_int_equal(clock_wall(), wall);
	assert_int_equal(clock_ms(), boot * 1000);
}

/* --- the state --- */

/* A row that opens, since its times are bound to what is sealed. */
static void
add_credential(int n, long long at)
{
	struct state_credential c = {.secret = secret_new("s", 1),
	    .token = secret_new("t", 1),
	    .token_expires = at,
	    .verified = at};
	struct identity id = {.client = "c"};
	char sql[100];

	snprintf(id.tenant, sizeof(id.tenant), "%d", n);
	assert_int_equal(state_put(st, &id, &c, NULL), 0);
	state_credential_clear(&c);
	snprintf(sql, sizeof(sql),
	    "UPDATE credential SET used = %lld WHERE identity = '%d/c'", at, n);
	run(sql);
}

static void
assert_credential_opens(int n)
{
	struct state_credential c;
	struct identity id = {.client = "c"};

	snprintf(id.tenant, sizeof(id.tenant), "%d", n);
	assert_int_equal(state_get(st, &id, &c, NULL), 1);
	assert_memory_equal(c.secret->bytes, "s", 2);
	assert_memory_equal(c.token->bytes, "t", 2);
	state_credential_clear(&c);
}

/* One row of each table, all of whose times are this; in the first column n. */
static void
add_rows(int n, long long at)
{
	char sql[1000];

	snprintf(sql, sizeof(sql),
	    "INSERT INTO delivery VALUES (%d, 0, %lld, '', '', %lld, %lld);"
	    "INSERT INTO draft VALUES (%d, %d, x'', %lld);"
	    "INSERT INTO sender VALUES (%d, '', %lld);"
	    "INSERT INTO throttle VALUES (%d, %lld);"
	    "INSERT INTO entry VALUES (%d, %lld, %lld, %lld)",
	    n, at, at, at, n, n, at, n, at, n, at, n, at, at, at);
	run(sql);
	add_credential(n, at);
}

static const char *const times[] = {
    "SELECT refused_since FROM delivery WHERE digest = ",
    "SELECT changed FROM delivery WHERE digest = ",
    "SELECT posted FROM delivery WHERE digest = ",
    "SELECT changed FROM draft WHERE digest = ",
    "SELECT used FROM sender WHERE mailbox = '",
    "SELECT used FROM credential WHERE identity = '",
    "SELECT seen FROM entry WHERE name = '",
    "SELECT silence_said FROM entry WHERE name = '",
    "SELECT end_said FROM entry WHERE name = '",
    "SELECT verified FROM credential WHERE identity = '",
    "SELECT token_expires FROM credential WHERE identity = '",
    "SELECT until FROM throttle WHERE name = '",
};

static void
assert_times(int n, long long at, size_t count)
{
	char sql[200];
	size_t i;

	for (i = 0; i < count; i++) {
		snprintf(sql, sizeof(sql), "%s%d%s", times[i], n,
		    strstr(times[i], "credential") != NULL ? "/c'"
			: strchr(times[i], '\'') != NULL   ? "'"
							   : "");
		if (number(sql) != at)
			fail_msg("%s: %lld, not %lld", sql, number(sql), at);
	}
	assert_credential_opens(n);
}

#define ALL (sizeof(times) / sizeof(*times))

/* What this daemon has written moves with the clock, what was there stays. */
static void
test_follow(void **state)
{
	const long long began = 1000, now = 2000, step = 500 * DAY;

	(void)state;
	add_rows(1, began - 1);
	add_rows(2, began);
	add_rows(3, now);
	add_rows(4, 600 * DAY);
	add_rows(5, 0);
	assert_int_equal(state_follow_clock(st, began, now, step, NULL), 0);
	while (state_follow_more(st, NULL) == 1)
		;
	assert_times(1, began - 1, ALL);
	assert_times(2, began + step, ALL);
	assert_times(3, now + step, ALL);
	assert_times(4, 600 * DAY, ALL);
	assert_times(5, 0, ALL);
	assert_int_equal(
	    state_follow_clock(st, began + step, now + step, -step, NULL), 0);
	while (state_follow_more(st, NULL) == 1)
		;
	assert_times(2, began, ALL);
	assert_times(4, 600 * DAY, ALL);
}

static long long
verified_of(int n)
{
	struct identity id = {.client = "c"};
	struct state_credential c;
	long long verified;

	snprintf(id.tenant, sizeof(id.tenant), "%d", n);
	assert_int_equal(state_get(st, &id, &c, NULL), 1);
	verified = c.verified;
	assert_int_equal(c.token_expires, verified);
	state_credential_clear(&c);
	return verified;
}

/*
 * Many credentials follow in several steps: they read right from the first one
 * on, and one that is stored meanwhile is not moved.
 */
static void
test_follow_in_pieces(void **state)
{
	const int count = 2 * STATE_PIECE + 10;
	const long long began = 1000, now = 9000, step = -1000;
	int i, pieces = 1;

	(void)state;
	for (i = 0; i < count; i++)
		add_credential(i, 5000);
	assert_int_equal(state_follow_clock(st, began, now, step, NULL), 0);
	assert_int_equal(
	    number("SELECT count(*) FROM credential WHERE verified = 4000"), 0);
	for (i = 0; i < count; i++)
		assert_int_equal(verified_of(i), 4000);
	assert_int_equal(state_follow_more(st, NULL), 1); /* senders */
	assert_int_equal(
	    number("SELECT count(*) FROM credential WHERE verified = 4000"), 0);
	assert_int_equal(state_follow_more(st, NULL), 1);
	assert_int_equal(
	    number("SELECT count(*) FROM credential WHERE verified = 4000"),
	    STATE_PIECE);
	add_credential(99, 6000); /* the last of all, in the order of names */
	add_credential(9999, 6000);
	assert_int_equal(state_expire(st, now, NULL), 0);
	while (state_follow_more(st, NULL) == 1)
		pieces++;
	assert_int_equal(pieces, 2);
	for (i = 0; i < count; i++)
		assert_int_equal(verified_of(i), i == 99 ? 6000 : 4000);
	assert_int_equal(verified_of(9999), 6000);
	assert_int_equal(state_follow_more(st, NULL), 0);
	assert_int_equal(state_expire(st, now, NULL), STATE_PIECE);
}

/* What is left to do when msgraphd ends is done then. */
static void
test_follow_at_the_end(void **state)
{
	struct error err;

	(void)state;
	add_credential(1, 5000);
	assert_int_equal(state_follow_clock(st, 1000, 9000, 1000, NULL), 0);
	state_close(&st);
	st = state_open(folder, vault, &err);
	assert_non_null(st);
	assert_int_equal(verified_of(1), 6000);
}

/* A clock that was years ahead once must not keep rows for years. */
static void
test_future(void **state)
{
	long long now = clock_wall();

	(void)state;
	add_rows(1, now - 9);
	add_rows(2, now + HOUR);
	add_rows(3, now + 9000 * DAY);
	assert_int_equal(state_mend_future(st, NULL), 0);
	assert_times(1, now - 9, ALL);
	assert_times(2, now + HOUR, ALL);
	assert_times(3, now, 9);
	assert_int_equal(number("SELECT count(*) FROM throttle"), 2);
}

static void
test_unused(void **state)
{
	static const struct identity id = {
	    "11111111-2222-3333-4444-555555555555",
	    "66666666-7777-8888-9999-000000000000"};
	struct state_credential c = {.secret = secret_new("s", 1)}, found;
	long long now = clock_wall();

	(void)state;
	add_rows(1, now - 2);
	assert_int_equal(state_put(st, &id, &c, NULL), 0);
	state_credential_clear(&c);
	assert_int_equal(state_expire(st, now, NULL), 1);
	assert_int_equal(number("SELECT count(*) FROM credential"), 1);
	assert_int_equal(state_get(st, &id, &found, NULL), 1);
	state_credential_clear(&found);
	assert_int_equal(state_expire(st, now + 1, NULL), 1);
	assert_int_equal(state_get(st, &id, &found, NULL), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_wall),
	    cmocka_unit_test_setup_teardown(
		test_follow, state_begin, state_end),
	    cmocka_unit_test_setup_teardown(
		test_follow_in_pieces, state_begin, state_end),
	    cmocka_unit_test_setup_teardown(
		test_follow_at_the_end, state_begin, state_end),
	    cmocka_unit_test_setup_teardown(
		test_future, state_begin, state_end),
	    cmocka_unit_test_setup_teardown(
		test_unused, state_begin, state_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
