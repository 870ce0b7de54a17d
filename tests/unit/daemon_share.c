/*
 * How many deliveries of an application may be inside
 * (agent/daemon/turn/share.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/daemon/base/limits.h"
#include "agent/daemon/turn/share.h"
#include "daemon_fake.h"

#define PLACES 400
#define APPS 3

static struct shares *shares;
static struct asked {
	struct place *place;
	int app;
	long long asked, opened; /* clock_ms() */
} asked[APPS][PLACES];
static int opened[APPS], refused[APPS];
static long long waited; /* ms, of the last that was refused */

static int
begin(void **state)
{
	(void)state;
	memset(asked, 0, sizeof(asked));
	memset(opened, 0, sizeof(opened));
	memset(refused, 0, sizeof(refused));
	if (fake_begin() == -1)
		return -1;
	fake.is_frozen = 1;
	shares = shares_new(d.base, &d.conf);
	return shares == NULL ? -1 : 0;
}

static void
leave(size_t app, size_t from, size_t to)
{
	for (; from < to; from++)
		place_leave(&asked[app][from].place);
	run();
}

static int
end(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < APPS; i++)
		leave(i, 0, PLACES);
	shares_free(&shares);
	return fake_end();
}

static void
on_place(void *ctx, int is_open)
{
	struct asked *a = ctx;

	if (is_open) {
		opened[a->app]++;
		a->opened = clock_ms();
		return;
	}
	refused[a->app]++;
	waited = clock_ms() - a->asked;
	place_leave(&a->place);
}

static void
ask(int app, size_t count)
{
	struct asked *a;
	size_t i;

	for (i = 0; i < PLACES && count > 0; i++) {
		a = &asked[app][i];
		if (a->place != NULL)
			continue;
		count--;
		a->app = app;
		a->asked = clock_ms();
		a->opened = 0;
		a->place = place_ask(shares, &apps[app], on_place, a);
		assert_non_null(a->place);
	}
	run();
}

/* Makes deliveries of this length known. */
static void
know(int app, long long ms)
{
	int i;

	for (i = 0; i < 20; i++) {
		ask(app, 1);
		pass(ms);
		leave(app, 0, PLACES);
	}
	opened[app] = 0;
}

/* Time goes by, for so long, until somebody is refused. */
static void
pass_until_refused(int app, long long ms)
{
	int before = refused[app];

	for (; ms > 0 && refused[app] == before; ms -= 10)
		pass(10);
}

static const struct {
	long long took; /* ms; -1: not known */
	int inside, at_once; /* of 95: how many are refused so */
	long long waited; /* ms, of the first that is refused later */
} alone[] = {
    {-1, 60, 0, SHARE_WAIT_UNKNOWN_MS},
    {20, 95, 0, 0},
    {1500, 95, 0, 0},
    {3000, 60, 0, SHARE_QUICK_MS + 100},
    {10000, 60, 5, SHARE_QUICK_MS + 333},
    {100000, 60, 32, SHARE_WAIT_MS},
    {400000, 60, 35, 0},
};

