/*
 * daemon_outside.c - what is known of entries in maps outside: for how long,
 * what counts while the maps do not answer, and what many names do to others.
 * The maps are the test's, and the clock is moved by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "fake_map.h"

/* --- time --- */

#define FOUND OUTSIDE_FOUND
#define NONE OUTSIDE_NONE
#define AWAY OUTSIDE_UNAVAILABLE

struct moment {
	long pass; /* seconds, before */
	const char *row; /* what the map says if it is asked */
	enum outside_result want;
	int is_old;
	size_t asked; /* in all */
	const char *from; /* of the entry that counts */
};

#define A ROW "from=a@x"
#define B ROW "from=b@x"
#define SILENCE "silence"
#define MISTAKE "from=a@x"

static const struct moment found[] = {
    {0, A, FOUND, 0, 1, "a@x"},
    {TTL - 10, B, FOUND, 0, 1, "a@x"},
    {20, B, FOUND, 0, 2, "b@x"}, /* changed */
    {TTL + 1, NULL, NONE, 0, 3, NULL}, /* vanished */
    {TTL - 10, A, NONE, 0, 3, NULL},
    {20, A, FOUND, 0, 4, "a@x"},
    {0, NULL, 0, 0, 0, NULL},
};

static const struct moment silence[] = {
    {0, A, FOUND, 0, 1, "a@x"},
    {TTL + 1, SILENCE, FOUND, 1, 2, "a@x"}, /* who asked has waited */
    {10, SILENCE, FOUND, 1, 3, "a@x"}, /* in the background */
    {0, SILENCE, FOUND, 1, 3, "a@x"}, /* not at once again */
    {10, B, FOUND, 0, 4, "b@x"}, /* it answers again */
    {TTL + 1, SILENCE, FOUND, 1, 5, "b@x"},
    {GRACE - TTL - 100, SILENCE, FOUND, 1, 6, "b@x"},
    {200, SILENCE, AWAY, 0, 7, NULL}, /* too old */
    {0, A, AWAY, 0, 7, NULL}, /* asked just now */
    {10, A, FOUND, 0, 8, "a@x"},
    {0, NULL, 0, 0, 0, NULL},
};

static const struct moment never_known[] = {
    {0, SILENCE, AWAY, 0, 1, NULL},
    {0, A, AWAY, 0, 1, NULL},
    {2, NULL, NONE, 0, 2, NULL},
    {TTL + 1, SILENCE, NONE, 1, 3, NULL}, /* that there was none, too */
    {GRACE, SILENCE, AWAY, 0, 4, NULL},
    {0, NULL, 0, 0, 0, NULL},
};

static const struct moment mistake[] = {
    {0, A, FOUND, 0, 1, "a@x"},
    {TTL + 1, MISTAKE, AWAY, 0, 2, NULL}, /* what was known is no more */
    {10, SILENCE, AWAY, 0, 3, NULL},
    {10, ROW "clients=::1", AWAY, 0, 4, NULL},
    {10, B, FOUND, 0, 5, "b@x"},
    {0, NULL, 0, 0, 0, NULL},
};

static void
check_moments(const struct moment *moments)
{
	const struct moment *m = moments;
	struct outside_answer answer;
	enum outside_result got;

	for (; m->asked > 0; m++) {
		clock_advance(m->pass * 1000LL);
		got = ask("scan", m->row, &answer);
		/* a background question counts for the next moment */
		if (got != m->want || answer.is_old != m->is_old ||
		    fake.asked != m->asked)
			fail_msg("moment %d: %d, old %d, asked %zu",
			    (int)(m - moments), got, answer.is_old, fake.asked);
		if (m->from != NULL)
			assert_string_equal(answer.entry->from, m->from);
		if (got == AWAY)
			assert_true(answer.text[0] != '\0');
	}
}

static void
test_found(void **state)
{
	(void)state;
	check_moments(found);
}

static void
test_silence(void **state)
{
	(void)state;
	check_moments(silence);
}

static void
test_never_known(void **state)
{
	(void)state;
	check_moments(never_known);
}

static void
test_mistake(void **state)
{
	(void)state;
	check_moments(mistake);
}

/* Who has waited in vain is told so, and what was known before still counts. */
static void
test_no_answer_in_time(void **state)
{
	struct outside_waiter *waiter;
	struct outside_answer answer;

	(void)state;
	waiter = outside_wait(outside, "scan", on_done, NULL);
	run();
	outside_cancel(&waiter);
	assert_int_equal(find("scan", 0), OUTSIDE_UNKNOWN);
	assert_int_equal(find("scan", 1), AWAY);
	fake_answer(A);
	assert_int_equal(find("scan", 0), FOUND);
	clock_advance((TTL + 1) * 1000LL);
	waiter = outside_wait(outside, "scan", on_done, NULL);
	run();
	outside_cancel(&waiter);
	clock_advance(OUTSIDE_SLACK_MS);
	assert_int_equal(outside_find(outside, "scan", 1, &answer), FOUND);
	assert_int_equal(answer.is_old, 1);
	assert_int_equal(fake.asked, 2);
	fake_answer(A);
}

