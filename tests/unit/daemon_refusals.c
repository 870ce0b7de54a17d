/*
 * Which wrong secrets are remembered (agent/daemon/entra/refusals.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent/daemon/base/clock.h"
#include "agent/daemon/entra/refusals.h"

#define MAX 100

static struct refusals *table;

static struct identity
name(int n)
{
	struct identity id = {.client = "client"};

	snprintf(id.tenant, sizeof(id.tenant), "%d", n);
	return id;
}

static void
add(int application, unsigned char secret)
{
	unsigned char digest[AUTH_CACHE_DIGEST_SIZE] = {secret};
	struct identity id = name(application);
	char text[20];

	snprintf(text, sizeof(text), "%d %d", application, secret);
	refusals_add(table, &id, digest, text);
}

/* 1 when it is known to be wrong, with the right text. */
static int
is_known(int application, unsigned char secret)
{
	unsigned char digest[AUTH_CACHE_DIGEST_SIZE] = {secret};
	struct identity id = name(application);
	const char *text = refusals_find(table, &id, digest);
	char want[20];

	snprintf(want, sizeof(want), "%d %d", application, secret);
	if (text != NULL)
		assert_string_equal(text, want);
	return text != NULL;
}

static size_t
count(int application, long long *age)
{
	struct identity id = name(application);

	return refusals_count(table, &id, age);
}

static void
test_time(void **state)
{
	long long age = -1;

	(void)state;
	assert_int_equal(count(1, &age), 0);
	assert_int_equal(age, -1);
	add(1, 1);
	clock_advance(20000);
	add(1, 2);
	add(2, 1);
	assert_true(is_known(1, 1) && is_known(1, 2) && is_known(2, 1));
	assert_false(is_known(1, 3) || is_known(2, 2) || is_known(3, 1));
	assert_int_equal(count(1, &age), 2);
	assert_in_range(age, 0, 1000);
	clock_advance(11000);
	assert_false(is_known(1, 1));
	assert_true(is_known(1, 2));
	assert_int_equal(count(1, &age), 2);
	assert_in_range(age, 11000, 12000);
	clock_advance(30000);
	assert_int_equal(count(1, &age), 1);
	clock_advance(30000);
	assert_int_equal(count(1, &age), 0);
}

/* One that is refused again is one wrong secret, not two. */
static void
test_again(void **state)
{
	unsigned char digest[AUTH_CACHE_DIGEST_SIZE] = {1};
	struct identity id = name(1);
	long long age;
	int i;

	(void)state;
	for (i = 0; i < 5; i++) {
		add(1, 1);
		clock_advance(31000);
		assert_int_equal(count(1, &age), 1);
	}
	add(1, 1);
	refusals_drop(table, &id, digest);
	refusals_drop(table, &id, digest);
	assert_false(is_known(1, 1));
	assert_int_equal(count(1, &age), 0);
}

/* All of one application, and none of another. */
static void
test_forgotten(void **state)
{
	struct identity id = name(1);

	(void)state;
	add(1, 1);
	add(2, 1);
	add(1, 2);
	assert_int_equal(refusals_forget(table, &id), 2);
	assert_int_equal(refusals_forget(table, &id), 0);
	assert_false(is_known(1, 1) || is_known(1, 2));
	assert_true(is_known(2, 1));
}

static void
test_the_oldest_goes(void **state)
{
	int i, known = 0;

	(void)state;
	for (i = 0; i < 3 * MAX; i++)
		add(i, 7);
	for (i = 0; i < 3 * MAX; i++)
		known += is_known(i, 7);
	assert_int_equal(known, MAX);
	assert_true(is_known(2 * MAX, 7) && is_known(3 * MAX - 1, 7));
}

static int
begin(void **state)
{
	(void)state;
	table = refusals_new(MAX);
	return table == NULL ? -1 : 0;
}

static int
end(void **state)
{
	(void)state;
	refusals_free(&table);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_time, begin, end),
	    cmocka_unit_test_setup_teardown(test_again, begin, end),
	    cmocka_unit_test_setup_teardown(test_forgotten, begin, end),
	    cmocka_unit_test_setup_teardown(test_the_oldest_goes, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
