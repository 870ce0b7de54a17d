/*
 * User names (lib/local/identity.c): a row is a name, the delimiters that are
 * set, and the identity it means or the reason it is refused with.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/local/identity.h"

#define ANY IDENTITY_DELIMITERS_ANY

/* Two UUIDs, and the base64url of the same bytes. */
#define T "11223344-5566-7788-99aa-bbccddeeff00"
#define T64 "ESIzRFVmd4iZqrvM3e7_AA"
#define C "fbefbefb-efbe-fbef-befb-efbefbefbefb"
#define C64 "----------------------" /* every digit is 62 */
#define C64_CANONICAL "---------------------w"
#define C_UPPER "FBEFBEFB-EFBE-FBEF-BEFB-EFBEFBEFBEFB"

#define NO_DELIMITER \
	"no delimiter between tenant and client; see username_delimiter"
#define SLASH                                                             \
	"no delimiter between tenant and client, and \"/\" is none; see " \
	"username_delimiter"
#define ONE_ID "one id alone, where tenant and client are needed"
#define BAD_TENANT                                                         \
	"tenant is neither a UUID (36 characters) nor its base64url form " \
	"(22)"
#define BAD_CLIENT                                                         \
	"client is neither a UUID (36 characters) nor its base64url form " \
	"(22)"
#define TOO_LONG "user name too long"
#define HAS_NUL "NUL in user name"

/* A name that may hold a NUL, and its length. */
#define NAME(s) s, sizeof(s) - 1

struct name_case {
	const char *name;
	size_t len;
	const char *delimiters;
	const char *reason; /* NULL: it means T and C */
};