/* --- many --- */

static const char *
numbered(const char *name, int number)
{
	static char text[MAP_KEY_SIZE];

	snprintf(text, sizeof(text), "%s%d", name, number);
	return text;
}

static void
test_made_up_names_push_out_nothing(void **state)
{
	struct outside_answer answer;
	int i;

	(void)state;
	assert_int_equal(ask("used", A, &answer), FOUND);
	answer.rate->count = 7;
	for (i = 0; i < 20000; i++)
		assert_int_equal(ask_only(numbered("x", i), NULL), NONE);
	assert_true(outside->others.count <= OUTSIDE_OTHERS_MAX);
	assert_int_equal(outside_find(outside, "used", 0, &answer), FOUND);
	assert_int_equal(answer.rate->count, 7);
	assert_int_equal(find(numbered("x", 19999), 0), NONE);
	assert_int_equal(find("x0", 0), OUTSIDE_UNKNOWN);
}

static void
test_entries_have_a_limit(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < OUTSIDE_FOUND_MAX + 50; i++)
		assert_int_equal(ask_only(numbered("e", i), A), FOUND);
	assert_int_equal(outside->found.count, OUTSIDE_FOUND_MAX);
	assert_int_equal(find("e0", 0), OUTSIDE_UNKNOWN);
	assert_int_equal(find("e50", 0), FOUND);
	/* e50 is in use, so it is not the next to go */
	assert_int_equal(ask_only("new", A), FOUND);
	assert_int_equal(find("e50", 0), FOUND);
	assert_int_equal(find("e51", 0), OUTSIDE_UNKNOWN);
}

static void
test_text_has_a_limit(void **state)
{
	static char row[MAP_ROW_SIZE];
	size_t used = (size_t)snprintf(row, sizeof(row), ROW "senders=a@x");
	int i;

	(void)state;
	while (used + 32 < sizeof(row))
		used += (size_t)snprintf(
		    row + used, sizeof(row) - used, ",a%zu@x", used);
	for (i = 0; i < 2000; i++)
		assert_int_equal(ask_only(numbered("e", i), row), FOUND);
	assert_true(outside->bytes <= OUTSIDE_BYTES_MAX);
	assert_true(outside->found.count > 100);
	assert_int_equal(find(numbered("e", 1999), 0), FOUND);
}

/* Where all others are being asked for, the one that has grown stays. */
static void
test_none_goes_that_was_just_answered(void **state)
{
	char row[MAP_ROW_SIZE];
	size_t i, count = 0;
	int len;

	(void)state;
	len = snprintf(row, sizeof(row), ROW "senders=a@x");
	while ((size_t)len + 32 < sizeof(row))
		len += snprintf(row + len, sizeof(row) - (size_t)len, ",b@x");
	do
		assert_int_equal(ask_only(numbered("e", count++), row), FOUND);
	while (outside->bytes / count * (count + 1) <= OUTSIDE_BYTES_MAX);
	assert_int_equal(ask_only("small", A), FOUND);
	clock_advance((TTL + 1) * 1000LL);
	assert_non_null(outside_wait(outside, "small", on_done, NULL));
	for (i = 0; i < count; i++)
		assert_non_null(
		    outside_wait(outside, numbered("e", i), on_done, NULL));
	run();
	called = 0;
	fake_answer(row);
	assert_int_equal(called, 1);
	assert_int_equal(find("small", 0), FOUND);
}

/* Some at a time, those that had an entry before the others. */
static void
test_turns(void **state)
{
	int i;

	(void)state;
	assert_int_equal(ask_only("known", A), FOUND);
	clock_advance((TTL + 1) * 1000LL);
	for (i = 0; i < 50; i++)
		assert_non_null(
		    outside_wait(outside, numbered("x", i), on_done, NULL));
	run();
	assert_int_equal(fake.count, OUTSIDE_ASKED_MAX);
	assert_non_null(outside_wait(outside, "known", on_done, NULL));
	assert_non_null(outside_wait(outside, "x3", on_done, NULL));
	fake_answer(NULL);
	run();
	assert_int_equal(fake.count, OUTSIDE_ASKED_MAX);
	assert_string_equal(fake.queries[OUTSIDE_ASKED_MAX - 1]->key, "known");
	called = 0;
	while (fake.count > 0) {
		fake_answer(NULL);
		run();
	}
	assert_int_equal(called, 49 + 2);
}

