/*
 * The recipients of the envelope (agent/pipe/header/recipients.c): which can be
 * written, and who is in which call.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent_pass.h"
#include "lib/mail/recipient_unfit.h"

static void
test_unwritable(void **state)
{
	static const struct {
		const char *address, *dsn;
	} rows[] = {
	    {"", "5.1.3"},
	    {"root", "5.1.3"},
	    {"a@x,b@x", "5.1.3"},
	    {"a@x\r\nTo: b@x", "5.1.3"},
	    {"<a@x>", "5.1.3"},
	    {"g: a@x;", "5.1.3"},
	    {"a b@x", "5.1.3"},
	    {"\"a\r\nTo: b@x", "5.1.3"},
	    {"a@[x@y]", "5.1.3"},
	    {"\"\"@x", "5.1.3"},
	    {"\"a\001b\"@x", "5.1.3"},
	    {"\303\274@x", "5.6.7"},
	    {"\"\303\274 a\"@x", "5.6.7"},
	    {"\374@x", "5.6.7"},
	};
	struct recipients rs;
	struct error err;
	const char *dsn;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *to[2] = {(char *)"a@x", (char *)rows[i].address};
		struct span address =
		    span_between(to[1], to[1] + strlen(to[1]));

		assert_non_null(recipient_unfit(address, &dsn));
		assert_string_equal(dsn, rows[i].dsn);
		assert_int_equal(recipients_init(&rs, to, NULL, 2, &err), 0);
		assert_true(recipient_is_chosen(&rs, &rs.list[0]));
		assert_false(recipient_is_chosen(&rs, &rs.list[1]));
		recipients_choose(&rs, 0, 2);
		assert_false(recipient_is_chosen(&rs, &rs.list[1]));
		assert_string_equal(rs.list[1].key, to[1]);
		assert_int_equal(recipients_hidden(&rs), 1);
		recipients_free(&rs);
	}
}

/* Writes who is in the calls of so many recipients, as "a b | c". */
static void
calls(char *const *to, size_t count, size_t size, struct buf *out)
{
	struct recipients rs;
	struct error err;
	size_t rank = 0, i;

	assert_int_equal(recipients_init(&rs, to, NULL, count, &err), 0);
	for (; rank < rs.sorted_count; rank += recipients_chosen(&rs)) {
		recipients_choose(&rs, rank, size);
		if (rank > 0)
			buf_add_string(out, "| ");
		for (i = 0; i < rs.sorted_count; i++)
			if (recipient_is_chosen(&rs, rs.sorted[i]))
				buf_printf(out, "%.1s ", rs.sorted[i]->key);
	}
	recipients_free(&rs);
}

/* However Postfix names them, and whatever it names twice. */
static void
test_calls(void **state)
{
	static char *lists[][5] = {
	    {(char *)"a@x", (char *)"b@x", (char *)"c@x", (char *)"d@x",
		(char *)"e@x"},
	    {(char *)"E@x", (char *)"d@X", (char *)"a@x", (char *)"C@x",
		(char *)"b@x"},
	    {(char *)"c@x", (char *)"a@x", (char *)"C@x", (char *)"b@x",
		(char *)"B@x"},
	};
	static const struct {
		size_t list, size;
		const char *want;
	} rows[] = {
	    {0, 5, "a b c d e "},
	    {0, 9, "a b c d e "},
	    {0, 2, "a b | c d | e "},
	    {1, 2, "a b | c d | e "},
	    {1, 1, "a | b | c | d | e "},
	    {2, 2, "a b | c "},
	    {2, 3, "a b c "},
	};
	struct buf out;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_init(&out, 1024);
		calls(lists[rows[i].list], 5, rows[i].size, &out);
		assert_string_equal(out.bytes, rows[i].want);
		buf_free(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_unwritable),
	    cmocka_unit_test(test_calls),
	};

	return cmocka_run_group_tests_name(
	    "agent_recipients", tests, NULL, NULL);
}