static const struct name_case name_cases[] = {
    /* each form of each half, each delimiter */
    {NAME(T ":" C), ANY, NULL},
    {NAME(T "@" C), ANY, NULL},
    {NAME(T "|" C), ANY, NULL},
    {NAME(T ":" C), ":", NULL},
    {NAME(T "@" C), "@", NULL},
    {NAME(T "|" C), "|", NULL},
    {NAME(T64 ":" C64_CANONICAL), ANY, NULL},
    {NAME(T64 "@" C), ANY, NULL},
    {NAME(T "|" C64_CANONICAL), ANY, NULL},
    {NAME(T64 "==:" C64_CANONICAL "=="), ANY, NULL},
    {NAME(T64 "==:" C64_CANONICAL), ANY, NULL},
    {NAME(T ":" C_UPPER), ANY, NULL},
    {NAME("11223344-5566-7788-99AA-bbccDDeeff00:" C), ANY, NULL},

    /* what follows the first dot is ignored */
    {NAME(T ":" C "."), ANY, NULL},
    {NAME(T ":" C ".printer"), ANY, NULL},
    {NAME(T "@" C ".example.com"), ANY, NULL},
    {NAME(T ":" C "..a@b:c|d"), ANY, NULL},
    {NAME(T64 "@" C64_CANONICAL "==.x"), ANY, NULL},
    {NAME(T ":" C ".\303\274\377"), ANY, NULL},

    /* another delimiter than the one that is set */
    {NAME(T ":" C), "@", NO_DELIMITER},
    {NAME(T "@" C), "|", NO_DELIMITER},
    {NAME(T "|" C), ":", NO_DELIMITER},
    {NAME(T "/" C), ANY, SLASH},
    /* what is no id may be a secret: nothing is said of its characters */
    {NAME(T "/" C "x"), ANY, NO_DELIMITER},
    {NAME("a~b/c"), ANY, NO_DELIMITER},
    {NAME(T "@" C ":" C), ":", BAD_TENANT},

    /* parts that are empty, or one too many */
    {NAME(""), ANY, NO_DELIMITER},
    {NAME(T), ANY, ONE_ID},
    {NAME(T C), ANY, NO_DELIMITER},
    {NAME(":"), ANY, BAD_TENANT},
    {NAME(":" C), ANY, BAD_TENANT},
    {NAME(T ":"), ANY, BAD_CLIENT},
    {NAME(T ":."), ANY, BAD_CLIENT},
    {NAME(T ":.x"), ANY, BAD_CLIENT},
    {NAME(T "::" C), ANY, BAD_CLIENT},
    {NAME(T ":@" C), ANY, BAD_CLIENT},
    {NAME(T ":" C ":"), ANY, BAD_CLIENT},
    {NAME(T ":" C "@example.com"), ANY, BAD_CLIENT},
    {NAME(T "." C), ANY, NO_DELIMITER},
    {NAME(T ".x:" C), ANY, BAD_TENANT},

    /* not quite a UUID */
    {NAME("1122334-5566-7788-99aa-bbccddeeff00:" C), ANY, BAD_TENANT},
    {NAME("112233445-5566-7788-99aa-bbccddeeff00:" C), ANY, BAD_TENANT},
    {NAME("1122334455667788-99aa-bbccddeeff00-00:" C), ANY, BAD_TENANT},
    {NAME("112233445566778899aabbccddeeff00:" C), ANY, BAD_TENANT},
    {NAME("{" T "}:" C), ANY, BAD_TENANT},
    {NAME(" " T ":" C), ANY, BAD_TENANT},
    {NAME(T " :" C), ANY, BAD_TENANT},
    {NAME(T ":" C " "), ANY, BAD_CLIENT},
    {NAME(T ":" C "\n"), ANY, BAD_CLIENT},
    {NAME(T ":Gbefbefb-efbe-fbef-befb-efbefbefbefb"), ANY, BAD_CLIENT},
    {NAME(T ":gbefbefb-efbe-fbef-befb-efbefbefbefb"), ANY, BAD_CLIENT},
    {NAME(T ":fbefbefb_efbe_fbef_befb_efbefbefbefb"), ANY, BAD_CLIENT},
    {NAME(T ":fbefbefb-efbe-fbef-befb-efbefbefbef/"), ANY, BAD_CLIENT},
    {NAME(T ":fbefbefb-efbe-fbef-befb-efbefbefbef`"), ANY, BAD_CLIENT},
    {NAME(T ":fbefbefb-efbe-fbef-befb-efbefbefbef\303\274"), ANY, BAD_CLIENT},

    /* not quite base64url: 21, 23 and 24 characters, wrong alphabet */
    {NAME("SIzRFVmd4iZqrvM3e7_AA:" C), ANY, BAD_TENANT},
    {NAME("ESIzRFVmd4iZqrvM3e7_AAA:" C), ANY, BAD_TENANT},
    {NAME("ESIzRFVmd4iZqrvM3e7_AAAA:" C), ANY, BAD_TENANT},
    {NAME(T64 "=:" C), ANY, BAD_TENANT},
    {NAME(T64 "===:" C), ANY, BAD_TENANT},
    {NAME("ESIzRFVmd4iZqrvM3e7/AA:" C), ANY, BAD_TENANT},
    {NAME("ESIzRFVmd4iZqrvM3e7+AA:" C), ANY, BAD_TENANT},
    {NAME("ESIzRFVmd4iZqrvM3e7_A=:" C), ANY, BAD_TENANT},
    {NAME("ESIzRFVmd4iZqrvM3e7_AAA=:" C), ANY, BAD_TENANT},
    {NAME("ESIzRFVmd4iZqrvM3e7_\303\274:" C), ANY, BAD_TENANT},
    /* bits that no byte takes must be zero */
    {NAME("ESIzRFVmd4iZqrvM3e7_AB:" C), ANY, BAD_TENANT},
    {NAME("ESIzRFVmd4iZqrvM3e7_AI:" C), ANY, BAD_TENANT},
    {NAME("ESIzRFVmd4iZqrvM3e7_AP:" C), ANY, BAD_TENANT},
    {NAME(T ":" C64), ANY, BAD_CLIENT},

    /* NUL, wherever it is */
    {NAME("\0" T ":" C), ANY, HAS_NUL},
    {NAME(T "\0:" C), ANY, HAS_NUL},
    {NAME(T ":" C "\0"), ANY, HAS_NUL},
    {NAME(T ":" C ".x\0y"), ANY, HAS_NUL},
    {NAME(T "\0" C), ANY, NO_DELIMITER},

    /* people and other mail systems */
    {NAME("user@example.com"), ANY, BAD_TENANT},
    {NAME("user"), ANY, NO_DELIMITER},
    {NAME("app1@lookup"), ANY, BAD_TENANT},
    {NAME("\303\274ser:p"), ANY, BAD_TENANT},
};

/* On the heap and not terminated, so that ASan sees a byte too many read. */
static int
parse(const char *name, size_t len, const char *delimiters, struct identity *id,
    const char **reason)
{
	char *copy = malloc(len == 0 ? 1 : len);
	int result;

	assert_non_null(copy);
	memcpy(copy, name, len);
	result = identity_parse(copy, len, delimiters, id, reason);
	free(copy);
	return result;
}

