/*
 * Which application sent as a mailbox (agent/daemon/store/sender.c), and how
 * many notices went to it (agent/daemon/services/bounce_count.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/daemon/services/bounce_count.h"
#include "agent/daemon/store/sender.h"
#include "daemon_fake.h"

static int
begin(void **state)
{
	(void)state;
	return fake_begin();
}

static int
end(void **state)
{
	(void)state;
	bounce_counts_clear(&d.bounce_counts);
	return fake_end();
}

/* Returns the number of the application, -1 when the mailbox has not sent. */
static int
find(const char *mailbox)
{
	struct identity id;
	int i, found = sender_find(st, mailbox, &id, NULL);

	assert_int_not_equal(found, -1);
	for (i = 0; found == 1 && i < 3; i++)
		if (strcmp(id.client, apps[i].client) == 0)
			return i;
	return -1;
}

static void
test_last_sender(void **state)
{
	(void)state;
	assert_int_equal(find("a@x"), -1);
	assert_int_equal(sender_note(st, "a@x", &apps[0], NULL), 0);
	assert_int_equal(sender_note(st, "b@x", &apps[1], NULL), 0);
	assert_int_equal(find("a@x"), 0);
	assert_int_equal(find("b@x"), 1);
	assert_int_equal(sender_note(st, "a@x", &apps[2], NULL), 0);
	assert_int_equal(find("a@x"), 2);
}

static void
test_silent_sender_is_forgotten(void **state)
{
	(void)state;
	sender_note(st, "a@x", &apps[0], NULL);
	sender_note(st, "b@x", &apps[0], NULL);
	pass(2 * 86400 * 1000LL);
	sender_note(st, "b@x", &apps[0], NULL);
	assert_int_equal(sender_expire(st, clock_wall() - 86400, NULL), 0);
	assert_int_equal(find("a@x"), -1);
	assert_int_equal(find("b@x"), 0);
}

/* Who has only tried takes nobody's place, and goes when Graph says no. */
static void
test_expected_sender(void **state)
{
	(void)state;
	sender_note(st, "a@x", &apps[0], NULL);
	assert_int_equal(sender_expect(st, "a@x", &apps[1], NULL), 0);
	assert_int_equal(find("a@x"), 0);
	assert_int_equal(sender_expect_not(st, "a@x", NULL), 0);
	assert_int_equal(find("a@x"), 0);

	assert_int_equal(sender_expect(st, "b@x", &apps[1], NULL), 0);
	assert_int_equal(sender_expect(st, "b@x", &apps[2], NULL), 0);
	assert_int_equal(find("b@x"), 1);
	assert_int_equal(sender_expect_not(st, "b@x", NULL), 0);
	assert_int_equal(find("b@x"), -1);
	assert_int_equal(sender_expect_not(st, "b@x", NULL), 0);

	sender_expect(st, "b@x", &apps[1], NULL);
	assert_int_equal(sender_expire(st, clock_wall() - 60, NULL), 0);
	assert_int_equal(find("b@x"), 1);
	sender_note(st, "b@x", &apps[1], NULL);
	assert_int_equal(sender_expect_not(st, "b@x", NULL), 0);
	assert_int_equal(find("b@x"), 1);

	sender_expect(st, "c@x", &apps[2], NULL);
	pass(120 * 1000);
	assert_int_equal(sender_expire(st, clock_wall() - 60, NULL), 0);
	assert_int_equal(find("c@x"), -1);
}

static void
test_notices_are_counted_by_the_hour(void **state)
{
	int i;

	(void)state;
	for (i = 1; i <= 5; i++)
		assert_int_equal(bounce_count_add(&d.bounce_counts, "a@x"), i);
	assert_int_equal(bounce_count_add(&d.bounce_counts, "b@x"), 1);
	pass(BOUNCE_COUNT_MS - 1000);
	assert_int_equal(bounce_count_add(&d.bounce_counts, "a@x"), 6);
	pass(1000);
	bounce_counts_forget(&d.bounce_counts);
	assert_true(LIST_EMPTY(&d.bounce_counts));
	assert_int_equal(bounce_count_add(&d.bounce_counts, "a@x"), 1);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	    TEST(test_last_sender),
	    TEST(test_silent_sender_is_forgotten),
	    TEST(test_expected_sender),
	    TEST(test_notices_are_counted_by_the_hour),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
