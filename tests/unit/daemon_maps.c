/*
 * daemon_maps.c - netstrings, answers of a socketmap server, and how often a
 * source that is out of reach is tried.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "agent/daemon/base/clock.h"
#include "agent/daemon/maps/backoff.h"
#include "agent/daemon/maps/netstring.h"

#define MAX 20

static const struct {
	const char *bytes;
	enum netstring_result want;
	const char *inside; /* NETSTRING_DONE */
	size_t left; /* bytes behind it */
} netstrings[] = {
    {"0:,", NETSTRING_DONE, "", 0},
    {"3:abc,", NETSTRING_DONE, "abc", 0},
    {"3:abc,4:", NETSTRING_DONE, "abc", 2},
    {"3:a,c,", NETSTRING_DONE, "a,c", 0},
    {"20:12345678901234567890,", NETSTRING_DONE, "12345678901234567890", 0},
    {"", NETSTRING_MORE, NULL, 0},
    {"2", NETSTRING_MORE, NULL, 0},
    {"3:", NETSTRING_MORE, NULL, 0},
    {"3:abc", NETSTRING_MORE, NULL, 0},
    {"0:", NETSTRING_MORE, NULL, 0},
    {"3:abcd", NETSTRING_BAD, NULL, 0},
    {"3:abc;", NETSTRING_BAD, NULL, 0},
    {"21:", NETSTRING_BAD, NULL, 0},
    {"9999999", NETSTRING_BAD, NULL, 0},
    {"99999999999999999999999999", NETSTRING_BAD, NULL, 0},
    {"00", NETSTRING_BAD, NULL, 0},
    {"03:abc,", NETSTRING_BAD, NULL, 0},
    {":abc,", NETSTRING_BAD, NULL, 0},
    {"-1:a,", NETSTRING_BAD, NULL, 0},
    {" 3:abc,", NETSTRING_BAD, NULL, 0},
    {"3 :abc,", NETSTRING_BAD, NULL, 0},
    {"abc", NETSTRING_BAD, NULL, 0},
    {"OK a\n", NETSTRING_BAD, NULL, 0},
};

static void
test_netstrings(void **state)
{
	enum netstring_result got;
	struct span inside;
	size_t i, used, len;

	(void)state;
	for (i = 0; i < sizeof(netstrings) / sizeof(netstrings[0]); i++) {
		len = strlen(netstrings[i].bytes);
		got = netstring_parse(
		    netstrings[i].bytes, len, MAX, &inside, &used);
		if (got != netstrings[i].want)
			fail_msg("%s: %d", netstrings[i].bytes, got);
		if (got != NETSTRING_DONE)
			continue;
		assert_int_equal(inside.len, strlen(netstrings[i].inside));
		assert_memory_equal(inside.p, netstrings[i].inside, inside.len);
		assert_int_equal(len - used, netstrings[i].left);
	}
}

/* However few bytes have come, it is no other netstring. */
static void
test_pieces(void **state)
{
	const char *bytes = "10:OK a=b c=d,";
	struct span inside;
	size_t len, used;

	(void)state;
	for (len = 0; len < strlen(bytes); len++)
		assert_int_equal(
		    netstring_parse(bytes, len, MAX, &inside, &used),
		    NETSTRING_MORE);
	assert_int_equal(
	    netstring_parse(bytes, len, MAX, &inside, &used), NETSTRING_DONE);
}

static void
test_request(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 100);
	assert_int_equal(netstring_add_request(&out, "relay", "scan"), 0);
	assert_string_equal(out.bytes, "10:relay scan,");
	buf_free(&out);
}

static const struct {
	const char *inside;
	enum socketmap_status want;
	const char *text;
} answers[] = {
    {"OK a=b", SOCKETMAP_OK, "a=b"},
    {"OK  a=b ", SOCKETMAP_OK, " a=b "},
    {"OK ", SOCKETMAP_OK, ""},
    {"OK", SOCKETMAP_OK, ""},
    {"NOTFOUND ", SOCKETMAP_NOTFOUND, ""},
    {"NOTFOUND", SOCKETMAP_NOTFOUND, ""},
    {"NOTFOUND why", SOCKETMAP_NOTFOUND, "why"},
    {"TEMP later", SOCKETMAP_TEMP, "later"},
    {"TIMEOUT slow", SOCKETMAP_TIMEOUT, "slow"},
    {"PERM never", SOCKETMAP_PERM, "never"},
    {"", SOCKETMAP_NONE, ""},
    {"ok a=b", SOCKETMAP_NONE, "a=b"},
    {"OKAY a=b", SOCKETMAP_NONE, "a=b"},
    {"O", SOCKETMAP_NONE, ""},
    {" OK a=b", SOCKETMAP_NONE, "OK a=b"},
    {"OK\ta=b", SOCKETMAP_NONE, ""},
};

static void
test_answers(void **state)
{
	struct span inside, text;
	enum socketmap_status got;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		inside =
		    (struct span){answers[i].inside, strlen(answers[i].inside)};
		got = socketmap_parse(&inside, &text);
		if (got != answers[i].want ||
		    text.len != strlen(answers[i].text) ||
		    memcmp(text.p, answers[i].text, text.len) != 0)
			fail_msg("\"%s\": %d \"%.*s\"", answers[i].inside, got,
			    (int)text.len, text.p);
	}
}

/* 'm': a question may go, 'n': it may not, 'g', 'b', 'u': what became of it. */
static const struct {
	long long pass; /* ms, before */
	char what;
} steps[] = {
    {0, 'm'},
    {0, 'm'},
    {0, 'g'},
    {0, 'b'}, /* two, one of which fails */
    {0, 'b'}, /* and another that was under way: counts once */
    {700, 'n'},
    {300, 'm'},
    {0, 'n'}, /* one alone is let through */
    {3000, 'n'},
    {0, 'b'},
    {1700, 'n'},
    {300, 'm'},
    {0, 'u'}, /* given up */
    {0, 'm'},
    {0, 'b'},
    {3700, 'n'},
    {300, 'm'},
    {0, 'b'},
    {7700, 'n'},
    {300, 'm'},
    {0, 'b'},
    {9700, 'n'},
    {300, 'm'},
    {0, 'b'},
    {9700, 'n'},
    {300, 'm'},
    {0, 'g'},
    {0, 'm'},
    {0, 'm'}, /* in reach again */
    {0, 'b'},
    {700, 'n'},
    {300, 'm'},
};

static void
test_backoff(void **state)
{
	struct backoff backoff = {0};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		clock_advance(steps[i].pass);
		if (steps[i].what == 'g')
			backoff_good(&backoff);
		else if (steps[i].what == 'b')
			backoff_bad(&backoff);
		else if (steps[i].what == 'u')
			backoff_unknown(&backoff);
		else if (backoff_may(&backoff) != (steps[i].what == 'm'))
			fail_msg("step %zu", i);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_netstrings),
	    cmocka_unit_test(test_pieces),
	    cmocka_unit_test(test_request),
	    cmocka_unit_test(test_answers),
	    cmocka_unit_test(test_backoff),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
