/*
 * What fails (lib/base/error.c, hidden.c) and what must not outlive its use
 * (lib/base/secret.c).
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/error.h"
#include "lib/base/hidden.h"
#include "lib/base/secret.h"

/* --- errors --- */

struct text_case {
	const char *said, *kept;
};

static const struct text_case text_cases[] = {
    {"", ""},
    {"plain", "plain"},
    {"two\r\nlines", "two??lines"},
    {"tab\tbell\007esc\033[2Jdel\177", "tab?bell?esc?[2Jdel?"},
    {"\001\037 ~", "?? ~"},
    {"M\303\274ller", "M\303\274ller"},
    {"C1 \302\233 control", "C1 ?? control"},
    {"right \342\200\256to left\342\200\254", "right ???to left???"},
    {"\342\201\246isolated\342\201\251", "???isolated???"},
    {"line\342\200\250end, \342\200\247 dot", "line???end, \342\200\247 dot"},
    {"M\374ller in Latin-1", "M?ller in Latin-1"},
    {"100% %s %n", "100% %s %n"},
};

static void
test_hidden(void **state)
{
	static const struct {
		const char *file;
		int error, is_hidden;
	} rows[] = {
	    {"/home/scan/secret", EACCES, 1},
	    {"/root/secret", EACCES, 1},
	    {"/run/user/0/secret", EACCES, 1},
	    {"/root/secret", ENOENT, 0},
	    {"/etc/msgraph/secret", EACCES, 0},
	    {"/homes/secret", EACCES, 0},
	    {"home/secret", EACCES, 0},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(
		    strncmp(hidden_remedy(rows[i].file, rows[i].error), "; ",
			2) == 0,
		    rows[i].is_hidden);
}

static void
test_texts(void **state)
{
	struct error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(text_cases) / sizeof(*text_cases); i++) {
		memset(&err, 'x', sizeof(err));
		assert_int_equal(error_set(&err, ERROR_REFUSED, "5.7.8", "%s",
				     text_cases[i].said),
		    -1);
		assert_int_equal(err.class, ERROR_REFUSED);
		assert_string_equal(err.dsn, "5.7.8");
		assert_string_equal(err.text, text_cases[i].kept);
	}
}

static void
test_prefix(void **state)
{
	struct error err;

	(void)state;
	error_set(&err, ERROR_OURS, "4.3.5", "no such %s", "thing");
	assert_int_equal(error_prefix(&err, "%s:%d", "file\n", 12), -1);
	assert_string_equal(err.text, "file?:12: no such thing");
	assert_int_equal(error_prefix(&err, "start"), -1);
	assert_string_equal(err.text, "start: file?:12: no such thing");
	assert_int_equal(err.class, ERROR_OURS);
	assert_string_equal(err.dsn, "4.3.5");
}

/* Whoever does not want to know passes NULL. */
static void
test_null(void **state)
{
	(void)state;
	assert_int_equal(error_set(NULL, ERROR_OURS, "4.3.5", "%d", 1), -1);
	assert_int_equal(error_prefix(NULL, "%d", 1), -1);
}

static void
test_bounds(void **state)
{
	struct error err;
	char text[2000];

	(void)state;
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	error_set(&err, ERROR_TEMPORARY, "4.3.0", "%s", text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	/* a long text leaves the prefix, a long prefix leaves no room */
	error_prefix(&err, "prefix");
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_memory_equal(err.text, "prefix: aaa", 11);
	error_prefix(&err, "%s", text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	error_set(&err, ERROR_TEMPORARY, "4.300.30000000", "x");
	assert_int_equal(strlen(err.dsn), sizeof(err.dsn) - 1);
}

/* --- secrets --- */

static void
test_secret_new(void **state)
{
	struct secret *s;

	(void)state;
	s = secret_new("a\0b", 3);
	assert_non_null(s);
	assert_int_equal(s->len, 3);
	assert_memory_equal(s->bytes, "a\0b", 4);
	secret_free(&s);
	assert_null(s);
	secret_free(&s);
	s = secret_new(NULL, 5);
	assert_int_equal(s->len, 5);
	assert_memory_equal(s->bytes, "\0\0\0\0\0", 6);
	secret_free(&s);
	s = secret_new("", 0);
	assert_int_equal(s->len, 0);
	assert_int_equal(s->bytes[0], '\0');
	secret_free(&s);
}

/* A length that no memory can hold is refused, not wrapped around. */
static void
test_secret_too_long(void **state)
{
	size_t less;

	(void)state;
	for (less = 0; less <= sizeof(struct secret); less++)
		assert_null(secret_new(NULL, SIZE_MAX - less));
}

struct equal_case {
	const char *a;
	size_t a_len;
	const char *b;
	size_t b_len;
	int equal;
};

static const struct equal_case equal_cases[] = {
    {"", 0, "", 0, 1},
    {"abc", 3, "abc", 3, 1},
    {"abc", 3, "abd", 3, 0},
    {"abc", 3, "bbc", 3, 0},
    {"abc", 3, "ab", 2, 0},
    {"abc", 3, "", 0, 0},
    {"a\0b", 3, "a\0c", 3, 0},
    {"a\0b", 3, "a\0b", 3, 1},
    {"\377", 1, "\177", 1, 0},
    {"\200", 1, "\0", 1, 0},
};

static void
test_secret_equal(void **state)
{
	const struct equal_case *t;
	struct secret *a, *b;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(equal_cases) / sizeof(*equal_cases); i++) {
		t = &equal_cases[i];
		a = secret_new(t->a, t->a_len);
		b = secret_new(t->b, t->b_len);
		if (secret_equal(a, b) != t->equal ||
		    secret_equal(b, a) != t->equal)
			fail_msg("case %zu", i);
		secret_free(&a);
		secret_free(&b);
	}
}

static void
test_secret_wipe(void **state)
{
	char bytes[] = "secret", zeros[sizeof(bytes)] = {0};

	(void)state;
	secret_wipe(bytes, 3);
	assert_memory_equal(bytes, "\0\0\0ret", sizeof(bytes));
	secret_wipe(bytes, sizeof(bytes));
	assert_memory_equal(bytes, zeros, sizeof(bytes));
	secret_wipe(NULL, 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_hidden),
	    cmocka_unit_test(test_texts),
	    cmocka_unit_test(test_prefix),
	    cmocka_unit_test(test_null),
	    cmocka_unit_test(test_bounds),
	    cmocka_unit_test(test_secret_new),
	    cmocka_unit_test(test_secret_too_long),
	    cmocka_unit_test(test_secret_equal),
	    cmocka_unit_test(test_secret_wipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
