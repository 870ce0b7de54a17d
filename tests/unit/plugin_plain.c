/*
 * plugin_plain.c - what the plugin takes from a PLAIN message, and where it
 * sees the end of a user name. Pure functions, no libsasl2 at work.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "saslauthd-plugin/plugin.h"

#define T "11111111-2222-3333-4444-555555555555"
#define C "66666666-7777-8888-9999-000000000000"

/* A message with NULs in it and its length. */
#define MESSAGE(s) s, sizeof(s) - 1

struct plain_case {
	const char *bytes;
	size_t len;
	int result;
	const char *name, *secret; /* if SASL_OK */
};

static const struct plain_case plain_cases[] = {
    {MESSAGE("\0user\0secret"), SASL_OK, "user", "secret"},
    {MESSAGE("user\0user\0secret"), SASL_OK, "user", "secret"},
    {MESSAGE("\0us er\0se cret "), SASL_OK, "us er", "se cret "},
    {MESSAGE("\0u\0\xc3\xa4\xff"), SASL_OK, "u", "\xc3\xa4\xff"},

    {MESSAGE("other\0user\0secret"), SASL_NOAUTHZ, NULL, NULL},
    {MESSAGE("User\0user\0secret"), SASL_NOAUTHZ, NULL, NULL},
    {MESSAGE("use\0user\0secret"), SASL_NOAUTHZ, NULL, NULL},
    {MESSAGE("user2\0user\0secret"), SASL_NOAUTHZ, NULL, NULL},

    {MESSAGE(""), SASL_BADPROT, NULL, NULL},
    {MESSAGE("user"), SASL_BADPROT, NULL, NULL},
    {MESSAGE("\0"), SASL_BADPROT, NULL, NULL},
    {MESSAGE("\0user"), SASL_BADPROT, NULL, NULL},
    {MESSAGE("\0user\0sec\0ret"), SASL_BADPROT, NULL, NULL},
    {MESSAGE("\0user\0secret\0"), SASL_BADPROT, NULL, NULL},

    {MESSAGE("\0\0"), SASL_BADAUTH, NULL, NULL},
    {MESSAGE("\0\0secret"), SASL_BADAUTH, NULL, NULL},
    {MESSAGE("\0 \t\r\n\0secret"), SASL_BADAUTH, NULL, NULL},
    {MESSAGE("\0user\0"), SASL_BADAUTH, NULL, NULL},
};

static void
test_plain_messages(void **state)
{
	const struct plain_case *t;
	struct credentials c;
	const char *reason;
	int result;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(plain_cases) / sizeof(*plain_cases); i++) {
		t = &plain_cases[i];
		result = entra_plain_parse(t->bytes, t->len, &c, &reason);
		if (result != t->result)
			fail_msg("case %zu: %d", i, result);
		if (t->result != SASL_OK) {
			assert_true(*reason != '\0');
			continue;
		}
		assert_int_equal(c.name_len, strlen(t->name));
		assert_memory_equal(c.name, t->name, c.name_len);
		assert_int_equal(c.secret_len, strlen(t->secret));
		assert_memory_equal(c.secret, t->secret, c.secret_len);
	}
}

/* A message whose name and secret are so many bytes long. */
static int
parse_sizes(size_t name_len, size_t secret_len, struct credentials *c)
{
	static char bytes[4096];
	const char *reason;

	memset(bytes, 'a', sizeof(bytes));
	bytes[0] = bytes[1 + name_len] = '\0';
	return entra_plain_parse(bytes, 2 + name_len + secret_len, c, &reason);
}

static void
test_sizes(void **state)
{
	struct credentials c;

	(void)state;
	assert_int_equal(parse_sizes(1024, 1024, &c), SASL_OK);
	assert_int_equal(c.name_len, 1024);
	assert_int_equal(c.secret_len, 1024);
	assert_int_equal(parse_sizes(1025, 1, &c), SASL_BADAUTH);
	assert_int_equal(parse_sizes(1, 1025, &c), SASL_BADAUTH);
	assert_int_equal(parse_sizes(1, 3000, &c), SASL_BADAUTH);
}

struct name_case {
	const char *realm, *name, *bare;
};

static const struct name_case name_cases[] = {
    {NULL, T ":" C, T ":" C},
    {"example.com", T ":" C "@example.com", T ":" C},
    {"example.com", T "|" C "@example.com", T "|" C},
    {"example.com", T ":" C ".me@example.com", T ":" C ".me"},
    /* libsasl2 appends nothing to a name that has an '@' */
    {"example.com", T "@" C, T "@" C},
    {"example.com", T "@" C ".me", T "@" C ".me"},
    {"example.com", T ":" C ".a@b@example.com", T ":" C ".a@b@example.com"},
    /* another realm */
    {"example.com", T ":" C "@example.org", T ":" C "@example.org"},
    {"example.com", "user@example.com", "user"},
    {"example.com", "@example.com", ""},
    {"example.com", "m", "m"},
    {"", T ":" C, T ":" C},
};

static void
test_realms(void **state)
{
	const struct name_case *t;
	sasl_server_params_t sparams;
	size_t i, len;

	(void)state;
	memset(&sparams, 0, sizeof(sparams));
	for (i = 0; i < sizeof(name_cases) / sizeof(*name_cases); i++) {
		t = &name_cases[i];
		sparams.user_realm = t->realm;
		len = entra_name_len(&sparams, t->name, strlen(t->name));
		if (len != strlen(t->bare))
			fail_msg("%s: %zu", t->name, len);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_plain_messages),
	    cmocka_unit_test(test_sizes),
	    cmocka_unit_test(test_realms),
	};

	return cmocka_run_group_tests_name("plugin_plain", tests, NULL, NULL);
}