static void
test_names(void **state)
{
	const struct name_case *t;
	struct identity id;
	const char *reason;
	size_t i;
	int result;

	(void)state;
	for (i = 0; i < sizeof(name_cases) / sizeof(*name_cases); i++) {
		t = &name_cases[i];
		reason = "";
		result = parse(t->name, t->len, t->delimiters, &id, &reason);
		if (result != (t->reason == NULL ? 0 : -1))
			fail_msg("%s: %d %s", t->name, result, reason);
		if (t->reason != NULL) {
			if (strcmp(reason, t->reason) != 0)
				fail_msg("%s: %s", t->name, reason);
			continue;
		}
		assert_string_equal(id.tenant, T);
		assert_string_equal(id.client, C);
	}
}

/* The length is bounded before anything else is looked at. */
static void
test_length(void **state)
{
	char name[IDENTITY_NAME_MAX + 1];
	struct identity id;
	const char *reason;
	size_t len = strlen(T ":" C ".");

	(void)state;
	memset(name, 'x', sizeof(name));
	memcpy(name, T ":" C ".", len);
	assert_int_equal(parse(name, IDENTITY_NAME_MAX, ANY, &id, &reason), 0);
	assert_string_equal(id.client, C);
	assert_int_equal(
	    parse(name, IDENTITY_NAME_MAX + 1, ANY, &id, &reason), -1);
	assert_string_equal(reason, TOO_LONG);
	/* who does not ask is not told */
	assert_int_equal(
	    parse(name, IDENTITY_NAME_MAX + 1, ANY, &id, NULL), -1);
}

/* Every byte value comes out of every place as it went in. */
static void
test_every_byte(void **state)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz"
				     "0123456789-_";
	char name[128], want[UUID_TEXT_SIZE];
	struct identity id;
	unsigned int b;

	(void)state;
	for (b = 0; b < 256; b++) {
		/* first byte b, the rest zero */
		snprintf(name, sizeof(name), "%c%cAAAAAAAAAAAAAAAAAAAA:" C,
		    digits[b >> 2], digits[(b & 3) << 4]);
		snprintf(want, sizeof(want),
		    "%02x000000-0000-0000-0000-000000000000", b);
		assert_int_equal(parse(name, strlen(name), ANY, &id, NULL), 0);
		assert_string_equal(id.tenant, want);
		/* last byte b */
		snprintf(name, sizeof(name), "AAAAAAAAAAAAAAAAAAAA%c%c:" C,
		    digits[b >> 2], digits[(b & 3) << 4]);
		snprintf(want, sizeof(want),
		    "00000000-0000-0000-0000-0000000000%02x", b);
		assert_int_equal(parse(name, strlen(name), ANY, &id, NULL), 0);
		assert_string_equal(id.tenant, want);
	}
}

static void
test_text(void **state)
{
	char text[IDENTITY_TEXT_SIZE];
	struct identity id;

	(void)state;
	assert_int_equal(parse(NAME(T64 "|" C_UPPER ".me"), ANY, &id, NULL), 0);
	assert_ptr_equal(identity_text(&id, text), text);
	assert_string_equal(text, T "/" C);
}

static void
test_equal(void **state)
{
	struct identity a, b;

	(void)state;
	parse(NAME(T ":" C), ANY, &a, NULL);
	parse(NAME(T64 "@" C_UPPER ".x"), ANY, &b, NULL);
	assert_int_equal(identity_equal(&a, &b), 1);
	parse(NAME(C ":" C), ANY, &b, NULL);
	assert_int_equal(identity_equal(&a, &b), 0);
	parse(NAME(T ":" T), ANY, &b, NULL);
	assert_int_equal(identity_equal(&a, &b), 0);
}

/* --- entries --- */

#define E64 "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"

static const struct {
	const char *name;
	size_t len;
	const char *delimiters;
	const char *entry; /* NULL: no name of ours */
} entry_rows[] = {
    {NAME(T ":" C), ANY, ""},
    {NAME(T ":" C "."), ANY, ""},
    {NAME(T ":" C ".erp"), ANY, "erp"},
    {NAME(T64 "|" C64_CANONICAL ".Erp_2-x"), ANY, "erp_2-x"},
    {NAME(T64 "==@" C64_CANONICAL "==.erp"), ANY, "erp"},
    {NAME(T ":" C "." E64), ANY, E64},
    /* what can be no entry's name is a suffix as ever */
    {NAME(T ":" C "." E64 "e"), ANY, ""},
    {NAME(T "@" C ".example.com"), ANY, ""},
    {NAME(T ":" C ".a b"), ANY, ""},
    {NAME(T ":" C ".\303\274"), ANY, ""},
    {NAME(T ":" C ".erp."), ANY, ""},
    /* the canonical form is read whatever the delimiters are */
    {NAME(T "@" C), ":", ""},
    {NAME(T "@" C ".erp"), "|", "erp"},
    {NAME(T "@" C ".Erp"), ":", "erp"},
    {NAME(T "@" C ".@"), ":", ""},
    {NAME(T "@" C_UPPER), ":", NULL},
    {NAME(T64 "@" C), ":", NULL},
    {NAME(T "@" C "x"), ":", NULL},
    {NAME(T "|" C ".erp"), ":", NULL},
    {NAME("app1@lookup"), ANY, NULL},
    {NAME(T "@" C ".x\0y"), ANY, NULL},
};