static void
test_too_many_wait(void **state)
{
	struct outside_answer answer;
	int i;

	(void)state;
	for (i = 0; i < OUTSIDE_OTHERS_MAX; i++)
		assert_non_null(
		    outside_wait(outside, numbered("x", i), on_done, NULL));
	assert_null(outside_wait(outside, "more", on_done, NULL));
	assert_int_equal(outside_find(outside, "more", 1, &answer), AWAY);
	assert_non_null(answer.text);
	assert_non_null(outside_wait(outside, "x7", on_done, NULL));
	called = 0;
	run();
	while (fake.count > 0) {
		fake_answer(NULL);
		run();
	}
	assert_int_equal(called, OUTSIDE_OTHERS_MAX + 1);
	assert_non_null(outside_wait(outside, "more", on_done, NULL));
}

static void
test_map_that_takes_no_more(void **state)
{
	(void)state;
	fake.is_full = 1;
	assert_int_equal(ask_only("scan", A), AWAY);
	fake.is_full = 0;
	clock_advance(2000);
	assert_int_equal(ask_only("scan", A), FOUND);
}

/* --- more maps, and others --- */

static void
test_second_map_is_asked_for_what_the_first_has_not(void **state)
{
	struct outside_answer answer;

	(void)state;
	map_close(&outside->maps[0].map);
	free(outside->maps);
	use_fakes(2);
	outside_wait(outside, "scan", on_done, NULL);
	run();
	fake_answer(NULL);
	run();
	fake_answer(B);
	assert_int_equal(outside_find(outside, "scan", 0, &answer), FOUND);
	assert_string_equal(answer.entry->from, "b@x");
	assert_int_equal(fake.asked, 2);
	/* the first is silent: nobody knows what counts */
	outside_wait(outside, "other", on_done, NULL);
	run();
	fake_answer("silence");
	run();
	assert_int_equal(fake.count, 0);
	assert_int_equal(find("other", 1), AWAY);
}

static void
test_other_maps_know_nothing(void **state)
{
	struct table_sources sources;

	(void)state;
	assert_int_equal(ask_only("scan", A), FOUND);
	called = 0;
	outside_wait(outside, "waits", on_done, NULL);
	run();
	assert_int_equal(table_sources_read(&sources, "", NULL), 0);
	assert_int_equal(outside_use(outside, &sources, NULL), 0);
	table_sources_clear(&sources);
	assert_int_equal(outside_is_used(outside), 0);
	assert_int_equal(fake.count, 0);
	run();
	assert_int_equal(called, 1);
	assert_int_equal(find("scan", 0), OUTSIDE_UNKNOWN);
	assert_int_equal(find("waits", 0), NONE);
}

static void
test_same_maps_go_on(void **state)
{
	struct table_sources sources;
	struct outside_answer answer;

	(void)state;
	assert_int_equal(ask_only("scan", A), FOUND);
	table_sources_read(&sources, "/a fake:map", NULL);
	assert_int_equal(outside_use(outside, &sources, NULL), 0);
	table_sources_clear(&sources);
	assert_int_equal(find("scan", 0), FOUND);
	outside_expire(outside);
	assert_int_equal(find("scan", 0), OUTSIDE_UNKNOWN);
	assert_int_equal(ask("scan", "silence", &answer), FOUND);
	assert_int_equal(answer.is_old, 1);
}

static void
test_wrong_maps_change_nothing(void **state)
{
	struct table_sources sources;
	struct error err;

	(void)state;
	assert_int_equal(ask_only("scan", A), FOUND);
	table_sources_read(
	    &sources, "socketmap:unix:/a:b socketmap:unix:a:b", NULL);
	assert_int_equal(outside_use(outside, &sources, &err), -1);
	table_sources_clear(&sources);
	assert_int_equal(
	    strncmp(err.text, "socketmap:unix:a:b: the path of", 31), 0);
	assert_int_equal(find("scan", 0), FOUND);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	    TEST(test_found),
	    TEST(test_silence),
	    TEST(test_never_known),
	    TEST(test_mistake),
	    TEST(test_no_answer_in_time),
	    TEST(test_made_up_names_push_out_nothing),
	    TEST(test_entries_have_a_limit),
	    TEST(test_text_has_a_limit),
	    TEST(test_none_goes_that_was_just_answered),
	    TEST(test_turns),
	    TEST(test_too_many_wait),
	    TEST(test_map_that_takes_no_more),
	    TEST(test_second_map_is_asked_for_what_the_first_has_not),
	    TEST(test_other_maps_know_nothing),
	    TEST(test_same_maps_go_on),
	    TEST(test_wrong_maps_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
