/*
 * Who gets a place (agent/daemon/entra/places.c): tenants in turn, somebody of
 * a tenant at random, and one of the most where there is no room to wait.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent/daemon/entra/places.h"

#define MAX 2
#define WAITING 8

struct one {
	struct typed_place *place;
	int given; /* -1: not told yet */
};

static struct event_base *base;
static struct places *places;
static struct one ones[40];

static void
on_place(void *ctx, int given)
{
	struct one *one = ctx;

	one->given = given;
	if (!given)
		one->place = NULL;
}

static int
enter(int i, const char *tenant)
{
	ones[i].given = -1;
	ones[i].place = places_enter(places, tenant, on_place, &ones[i]);
	return ones[i].place != NULL;
}

static void
turn(void)
{
	event_base_loop(base, EVLOOP_NONBLOCK);
}

static void
leave_all(void)
{
	size_t i;

	for (i = 0; i < sizeof(ones) / sizeof(*ones); i++)
		places_leave(&ones[i].place);
	turn();
}

/* Gives all that are inside back, and counts those of i to j that came in. */
static int
next(int i, int j)
{
	int k, count = 0;

	for (k = 0; k < 40; k++)
		if (ones[k].place != NULL && ones[k].given == 1)
			places_leave(&ones[k].place);
	turn();
	for (k = i; k <= j; k++)
		count += ones[k].place != NULL && ones[k].given == 1;
	return count;
}

static void
test_never_in_the_call(void **state)
{
	(void)state;
	assert_true(enter(0, "a"));
	assert_int_equal(ones[0].given, -1);
	turn();
	assert_int_equal(ones[0].given, 1);
	leave_all();
}

/* Seven of one tenant keep one of another waiting for one turn. */
static void
test_tenants_in_turn(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < WAITING; i++)
		assert_true(enter(i, "many"));
	turn();
	assert_true(enter(9, "one"));
	turn();
	assert_int_equal(ones[9].given, -1);
	assert_int_equal(next(9, 9) + next(9, 9), 1);
	leave_all();
}

/* Of those of a tenant, whoever came last has a chance. */
static void
test_at_random(void **state)
{
	int round, i, last = 0;

	(void)state;
	for (round = 0; round < 200; round++) {
		for (i = 0; i < 6; i++)
			assert_true(enter(i, "a"));
		turn();
		last += ones[5].given == 1;
		leave_all();
	}
	assert_in_range(last, 20, 120);
}

static void
test_room_to_wait(void **state)
{
	int i, gone = 0;

	(void)state;
	for (i = 0; i < MAX; i++)
		assert_true(enter(i, "inside"));
	turn();
	for (; i < MAX + WAITING; i++)
		assert_true(enter(i, "many"));
	assert_false(enter(20, "many"));
	assert_true(enter(21, "one"));
	turn();
	for (i = MAX; i < MAX + WAITING; i++)
		gone += ones[i].given == 0;
	assert_int_equal(gone, 1);
	assert_int_equal(ones[21].given, -1);
	leave_all();
}

static int
begin(void **state)
{
	(void)state;
	memset(ones, 0, sizeof(ones));
	base = event_base_new();
	places = places_new(base, MAX, WAITING);
	return places == NULL ? -1 : 0;
}

static int
end(void **state)
{
	(void)state;
	places_free(&places);
	event_base_free(base);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_never_in_the_call, begin, end),
	    cmocka_unit_test_setup_teardown(test_tenants_in_turn, begin, end),
	    cmocka_unit_test_setup_teardown(test_at_random, begin, end),
	    cmocka_unit_test_setup_teardown(test_room_to_wait, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