static void
test_entries(void **state)
{
	char entry[ENTRY_NAME_SIZE], canonical[IDENTITY_CANONICAL_SIZE];
	char want[IDENTITY_CANONICAL_SIZE], *copy;
	struct identity id;
	size_t i;
	int result;

	(void)state;
	for (i = 0; i < sizeof(entry_rows) / sizeof(*entry_rows); i++) {
		copy = malloc(entry_rows[i].len);
		assert_non_null(copy);
		memcpy(copy, entry_rows[i].name, entry_rows[i].len);
		strcpy(entry, "left");
		result = identity_parse_entry(copy, entry_rows[i].len,
		    entry_rows[i].delimiters, &id, entry, NULL);
		free(copy);
		if (result != (entry_rows[i].entry == NULL ? -1 : 0))
			fail_msg("%s: %d", entry_rows[i].name, result);
		if (strcmp(entry,
			entry_rows[i].entry == NULL ? ""
						    : entry_rows[i].entry) != 0)
			fail_msg("%s: %s", entry_rows[i].name, entry);
		if (result == -1)
			continue;
		snprintf(want, sizeof(want), T "@" C "%s%s",
		    entry[0] == '\0' ? "" : ".", entry);
		assert_string_equal(
		    identity_canonical(&id, entry, canonical), want);
	}
}

static const struct {
	const char *name;
	size_t len;
	const char *delimiters, *suffix;
	const char *entry; /* NULL: another form */
} lookup_rows[] = {
    {NAME("app1@lookup"), ANY, "lookup", "app1"},
    {NAME("App_1:LookUp"), ANY, "lookup", "app_1"},
    {NAME("app-1|lookup"), ANY, "lookup", "app-1"},
    {NAME(E64 "@lookup"), ANY, "lookup", E64},
    {NAME("app1@x.example"), ANY, "x.example", "app1"},
    {NAME(T "@lookup"), ANY, "lookup", T},
    /* ours, and no entry can have that name */
    {NAME(E64 "e@lookup"), ANY, "lookup", ""},
    {NAME("@lookup"), ANY, "lookup", ""},
    {NAME("a b@lookup"), ANY, "lookup", ""},
    {NAME("a@b@lookup"), ANY, "lookup", ""},
    {NAME("a\0b@lookup"), ANY, "lookup", ""},
    /* not ours */
    {NAME("app1@lookup"), ":", "lookup", NULL},
    {NAME("app1@lookup2"), ANY, "lookup", NULL},
    {NAME("app1@xlookup"), ANY, "lookup", NULL},
    {NAME("app1.lookup"), ANY, "lookup", NULL},
    {NAME("app1\0lookup"), ANY, "lookup", NULL},
    {NAME("app1@look\0p"), ANY, "lookup", NULL},
    {NAME("lookup"), ANY, "lookup", NULL},
    {NAME("app1@"), ANY, "", NULL},
    {NAME(""), ANY, "lookup", NULL},
    {NAME(T "@" C ".lookup"), ANY, "lookup", NULL},
};

static void
test_lookups(void **state)
{
	char entry[ENTRY_NAME_SIZE], *copy;
	const char *want;
	size_t i;
	int result;

	(void)state;
	for (i = 0; i < sizeof(lookup_rows) / sizeof(*lookup_rows); i++) {
		want = lookup_rows[i].entry;
		copy = malloc(lookup_rows[i].len + 1);
		assert_non_null(copy);
		memcpy(copy, lookup_rows[i].name, lookup_rows[i].len);
		result = identity_parse_lookup(copy, lookup_rows[i].len,
		    lookup_rows[i].delimiters, lookup_rows[i].suffix, entry);
		free(copy);
		if (result != (want != NULL) ||
		    strcmp(entry, want == NULL ? "" : want) != 0)
			fail_msg(
			    "%s: %d %s", lookup_rows[i].name, result, entry);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_length),
	    cmocka_unit_test(test_every_byte),
	    cmocka_unit_test(test_text),
	    cmocka_unit_test(test_equal),
	    cmocka_unit_test(test_entries),
	    cmocka_unit_test(test_lookups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
