/*
 * Growing buffers (lib/base/buf.c): the ceiling, the terminator, what a failed
 * append leaves behind, and that no copy of what was held stays in memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/buf.h"

static void
assert_holds(const struct buf *buf, const char *bytes, size_t len)
{
	assert_int_equal(buf->len, len);
	assert_true(buf->len < buf->size);
	assert_true(buf->len <= buf->limit);
	assert_memory_equal(buf->bytes, bytes, len);
	assert_int_equal(buf->bytes[len], '\0');
}

static void
test_empty(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 10);
	assert_null(buf.bytes);
	assert_int_equal(buf.len, 0);
	assert_int_equal(buf.failed, 0);
	buf_drop(&buf, 0);
	buf_free(&buf);
	buf_wipe(&buf);
	assert_null(buf.bytes);
	/* an append of nothing still gives a terminated string */
	assert_int_equal(buf_add(&buf, NULL, 0), 0);
	assert_holds(&buf, "", 0);
	buf_free(&buf);
}

static void
test_append(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 100);
	assert_int_equal(buf_add(&buf, "a\0b", 3), 0);
	assert_holds(&buf, "a\0b", 3);
	assert_int_equal(buf_add_string(&buf, "cd"), 0);
	assert_holds(&buf, "a\0bcd", 5);
	assert_int_equal(buf_printf(&buf, "%s=%d;", "x", 42), 0);
	assert_holds(&buf, "a\0bcdx=42;", 10);
	assert_int_equal(buf_printf(&buf, "%s", ""), 0);
	assert_holds(&buf, "a\0bcdx=42;", 10);
	assert_int_equal(buf.failed, 0);
	buf_free(&buf);
	/* the ceiling stays, and the buffer can be used again */
	assert_int_equal(buf.limit, 100);
	assert_int_equal(buf_add_string(&buf, "again"), 0);
	assert_holds(&buf, "again", 5);
	buf_free(&buf);
}

struct limit_case {
	size_t limit, first, second;
	int first_result, second_result;
	size_t len; /* in the end */
};

static const struct limit_case limit_cases[] = {
    {0, 0, 1, 0, -1, 0},
    {1, 1, 0, 0, 0, 1},
    {1, 1, 1, 0, -1, 1},
    {10, 10, 0, 0, 0, 10},
    {10, 11, 10, -1, 0, 10},
    {10, 4, 6, 0, 0, 10},
    {10, 4, 7, 0, -1, 4},
    {10, 4, SIZE_MAX, 0, -1, 4},
    {10, SIZE_MAX, 0, -1, 0, 0},
    {10, 4, SIZE_MAX - 3, 0, -1, 4},
    /* around the first allocation and its doubling */
    {1000, 255, 1, 0, 0, 256},
    {1000, 256, 256, 0, 0, 512},
    {1000, 511, 489, 0, 0, 1000},
    {1000, 511, 490, 0, -1, 511},
};

static void
test_limits(void **state)
{
	static const char bytes[1024];
	const struct limit_case *t;
	struct buf buf;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(limit_cases) / sizeof(*limit_cases); i++) {
		t = &limit_cases[i];
		print_message("case %zu\n", i);
		buf_init(&buf, t->limit);
		assert_int_equal(
		    buf_add(&buf, bytes, t->first), t->first_result);
		assert_int_equal(
		    buf_add(&buf, bytes, t->second), t->second_result);
		assert_int_equal(buf.len, t->len);
		assert_int_equal(buf.failed,
		    t->first_result == -1 || t->second_result == -1
			? BUF_OVER_LIMIT
			: 0);
		if (buf.bytes != NULL)
			assert_holds(&buf, bytes, t->len);
		buf_free(&buf);
		assert_int_equal(buf.failed, 0);
	}
}

/* A run of appends is checked once, at its end. */
static void
test_failed_stays(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 6);
	buf_add_string(&buf, "abc");
	assert_int_equal(buf_printf(&buf, "%d", 1234), -1);
	assert_holds(&buf, "abc", 3);
	assert_int_equal(buf_add_string(&buf, "def"), 0);
	assert_holds(&buf, "abcdef", 6);
	assert_int_equal(buf.failed, BUF_OVER_LIMIT);
	assert_null(buf_reserve(&buf, 1));
	buf_free(&buf);
}

static void
test_reserve(void **state)
{
	struct buf buf;
	char *at;

	(void)state;
	buf_init(&buf, 5000);
	buf_add_string(&buf, "ab");
	at = buf_reserve(&buf, 4000);
	assert_non_null(at);
	assert_ptr_equal(at, buf.bytes + 2);
	assert_int_equal(buf.len, 2);
	/* room for the terminator too: ASan sees a byte too few */
	memset(at, 'x', 4001);
	buf.bytes[2] = '\0';
	assert_int_equal(buf_add(&buf, at, 0), 0);
	assert_holds(&buf, "ab", 2);
	buf_free(&buf);
}

static void
test_drop(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 100);
	buf_add(&buf, "abcdef", 6);
	buf_drop(&buf, 2);
	assert_holds(&buf, "cdef", 4);
	buf_drop(&buf, 0);
	assert_holds(&buf, "cdef", 4);
	buf_add_string(&buf, "gh");
	assert_holds(&buf, "cdefgh", 6);
	buf_drop(&buf, 6);
	assert_holds(&buf, "", 0);
	buf_free(&buf);
}

/* Many sizes, one byte at a time and in lumps: nothing is lost on growth. */
static void
test_growth(void **state)
{
	struct buf buf;
	size_t i, lump;
	char expect;

	(void)state;
	for (lump = 1; lump <= 700; lump = lump * 3 + 1) {
		char bytes[700];

		buf_init(&buf, 70000);
		for (i = 0; i < 70000 / lump; i++) {
			memset(bytes, (int)('a' + i % 26), lump);
			assert_int_equal(buf_add(&buf, bytes, lump), 0);
		}
		for (i = 0; i < buf.len; i++) {
			expect = (char)('a' + i / lump % 26);
			if (buf.bytes[i] != expect)
				fail_msg("lump %zu, byte %zu", lump, i);
		}
		assert_int_equal(buf_add(&buf, bytes, 700), -1);
		buf_wipe(&buf);
		assert_null(buf.bytes);
		assert_int_equal(buf.limit, 70000);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_empty),
	    cmocka_unit_test(test_append),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_failed_stays),
	    cmocka_unit_test(test_reserve),
	    cmocka_unit_test(test_drop),
	    cmocka_unit_test(test_growth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
