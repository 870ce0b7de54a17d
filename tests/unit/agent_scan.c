/*
 * What agent/pipe/codec/scan.c finds. Each row is looked at in one piece and in
 * pieces of every size.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/pipe/codec/scan.h"

#define BYTES(s) s, sizeof(s) - 1
#define NOTHING 0
#define EIGHT 1
#define ENDS 2
#define LONG 4
#define NUL 8

static int
found(const struct scan *s)
{
	return s->eight_bit * EIGHT + s->line_end * ENDS + s->long_line * LONG +
	    s->nul * NUL;
}

static int
look(const char *bytes, size_t len, size_t piece)
{
	struct scan s = {0};
	size_t n;

	for (; len > 0; bytes += n, len -= n) {
		n = len < piece ? len : piece;
		scan_update(&s, bytes, n);
	}
	scan_end(&s);
	assert_int_equal(scan_found(&s), found(&s) != 0);
	return found(&s);
}

static const struct {
	const char *bytes;
	size_t len;
	int want;
} rows[] = {
    {BYTES(""), NOTHING},
    {BYTES("a"), NOTHING},
    {BYTES("\r\n"), NOTHING},
    {BYTES("one\r\ntwo\r\n\r\nthree\x7F\x01"), NOTHING},
    {BYTES("\n"), ENDS},
    {BYTES("\r"), ENDS},
    {BYTES("\r\r\n"), ENDS},
    {BYTES("\r\n\n"), ENDS},
    {BYTES("0123456789abcdef0123456789abcdef\n0123456789"), ENDS},
    {BYTES("0123456789abcdef0123456789abcde\r0123456789"), ENDS},
    {BYTES("0123456789abcde\r\n"), NOTHING},
    {BYTES("0123456789abcdef0123456789abcdef\r"), ENDS},
    {BYTES("\xFF"), EIGHT},
    {BYTES("0123456789abcdef0123456789\x80"
	   "bcdef01234"),
	EIGHT},
    {BYTES("0123456789abcdef0123456789abcdef\xC3"), EIGHT},
    {BYTES("\0"), NUL},
    {BYTES("0123456789abcdef0123456789\0bcdef01234"), NUL},
    {BYTES("0123456789abcdef0123456789abcdef\0"), NUL},
    {BYTES("a\nb\r\0\xFF"), EIGHT | ENDS | NUL},
};

static void
test_rows(void **state)
{
	size_t i, piece;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (piece = 1; piece <= rows[i].len + 1; piece++)
			assert_int_equal(
			    look(rows[i].bytes, rows[i].len, piece),
			    rows[i].want);
}

/* A line of so many bytes after some that are short. */
static int
look_line(size_t before, size_t len, const char *end, size_t piece)
{
	char *bytes = malloc(before + len + 3);
	size_t i;
	int result;

	assert_non_null(bytes);
	for (i = 0; i + 1 < before; i += 2)
		memcpy(bytes + i, "\r\n", 2);
	memset(bytes + i, 'x', len);
	strcpy(bytes + i + len, end);
	result = look(bytes, i + len + strlen(end), piece);
	free(bytes);
	return result;
}

static void
test_long_lines(void **state)
{
	static const size_t pieces[] = {1, 7, 999, 1000, 1001, 65536};
	size_t i, before;

	(void)state;
	for (i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
		for (before = 0; before < 40; before += 2) {
			assert_int_equal(
			    look_line(before, 998, "\r\n", pieces[i]), NOTHING);
			assert_int_equal(
			    look_line(before, 999, "\r\n", pieces[i]), LONG);
			assert_int_equal(
			    look_line(before, 998, "", pieces[i]), NOTHING);
			assert_int_equal(
			    look_line(before, 999, "", pieces[i]), LONG);
			assert_int_equal(
			    look_line(before, 998, "\n", pieces[i]), ENDS);
			assert_int_equal(
			    look_line(before, 999, "\n", pieces[i]),
			    ENDS | LONG);
			assert_int_equal(
			    look_line(before, 5000, "\r\n", pieces[i]), LONG);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_long_lines),
	};

	return cmocka_run_group_tests_name("agent_scan", tests, NULL, NULL);
}
