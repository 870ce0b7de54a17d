/*
 * What MAIL FROM announces (milter/size.c): a row is its parameters and whether
 * 1,000 bytes are enough.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "milter/size.h"

static const struct {
	const char *parameters[4];
	int taken;
} rows[] = {
    {{NULL}, 1},
    {{"BODY=8BITMIME", "SMTPUTF8", NULL}, 1},
    {{"SIZE=0", NULL}, 1},
    {{"SIZE=1000", NULL}, 1},
    {{"SIZE=1001", NULL}, 0},
    {{"size=1001", NULL}, 0},
    {{"BODY=8BITMIME", "Size=2000", "RET=HDRS", NULL}, 0},
    {{"SIZE=9223372036854775808", NULL}, 0},
    {{"SIZE=99999999999999999999", NULL}, 0},
    {{"SIZE=", NULL}, 1},
    {{"RESIZE=2000", NULL}, 1},
    {{"ENVID=SIZE=2000", NULL}, 1},
};

static void
test_sizes(void **state)
{
	const char *argv[6] = {"<SIZE=5000@example.com>"};
	struct error err;
	size_t i, j;
	int result;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		for (j = 0; j < 4; j++)
			argv[j + 1] = rows[i].parameters[j];
		result = size_check((char *const *)argv, 1000, &err);
		if (result != (rows[i].taken ? 0 : -1))
			fail_msg("row %zu: %d", i, result);
		if (result == 0)
			continue;
		assert_int_equal(err.class, ERROR_PERMANENT);
		assert_string_equal(err.dsn, "5.3.4");
		assert_string_equal(err.text,
		    "the message is larger than 1000 bytes, which is the most "
		    "that this service accepts");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_sizes)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
