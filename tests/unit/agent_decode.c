/*
 * What body parts hold (agent/pipe/codec/decode.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/pipe/codec/decode.h"

static const struct {
	enum mime_encoding encoding;
	const char *in, *out;
} codes[] = {
    {MIME_7BIT, "a=3Db YQ==\r\n", "a=3Db YQ==\r\n"},

    {MIME_BASE64, "", ""},
    {MIME_BASE64, "YQ==", "a"},
    {MIME_BASE64, "YWI=", "ab"},
    {MIME_BASE64, "YWJj", "abc"},
    {MIME_BASE64, "YW\r\nJj\r\n", "abc"},
    {MIME_BASE64, "Y!W-J_j ", "abc"},
    {MIME_BASE64, "YQ", "a"},
    {MIME_BASE64, "YWI", "ab"},
    {MIME_BASE64, "YWJjZ", "abc"},
    {MIME_BASE64, "YQ==YWJj", "aabc"},
    {MIME_BASE64, "YWJj====YQ==", "abca"},
    {MIME_BASE64, "+/+/", "\373\377\277"},

    {MIME_QUOTED_PRINTABLE, "", ""},
    {MIME_QUOTED_PRINTABLE, "a=3Db=3d", "a=b="},
    {MIME_QUOTED_PRINTABLE, "=C3=BC", "\303\274"},
    {MIME_QUOTED_PRINTABLE, "a=\r\nb\r\n", "ab\r\n"},
    {MIME_QUOTED_PRINTABLE, "a=\nb\n", "ab\n"},
    {MIME_QUOTED_PRINTABLE, "a= \t\r\nb", "ab"},
    {MIME_QUOTED_PRINTABLE, "a \t\r\nb  \nc ", "a\r\nb\nc"},
    {MIME_QUOTED_PRINTABLE, "a \t b\r\n", "a \t b\r\n"},
    {MIME_QUOTED_PRINTABLE, "a=20\r\n", "a \r\n"},
    {MIME_QUOTED_PRINTABLE, "a \rb \r\r\n", "a \rb \r\r\n"},
    {MIME_QUOTED_PRINTABLE, "==41=4=G1=", "=A=4=G1"},
    {MIME_QUOTED_PRINTABLE, "=4", "=4"},
    {MIME_QUOTED_PRINTABLE, "= x", "= x"},
    {MIME_QUOTED_PRINTABLE, "=4\r\nx", "=4\r\nx"},
};

static void
check_code(size_t row, size_t step)
{
	const char *in = codes[row].in;
	size_t left = strlen(in), n, used = 0;
	char out[256 + DECODE_HELD_MAX];
	struct decode d;

	decode_init(&d, codes[row].encoding);
	for (; left > 0; left -= n, in += n) {
		n = left < step ? left : step;
		used += decode_update(&d, in, n, out + used);
	}
	used += decode_end(&d, out + used);
	out[used] = '\0';
	if (used != strlen(codes[row].out) ||
	    memcmp(out, codes[row].out, used) != 0)
		fail_msg("\"%s\" by %zu: \"%s\"", codes[row].in, step, out);
}

static void
test_codes(void **state)
{
	size_t i, step;

	(void)state;
	for (i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		for (step = 1; step < 5; step++)
			check_code(i, step);
}

/* Blanks without end cost no memory. */
static void
test_long_blanks(void **state)
{
	char in[1000], out[1000 + DECODE_HELD_MAX];
	struct decode d;
	size_t n;

	(void)state;
	memset(in, ' ', sizeof(in));
	in[999] = 'x';
	decode_init(&d, MIME_QUOTED_PRINTABLE);
	n = decode_update(&d, in, sizeof(in), out);
	assert_int_equal(n, sizeof(in));
	assert_memory_equal(in, out, n);
	assert_int_equal(decode_end(&d, out), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_codes),
	    cmocka_unit_test(test_long_blanks),
	};

	return cmocka_run_group_tests_name("agent_decode", tests, NULL, NULL);
}
