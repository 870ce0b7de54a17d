/*
 * How many deliveries of an application may be inside (agent/daemon/turn/share.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/daemon/turn/share.h"
#include "daemon_fake.h"

#define PLACES 400

static struct shares *shares;
static struct place *places[3][PLACES];
static int opened[3];

static int
begin(void **state)
{
	(void)state;
	memset(places, 0, sizeof(places));
	memset(opened, 0, sizeof(opened));
	if (fake_begin() == -1)
		return -1;
	shares = shares_new(d.base, &d.conf);
	return shares == NULL ? -1 : 0;
}

static void
leave(size_t app, size_t from, size_t to)
{
	for (; from < to; from++)
		place_leave(&places[app][from]);
	run();
}

static int
end(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++)
		leave(i, 0, PLACES);
	shares_free(&shares);
	return fake_end();
}

static void
on_open(void *ctx)
{
	++*(int *)ctx;
}

/* So many ask that may wait for it. Returns how many may not. */
static int
ask(size_t app, size_t count)
{
	int refused = 0;
	size_t i;

	for (i = 0; i < PLACES && count > 0; i++) {
		if (places[app][i] != NULL)
			continue;
		count--;
		if (share_patience(shares, &apps[app]) == 0)
			refused++;
		else
			places[app][i] = place_ask(
			    shares, &apps[app], on_open, &opened[app]);
	}
	run();
	return refused;
}

/* Makes deliveries of this length known. */
static void
know(size_t app, long long ms)
{
	int i;

	for (i = 0; i < 20; i++) {
		ask(app, 1);
		pass(ms);
		leave(app, 0, PLACES);
	}
	opened[app] = 0;
}

static const struct {
	long long took; /* ms; -1: not known */
	int inside, refused; /* of 100 */
	long long patience; /* ms, of the next */
} alone[] = {
    {-1, 60, 0, SHARE_WAIT_UNKNOWN_MS},
    {20, 95, 0, SHARE_QUICK_MS},
    {1500, 95, 0, SHARE_QUICK_MS + 180},
    {3000, 60, 0, SHARE_WAIT_MS},
    {10000, 60, 10, 0},
    {100000, 60, 37, 0},
    {400000, 60, 40, 0},
};

static void
test_alone(void **state)
{
	size_t i;
	int refused;
	long long patience;

	for (i = 0; i < sizeof(alone) / sizeof(*alone); i++) {
		if (alone[i].took >= 0)
			know(0, alone[i].took);
		refused = ask(0, 100);
		assert_int_equal(opened[0], alone[i].inside);
		assert_in_range(
		    refused, alone[i].refused, alone[i].refused + 1);
		patience = share_patience(shares, &apps[0]);
		assert_in_range(
		    patience, alone[i].patience, alone[i].patience + 100);
		end(state);
		begin(state);
	}
}

/* Those that are slow, or not known, share; each has a few. */
static void
test_together(void **state)
{
	(void)state;
	ask(0, 100);
	ask(1, 100);
	assert_int_equal(opened[0], 60);
	assert_int_equal(opened[1], 4);
	pass(10000);
	leave(0, 0, 40); /* it has 30 now */
	assert_int_equal(opened[1], 30);
	ask(2, 100);
	assert_int_equal(opened[2], 4);
	/* a quick one is not bounded by them */
	leave(2, 0, PLACES);
	know(2, 20);
	ask(2, 100);
	assert_int_equal(opened[2], 95);
}

/* A quick one that begins to hang is seen before anything has ended. */
static void
test_hang(void **state)
{
	(void)state;
	know(0, 300);
	ask(0, 100);
	assert_int_equal(opened[0], 95);
	pass(1000);
	assert_int_equal(ask(0, 1), 0);
	pass(20000);
	assert_int_equal(share_patience(shares, &apps[0]), 0);
	assert_in_range(share_patience(shares, &apps[1]), SHARE_WAIT_UNKNOWN_MS,
	    SHARE_WAIT_UNKNOWN_MS);
	ask(1, 10);
	assert_int_equal(opened[1], 4);
}

static void
test_forgotten(void **state)
{
	(void)state;
	know(0, 100000);
	shares_forget(shares);
	assert_in_range(
	    share_patience(shares, &apps[0]), SHARE_QUICK_MS, SHARE_WAIT_MS);
	pass(SHARE_FORGET_MS + 1);
	shares_forget(shares);
	assert_in_range(share_patience(shares, &apps[0]), SHARE_WAIT_UNKNOWN_MS,
	    SHARE_WAIT_UNKNOWN_MS);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	    TEST(test_alone),
	    TEST(test_together),
	    TEST(test_hang),
	    TEST(test_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
