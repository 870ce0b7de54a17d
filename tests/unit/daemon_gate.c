/*
 * How many requests are under way at once (agent/daemon/throttle/gate.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent/daemon/throttle/gate.h"

#define SLOTS 26

static struct event_base *base;
static struct gate *gate;
static struct slot *slots[SLOTS];
static char opened[SLOTS + 1];
static char names[SLOTS];
static unsigned int limit; /* of each key */

static int
begin(void **state)
{
	size_t i;

	(void)state;
	memset(slots, 0, sizeof(slots));
	memset(opened, 0, sizeof(opened));
	for (i = 0; i < SLOTS; i++)
		names[i] = (char)('a' + i);
	limit = 2;
	base = event_base_new();
	gate = gate_new(base, 6);
	return gate == NULL ? -1 : 0;
}

static int
end(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < SLOTS; i++)
		gate_leave(&slots[i]);
	gate_free(&gate);
	event_base_free(base);
	return 0;
}

static void
on_open(void *ctx)
{
	opened[strlen(opened)] = *(char *)ctx;
}

/* A letter is a slot; a capital leaves. Returns who was let in by that. */
static const char *
go(const char *letters, const char *key)
{
	opened[0] = '\0';
	memset(opened, 0, sizeof(opened));
	for (; *letters != '\0'; letters++) {
		if (*letters < 'a')
			gate_leave(&slots[*letters - 'A']);
		else
			slots[*letters - 'a'] = gate_enter(
			    gate, key, limit, on_open, &names[*letters - 'a']);
		/* never from inside */
		assert_string_equal(opened, "");
	}
	event_base_loop(base, EVLOOP_NONBLOCK);
	return opened;
}

static void
test_limit_of_a_key(void **state)
{
	(void)state;
	assert_string_equal(go("abcd", "one"), "ab");
	assert_string_equal(go("ef", "two"), "ef");
	assert_string_equal(go("A", ""), "c");
	assert_string_equal(go("D", ""), ""); /* it only waited */
	assert_string_equal(go("BC", ""), "");
	assert_string_equal(go("g", "one"), "g");
}

/* The setting may have become another since. */
static void
test_new_limit(void **state)
{
	(void)state;
	assert_string_equal(go("abcd", "one"), "ab");
	limit = 3;
	assert_string_equal(go("e", "one"), "c");
	limit = 1;
	assert_string_equal(go("f", "one"), "");
	assert_string_equal(go("AB", ""), "");
	assert_string_equal(go("C", ""), "d");
}

static void
test_limit_of_all_and_turns(void **state)
{
	(void)state;
	go("ab", "one");
	go("cd", "two");
	assert_string_equal(go("ef", "three"), "ef");
	assert_string_equal(go("ghi", "four"), "");
	assert_string_equal(go("jkl", "five"), "");
	/* keys take turns */
	assert_string_equal(go("AB", ""), "gj");
	assert_string_equal(go("CD", ""), "hk");
	assert_string_equal(go("G", ""), "i");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	    TEST(test_limit_of_a_key),
	    TEST(test_new_limit),
	    TEST(test_limit_of_all_and_turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
