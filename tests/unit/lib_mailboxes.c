/*
 * Whom fields of one name name together (lib/mailboxes.c). A row is their
 * values, and what was read: elements, mailboxes, the first one's key, and
 * whether m@x is among them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/mail/mailboxes.h"

static const struct {
	const char *values[3];
	unsigned int elements, count;
	const char *key;
	int has_own;
} rows[] = {
    {{""}, 0, 0, "", 0},
    {{" (nobody) "}, 0, 0, "", 0},
    {{"Scanner"}, 1, 0, "", 0},
    {{"A <A@X>"}, 1, 1, "a@x", 0},
    {{"m@x"}, 1, 1, "m@x", 1},
    {{"a@x, \"A\"@X."}, 2, 1, "a@x", 0},
    {{"a@x, b@x, M <M@x>"}, 2, 2, "a@x", 1},
    {{"a@x", "b@x"}, 2, 2, "a@x", 0},
    {{"", "a@x"}, 1, 1, "a@x", 0},
    {{"Office: a@x, m@x;"}, 2, 2, "a@x", 1},
    {{"Office:;"}, 2, 0, "", 0},
    {{"Doe, John <j@x>"}, 2, 1, "j@x", 0},
    {{"\"\001\"@x"}, 1, 0, "", 0},
    {{"\"\001\"@x, a@x"}, 2, 1, "a@x", 0},
    {{"a@x, \"\001\"@x"}, 2, 1, "a@x", 0},
    {{"\"\177\"@x", "m@x"}, 2, 1, "m@x", 1},
};

static struct span
whole(const char *text)
{
	return span_between(text, text + strlen(text));
}

static void
test_rows(void **state)
{
	struct mailboxes m;
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(&m, 0, sizeof(m));
		m.own = "m@x";
		for (k = 0; k < 3 && rows[i].values[k] != NULL; k++)
			mailboxes_read(&m, whole(rows[i].values[k]));
		print_message("row %zu\n", i);
		assert_int_equal(m.elements, rows[i].elements);
		assert_int_equal(m.count, rows[i].count);
		assert_string_equal(m.key, rows[i].key);
		assert_int_equal(m.has_own, rows[i].has_own);
		if (m.count > 0)
			assert_true(address_equal(m.first.spec, whole(m.key)));
		if (m.has_own)
			assert_true(address_equal(m.found.spec, whole(m.own)));
	}
}

/* Up to the longest key an address counts, and beyond it names nobody. */
static void
test_long(void **state)
{
	char text[2 * ADDRESS_KEY_SIZE];
	struct mailboxes m;
	size_t n;

	(void)state;
	for (n = ADDRESS_KEY_SIZE - 10; n < ADDRESS_KEY_SIZE + 10; n++) {
		memset(&m, 0, sizeof(m));
		memset(text, 'x', n);
		strcpy(text + n - 2, "@y");
		mailboxes_read(&m, whole(text));
		assert_int_equal(m.elements, 1);
		assert_int_equal(m.count, n < ADDRESS_KEY_SIZE);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests_name("lib_mailboxes", tests, NULL, NULL);
}
