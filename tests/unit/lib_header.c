/*
 * The reader of header fields (lib/mail/header.c). A row is an input and what
 * is read from it: "name=value", a '+' before it where the value is folded,
 * each ended by '|'; then how the header ended and what is left for the body.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "lib/base/buf.h"
#include "lib/mail/header.h"

static const char *const ends[] = {
    [HEADER_OPEN] = "open",
    [HEADER_EMPTY_LINE] = "empty",
    [HEADER_INPUT_END] = "end",
    [HEADER_BAD_LINE] = "bad",
};

static const struct {
	const char *input, *fields, *rest;
} rows[] = {
    /* sound messages, with either line end */
    {"To: a\r\n\r\nbody", "To= a|", "empty:body"},
    {"To: a\n\nbody", "To= a|", "empty:body"},
    {"To: a\r\nCc:b\r\n\r\n", "To= a|Cc=b|", "empty:"},
    {"To: a\r\n\nbody", "To= a|", "empty:body"},
    {"X:\r\n\r\n", "X=|", "empty:"},
    {"X: a:b\r\n\r\n", "X= a:b|", "empty:"},
    {"X: a \r\n\r\n", "X= a |", "empty:"},
    /* folding; the last line end is no part of the value */
    {"To: a,\r\n b\r\n\r\n", "+To= a,\r\n b|", "empty:"},
    {"To: a,\n\tb\nX: y\n\n", "+To= a,\n\tb|X= y|", "empty:"},
    {"To:\r\n a\r\n\r\n", "+To=\r\n a|", "empty:"},
    {"To: a\r\n \r\nX: y\r\n\r\n", "+To= a\r\n |X= y|", "empty:"},
    {"To: a\r\n b\r\n c", "+To= a\r\n b\r\n c|", "end:"},
    /* names */
    {"To : a\r\n\r\n", "To= a|", "empty:"},
    {"To\t :a\r\n\r\n", "To=a|", "empty:"},
    {"X-!#$~: a\n\n", "X-!#$~= a|", "empty:"},
    {"a:b:c\n\n", "a=b:c|", "empty:"},
    /* no body, or cut off */
    {"", "", "end:"},
    {"\r\n", "", "empty:"},
    {"\n\nx", "", "empty:\nx"},
    {"To: a", "To= a|", "end:"},
    {"To: a\r\n", "To= a|", "end:"},
    {"To: a\r", "To= a\r|", "end:"},
    {"To: a\r\n\r", "To= a|", "bad:\r"},
    {"To:", "To=|", "end:"},
    /* lines that are no field start the body */
    {"To: a\r\nbody\r\nX: y\r\n", "To= a|", "bad:body\r\nX: y\r\n"},
    {"To", "", "bad:To"},
    {" To: a\r\n", "", "bad: To: a\r\n"},
    {": a\r\n\r\n", "", "bad:: a\r\n\r\n"},
    {"To a: b\r\n\r\n", "", "bad:To a: b\r\n\r\n"},
    {"T\303\266: b\n\n", "", "bad:T\303\266: b\n\n"},
    {"From me Mon Jan  1\r\nTo: a\r\n", "",
	"bad:From me Mon Jan  1\r\nTo: a\r\n"},
    /* a CR alone is an ordinary byte */
    {"X: a\rY: b\r\n\r\n", "X= a\rY: b|", "empty:"},
    {"X: a\r\r\n\r\n", "X= a\r|", "empty:"},
};

static void
dump(struct buf *out, const char *input, size_t len)
{
	struct header_reader r;
	struct header_field f;
	const char *next = input;

	header_init(&r, input, len);
	while (header_next(&r, &f)) {
		assert_ptr_equal(f.whole.p, next);
		next = span_end(f.whole);
		if (f.folded)
			buf_add(out, "+", 1);
		buf_add(out, f.name.p, f.name.len);
		buf_add(out, "=", 1);
		buf_add(out, f.value.p, f.value.len);
		buf_add(out, "|", 1);
	}
	assert_ptr_equal(r.fields.p, input);
	assert_ptr_equal(span_end(r.fields), next);
	assert_ptr_equal(span_end(r.body), input + len);
	assert_int_equal(header_next(&r, &f), 0);
	buf_printf(out, "%s:", ends[r.end]);
	buf_add(out, r.body.p, r.body.len);
}

static void
test_rows(void **state)
{
	char want[256];
	struct buf got;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_init(&got, 1024);
		dump(&got, rows[i].input, strlen(rows[i].input));
		snprintf(
		    want, sizeof(want), "%s%s", rows[i].fields, rows[i].rest);
		assert_string_equal(got.bytes, want);
		buf_free(&got);
	}
}

static void
test_nul(void **state)
{
	static const char input[] = "X: a\0b\n\nc\0d";
	struct header_reader r;
	struct header_field f;

	(void)state;
	header_init(&r, input, sizeof(input) - 1);
	assert_int_equal(header_next(&r, &f), 1);
	assert_int_equal(f.value.len, 4);
	assert_memory_equal(f.value.p, " a\0b", 4);
	assert_int_equal(header_next(&r, &f), 0);
	assert_int_equal(r.body.len, 3);
}

static void
test_names(void **state)
{
	static const struct {
		const char *name;
		int valid;
	} names[] = {{"To", 1}, {"X-~!", 1}, {"", 0}, {"a b", 0}, {"a:", 0},
	    {"a\t", 0}, {"\303\266", 0}, {"a\177", 0}};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(header_name_valid(span_between(names[i].name,
				     names[i].name + strlen(names[i].name))),
		    names[i].valid);
}

/*
 * Time grows with the input and not with its square: shapes that tempt a
 * reader to look again, at 5 MB, where a quadratic one would need hours.
 */
static void
test_large(void **state)
{
	static const char *const shapes[] = {
	    "X:\r\n", "X: a\r\n b\r\n", "a", " \r\n", "X ", "\r", "X:a\r"};
	size_t i, n, len, size = 5 * 1024 * 1024;
	struct header_reader r;
	struct header_field f;
	char *input = malloc(size);
	clock_t started = clock();

	(void)state;
	assert_non_null(input);
	for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		len = strlen(shapes[i]);
		for (n = 0; n < size; n++)
			input[n] = shapes[i][n % len];
		header_init(&r, input, size);
		for (n = 0; header_next(&r, &f); n++)
			continue;
		assert_true(r.end != HEADER_OPEN);
	}
	assert_true(clock() - started < 20 * CLOCKS_PER_SEC);
	free(input);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_nul),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests_name("lib_header", tests, NULL, NULL);
}
