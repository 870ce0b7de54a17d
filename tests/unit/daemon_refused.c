/*
 * Which recipients Graph's words name (agent/daemon/graph/graph_refused.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "agent/daemon/graph/graph_refused.h"

static struct request_recipient each[] = {
    {.address = (char *)"a@x.example"},
    {.address = (char *)"b.a@x.example"},
    {.address = (char *)"o'a@x.example"},
    {.address = (char *)"a@x.example.org"},
    {.address = (char *)"a@x.example"},
};

#define COUNT (sizeof(each) / sizeof(*each))

static const struct {
	const char *body; /* of {"error":{"message":"..."}} */
	const char *named; /* a digit each */
} rows[] = {
    {"Recipient 'a@x.example' isn't resolved. All must be.", "10001"},
    {"Recipient \\u0027A@X.Example\\u0027 isn't resolved.", "10001"},
    {"'b.a@x.example'", "01000"},
    {"o'a@x.example", "00100"},
    {"'o'a@x.example'", "00100"},
    {"to a@x.example.org.", "00010"},
    {"to a@x.example.", "10001"},
    {"to a@x.example. Next", "10001"},
    {"SMTP:a@x.example;SMTP:b.a@x.example", "11001"},
    {"<a@x.example>, \\\"a@x.example.org\\\"", "10011"},
    {"a@x.example", "10001"},
    /* somebody else */
    {"xa@x.example", "00000"},
    {"x'a@x.example'", "00000"},
    {"a@x.example.net", "00000"},
    {"a@x.example-b", "00000"},
    {"a@x.example@y", "00000"},
    {"a@x.example'b", "00000"},
    {"\\u00fca@x.example", "00000"},
    {"At least one recipient is not valid.", "00000"},
    {"", "00000"},
};

static void
read_named(const char *body, char named[COUNT + 1])
{
	struct http_answer answer = {.status = 400};
	unsigned char found[COUNT] = {0};
	size_t i;

	answer.body = (char *)body;
	answer.body_len = strlen(body);
	graph_read_refused(&answer, each, COUNT, found);
	for (i = 0; i < COUNT; i++)
		named[i] = (char)('0' + found[i]);
	named[COUNT] = '\0';
}

static void
test_rows(void **state)
{
	char body[512], named[COUNT + 1];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		print_message("%s\n", rows[i].body);
		snprintf(body, sizeof(body), "{\"error\":{\"message\":\"%s\"}}",
		    rows[i].body);
		read_named(body, named);
		assert_string_equal(named, rows[i].named);
	}
}

static void
test_no_message(void **state)
{
	char named[COUNT + 1];

	(void)state;
	read_named("", named);
	assert_string_equal(named, "00000");
	read_named("<html>a@x.example</html>", named);
	assert_string_equal(named, "00000");
	read_named("{\"error\":\"a@x.example\"}", named);
	assert_string_equal(named, "00000");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_no_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