static void
test_alone(void **state)
{
	size_t i;

	for (i = 0; i < sizeof(alone) / sizeof(*alone); i++) {
		if (alone[i].took >= 0)
			know(0, alone[i].took);
		ask(0, 95);
		assert_int_equal(opened[0], alone[i].inside);
		assert_in_range(
		    refused[0], alone[i].at_once, alone[i].at_once + 1);
		waited = 0;
		pass_until_refused(0, 7000);
		assert_in_range(waited, alone[i].waited, alone[i].waited + 300);
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
	pass(10000); /* whoever waits is refused meanwhile */
	leave(0, 0, 40);
	ask(0, 100); /* it has 30 then */
	ask(1, 100);
	assert_int_equal(opened[1], 30);
	ask(2, 100);
	assert_int_equal(opened[2], 4);
	/* a quick one is not bounded by them, but by what they leave */
	leave(2, 0, PLACES);
	know(2, 20);
	ask(2, 100);
	assert_int_equal(opened[2], 100 - 30 - 30 - 5);
}

/* A quick one begins to hang, at once or after a while; and then another. */
static const struct {
	long long others; /* ms after the first, when the others' mail comes */
} hangs[] = {{0}, {500}, {1000}, {1900}, {3000}, {10000}, {60000}};

static size_t
held(int app)
{
	size_t i, count = 0;

	for (i = 0; i < PLACES; i++)
		count += asked[app][i].place != NULL;
	return count;
}

static void
test_hang(void **state)
{
	long long began, end_ms;
	size_t i;

	for (i = 0; i < sizeof(hangs) / sizeof(*hangs); i++) {
		know(0, 50);
		know(1, 50);
		ask(0, 100);
		assert_int_equal(opened[0], 95);
		/* Postfix hands over its next one at once */
		for (end_ms = clock_ms() + hangs[i].others; clock_ms() < end_ms;
		     pass(10))
			ask(0, 100 - held(0));
		for (began = clock_ms(); held(0) == 100; pass(10))
			assert_in_range(clock_ms() - began, 0, 1300);
		assert_int_equal(opened[0], 95);
		leave(0, 95, PLACES); /* those processes are the others' */
		ask(1, 5);
		assert_int_equal(opened[1], 3);
		pass_until_refused(1, 1300); /* it hangs as well */
		assert_int_equal(held(1), 3);
		ask(2, 2);
		assert_int_equal(opened[2], 1);
		end(state);
		begin(state);
	}
}

/* What waits for a long Retry-After holds its process too. */
static void
test_rest(void **state)
{
	int i;

	(void)state;
	know(0, 50);
	for (i = 0; i < 30; i++)
		shares_rest(shares, 1);
	ask(0, 70);
	assert_int_equal(opened[0], 65);
	for (i = 0; i < 5; i++)
		shares_rest(shares, -1);
	run();
	assert_int_equal(opened[0], 70);
}

/*
 * Quick ones keep their processes for as long as some become free: nothing is
 * refused, however many processes there are.
 */
static const struct {
	long limit;
	long long took;
	int at_once; /* 1: they begin and end at the same time */
} backlogs[] = {
    {100, 300, 0},
    {100, 300, 1},
    {100, 600, 1},
    {100, 1900, 0},
    {20, 1900, 0},
    {2, 1500, 0},
    {1, 1900, 0},
};

static void
test_quick_backlog(void **state)
{
	long long began, now, took;
	size_t i, j, limit, most;

	for (i = 0; i < sizeof(backlogs) / sizeof(*backlogs); i++) {
		limit = (size_t)backlogs[i].limit;
		took = backlogs[i].took;
		d.conf.process_limit = backlogs[i].limit;
		know(0, took);
		began = clock_ms();
		while ((now = clock_ms()) - began < 20 * took) {
			for (j = 0; j < limit; j++)
				if (asked[0][j].opened != 0 &&
				    now - asked[0][j].opened >= took)
					leave(0, j, j + 1);
			most = limit;
			if (!backlogs[i].at_once && now - began < took)
				most = limit * (size_t)(now - began) /
				    (size_t)took;
			if (held(0) < most)
				ask(0, most - held(0));
			pass(10);
		}
		assert_int_equal(refused[0], 0);
		assert_true((size_t)opened[0] > 15 * (limit * 95 / 100));
		end(state);
		begin(state);
	}
}

/*
 * However many processes there are, one application leaves others some of the
 * requests that may be under way in all.
 */
static const struct {
	long limit, rest;
	long long took; /* -1: not known */
	int inside;
} many[] = {
    {128, 0, -1, 76},
    {200, 0, -1, 76},
    {200, 0, 20, 121},
    {1000, 0, -1, 76},
    {1000, 0, 20, 121},
    {1000, 300, 20, 121},
    {200, 100, 20, 94},
};

static void
test_more_processes_than_requests(void **state)
{
	long rest;
	size_t i;

	for (i = 0; i < sizeof(many) / sizeof(*many); i++) {
		d.conf.process_limit = many[i].limit;
		if (many[i].took >= 0)
			know(0, many[i].took);
		for (rest = 0; rest < many[i].rest; rest++)
			shares_rest(shares, 1);
		ask(0, PLACES);
		ask(1, 1);
		if (opened[0] != many[i].inside || opened[1] != 1)
			fail_msg("row %zu: %d, %d", i, opened[0], opened[1]);
		assert_true(opened[0] + opened[1] < MSGRAPHD_REQUESTS_MAX);
		end(state);
		begin(state);
	}
}

static void
test_forgotten(void **state)
{
	(void)state;
	know(0, 20);
	shares_forget(shares);
	ask(0, 100);
	assert_int_equal(opened[0], 95); /* known */
	leave(0, 0, PLACES);
	pass(SHARE_FORGET_MS + 1);
	shares_forget(shares);
	opened[0] = 0;
	ask(0, 100);
	assert_int_equal(opened[0], 60);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	    TEST(test_alone),
	    TEST(test_together),
	    TEST(test_hang),
	    TEST(test_rest),
	    TEST(test_quick_backlog),
	    TEST(test_more_processes_than_requests),
	    TEST(test_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
