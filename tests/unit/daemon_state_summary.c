/*
 * What an admin sees of the state, and has forgotten (state_summary.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/daemon/base/clock.h"
#include "state_folder.h"

#define ID_A "11111111-2222-3333-4444-555555555555"
#define ID_B "66666666-7777-8888-9999-000000000000"

static const struct identity a = {ID_A, ID_B}, b = {ID_B, ID_A};

static void
put(const struct identity *id, long long expires, long long verified)
{
	struct state_credential c = {
	    .secret = secret_new("secret", 6),
	    .token = expires == 0 ? NULL : secret_new("token", 5),
	    .token_expires = expires,
	    .verified = verified,
	};

	assert_int_equal(state_put(st, id, &c, NULL), 0);
	state_credential_clear(&c);
}

static void
test_each_in_order(void **state)
{
	struct state_summary row;

	(void)state;
	assert_int_equal(state_summary_after(st, "", &row, NULL), 0);
	put(&b, 7000, 5000);
	put(&a, 0, 6000);
	assert_int_equal(state_summary_after(st, "", &row, NULL), 1);
	assert_string_equal(row.identity, ID_A "/" ID_B);
	assert_int_equal(row.token_expires, 0);
	assert_int_equal(row.verified, 6000);
	assert_int_equal(state_summary_after(st, row.identity, &row, NULL), 1);
	assert_string_equal(row.identity, ID_B "/" ID_A);
	assert_int_equal(row.token_expires, 7000);
	assert_int_equal(state_summary_after(st, row.identity, &row, NULL), 0);
	assert_int_equal(state_summary(st, &b, &row, NULL), 1);
	assert_int_equal(row.verified, 5000);
}

/* A clock that was set counts at once, as it does for the credential itself. */
static void
test_clock_that_was_set(void **state)
{
	long long now = clock_wall();
	struct state_summary row;

	(void)state;
	put(&a, now + 3600, now);
	assert_int_equal(
	    state_follow_clock(st, now - 10, now + 10, 86400, NULL), 0);
	assert_int_equal(state_summary(st, &a, &row, NULL), 1);
	assert_int_equal(row.verified, now + 86400);
	assert_int_equal(row.token_expires, now + 3600 + 86400);
}

static void
test_forgotten(void **state)
{
	struct state_credential c;
	struct state_summary row;

	(void)state;
	put(&a, 7000, 5000);
	put(&b, 7000, 5000);
	assert_int_equal(state_forget(st, &a, NULL), 1);
	assert_int_equal(state_forget(st, &a, NULL), 0);
	state_close(&st);
	st = state_open(folder, vault, NULL);
	assert_int_equal(state_get(st, &a, &c, NULL), 0);
	assert_int_equal(state_summary(st, &a, &row, NULL), 0);
	assert_int_equal(state_summary(st, &b, &row, NULL), 1);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, state_begin, state_end)
	const struct CMUnitTest tests[] = {
	    TEST(test_each_in_order),
	    TEST(test_clock_that_was_set),
	    TEST(test_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
