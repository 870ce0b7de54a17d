/*
 * Values in a PowerShell script (agent/ctl/base/powershell.c): what they
 * become, and what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/ctl/base/powershell.h"

static const struct {
	const char *text, *wanted; /* NULL: refused */
} cases[] = {
    {"", "''"},
    {"Scanner", "'Scanner'"},
    {"$(rm -r /) `n \"x\"; #", "'$(rm -r /) `n \"x\"; #'"},
    {"o'neil", "'o''neil'"},
    {"'; Remove-Item *; '", "'''; Remove-Item *; '''"},
    /* PowerShell takes these for single quotes */
    {"a\u2018b\u201b", "'a' + [char]0x2018 + 'b' + [char]0x201b + ''"},
    /* and the second byte of this one, where it reads it as Windows-1252 */
    {"\u00d2; x", "'' + [char]0x00d2 + '; x'"},
    {"K\u00f6ln \U0001f600",
	"'K' + [char]0x00f6 + 'ln ' + [char]0xd83d + [char]0xde00 + ''"},
    {"a\nb", NULL},
    {"a\rb", NULL},
    {"a\x1b[2J", NULL},
    {"a\x7f", NULL},
    {"a\xc2\x85", NULL},
    {"a\u2028", NULL},
    {"a\xff", NULL},
    {"a\xe2\x80", NULL},
};

static void
test_cases(void **state)
{
	struct buf out;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_init(&out, 256);
		buf_add_string(&out, "$a = ");
		assert_int_equal(powershell_string(&out, cases[i].text),
		    cases[i].wanted == NULL ? -1 : 0);
		assert_string_equal(out.bytes + strlen("$a = "),
		    cases[i].wanted == NULL ? "" : cases[i].wanted);
		buf_free(&out);
	}
}

static void
test_no_room(void **state)
{
	struct buf out;
	size_t room;

	(void)state;
	for (room = 0; room < sizeof("'a''b'") - 1; room++) {
		buf_init(&out, room);
		assert_int_equal(powershell_string(&out, "a'b"), -1);
		assert_int_equal(out.len, 0);
		buf_free(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cases),
	    cmocka_unit_test(test_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
