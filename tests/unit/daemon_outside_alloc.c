/*
 * daemon_outside_alloc.c - entries in maps outside while memory runs out: who
 * asks is told "not now", and what is known stays.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "failmalloc.h"
#include "fake_map.h"

#define A ROW "from=a@x senders=a@x,@y"

/* One question from its beginning to its end. */
static enum outside_result
ask_once(const char *key)
{
	struct outside_waiter *waiter =
	    outside_wait(outside, key, on_done, NULL);

	if (waiter == NULL)
		return OUTSIDE_UNKNOWN;
	run();
	while (fake.count > 0) {
		fake_answer(A);
		run();
	}
	return find(key, 1);
}

static void
test_question(void **state)
{
	enum outside_result result;
	size_t n;

	(void)state;
	assert_int_equal(ask_only("known", A), OUTSIDE_FOUND);
	for (n = 1;; n++) {
		fail_at(n);
		result = ask_once("scan");
		if (!fail_end())
			break;
		assert_true(
		    result == OUTSIDE_UNKNOWN || result == OUTSIDE_UNAVAILABLE);
		assert_int_equal(find("known", 0), OUTSIDE_FOUND);
		clock_advance(OUTSIDE_RETRY_MS);
	}
	assert_int_equal(result, OUTSIDE_FOUND);
	assert_true(n > 4);
}

static void
test_other_maps(void **state)
{
	struct table_sources sources;
	struct error err;
	size_t n;
	int result;

	(void)state;
	assert_int_equal(ask_only("known", A), OUTSIDE_FOUND);
	assert_int_equal(
	    table_sources_read(&sources, "socketmap:unix:/a:b", NULL), 0);
	for (n = 1;; n++) {
		fail_at(n);
		result = outside_use(outside, &sources, &err);
		if (!fail_end())
			break;
		assert_int_equal(result, -1);
		assert_non_null(strstr(err.text, "out of memory"));
		assert_int_equal(find("known", 0), OUTSIDE_FOUND);
	}
	assert_int_equal(result, 0);
	assert_int_equal(find("known", 0), OUTSIDE_UNKNOWN);
	table_sources_clear(&sources);
	assert_true(n > 3);
}

static void
test_reading_both(void **state)
{
	struct table_sources sources;
	struct table_dump dump;
	struct table *table;
	struct error err;
	size_t n;

	(void)state;
	for (n = 1;; n++) {
		dump.bytes = strdup("a application=" TENANT "/" CLIENT "\n");
		dump.len = strlen(dump.bytes);
		table = NULL;
		fail_at(n);
		if (table_sources_read(&sources, "hash:/a", &err) == 0)
			table = table_read(&sources, &dump, 0, &err);
		table_sources_clear(&sources);
		free(dump.bytes);
		if (!fail_end())
			break;
		assert_null(table);
		assert_non_null(strstr(err.text, "out of memory"));
	}
	assert_int_equal(table_count(table), 1);
	table_free(&table);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	    TEST(test_question),
	    TEST(test_other_maps),
	    TEST(test_reading_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
