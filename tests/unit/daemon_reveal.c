/*
 * Whether a text holds a secret (agent/daemon/base/reveal.c): a row is a text
 * and what is found in it, for one secret of Entra's kind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "agent/daemon/base/reveal.h"

#define SECRET "Xy8Q~k3+Vb/0pL=tR7.wZ_2mN-c9 Hs5%dG1jF"

struct reveal_case {
	const char *text;
	int found;
};

static const struct reveal_case cases[] = {
    {"", 0},
    {"AADSTS7000215: Invalid client secret provided. Ensure the secret being "
     "sent in the request is the client secret value, not the client secret "
     "ID, for a secret added to app 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee'.",
	0},
    {"Xy8Q~", 0}, /* so much tells nothing */
    {"zXy8Q~k3", 1},
    {"said '" SECRET "'", 1},
    {"Xy8Q~k***", 1},
    {"...5%dG1jF.", 1},
    {"0pL=tR", 1},
    {"0pL=t_R", 0},
    {"XY8Q~K3+VB", 1},
    /* percent-encoded: all, some, a blank as plus, twice */
    {"Xy8Q%7Ek3%2BVb%2F0pL%3DtR7", 1},
    {"Xy8Q%7ek3%2bVb%2f0pL%3dtR7", 1},
    {"%58%79%38%51%7E%6B", 1},
    {"%2Dc9+Hs5%25", 1},
    {"Xy8Q%257Ek3%252B", 1},
    {"%58%79%38%51%7E", 0},
    {"100% Xy8Q%7", 0},
    /* hex */
    {"587938517e6b332b", 1},
    {"587938517E6B332B", 1},
    {"587938517e", 0},
    /* base64, wherever it begins in what is encoded; both alphabets */
    {"WHk4UX5rMytWYi8wcEw9dFI3LndaXzJtTi1jOSBIczUlZEcxakY=", 1},
    {"YWFYeThRfmszK1ZiLzBwTD10Ujcud1pfMm1OLWM5IEhzNSVkRzFqRmI=", 1},
    {"YVh5OFF-azMrVmIvMHBMPXRSNy53Wl8ybU4tYzkgSHM1JWRHMWpGYg", 1},
    {"WHk4UX5r", 1},
    {"azMrVmIv", 1}, /* a part that was encoded by itself */
    {"WHk4U", 0},
    /* UTF-8 beside it */
    {"\303\274\303\274Xy8Q~k\303\274", 1},
};

static int
looks(const char *secret, size_t secret_len, const char *text, size_t len)
{
	struct secret *s = secret_new(secret, secret_len);
	int found = reveals(s, text, len);

	secret_free(&s);
	return found;
}

static int
found_in(const char *secret, const char *text)
{
	return looks(secret, strlen(secret), text, strlen(text));
}

static void
test_table(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (found_in(SECRET, cases[i].text) != cases[i].found)
			fail_msg("%s: not %d", cases[i].text, cases[i].found);
}

/* Every part that is long enough, wherever it is from. */
static void
test_every_part(void **state)
{
	const size_t all = strlen(SECRET);
	char text[64];
	size_t from, len;

	(void)state;
	for (len = 6; len <= all; len++)
		for (from = 0; from + len <= all; from++) {
			memset(text, '#', sizeof(text));
			memcpy(text + 5, SECRET + from, len);
			if (!looks(SECRET, all, text, len + 10))
				fail_msg("%zu bytes from %zu", len, from);
		}
}

static void
test_lengths(void **state)
{
	static char text[2000], secret[1024];

	(void)state;
	/* shorter than any part: the whole; shorter still, it is in any text */
	assert_int_equal(found_in("guess", "no 'guess' here"), 1);
	assert_int_equal(found_in("guess", "no gues here"), 0);
	assert_int_equal(found_in("abc", "abc"), 0);
	assert_int_equal(found_in("", "abc"), 0);
	/* of a token, six characters may be anything */
	memset(secret, 'a', sizeof(secret));
	memset(text, 'a', sizeof(text));
	assert_int_equal(looks(secret, sizeof(secret), text, 15), 0);
	assert_int_equal(looks(secret, sizeof(secret), text, 16), 1);
	/* only what is asked for; and what cannot be looked through is found */
	assert_int_equal(looks("secret", 6, "a secret", 7), 0);
	memset(text, 'b', sizeof(text));
	assert_int_equal(looks("secret", 6, text, 1024), 0);
	assert_int_equal(looks("secret", 6, text, 1025), 1);
}

static void
test_bytes(void **state)
{
	(void)state;
	assert_int_equal(looks("a\0b\377cd", 6, "x%00a%00b%ffcd", 14), 1);
	assert_int_equal(looks("a\0b\377cd", 6, "YQBi/2Nk", 8), 1);
	assert_int_equal(looks("a\0b\377cd", 6, "610062ff6364", 12), 1);
	assert_int_equal(looks("abcdef", 6, "ab\0cdef", 7), 0);
}

/* A token of 8 KB in an answer of Entra's or Graph's keeps nobody waiting. */
static void
test_long_secret(void **state)
{
	static char secret[8192], text[1024];
	clock_t began;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(secret); i++)
		secret[i] = (char)('a' + (i * i + i / 26) % 26);
	for (i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + (i * i * i + i / 17) % 26);
	began = clock();
	assert_int_equal(looks(secret, sizeof(secret), text, sizeof(text)), 0);
	assert_true(clock() - began < CLOCKS_PER_SEC / 2);
	memcpy(text + 500, secret + 8000, 16);
	assert_int_equal(looks(secret, sizeof(secret), text, sizeof(text)), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table),
	    cmocka_unit_test(test_every_part),
	    cmocka_unit_test(test_lengths),
	    cmocka_unit_test(test_bytes),
	    cmocka_unit_test(test_long_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
