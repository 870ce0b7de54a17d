/*
 * The form in which addresses are compared (lib/mail/address_key.c,
 * lib/mail/idn.c). A row is an addr-spec and its key, or NULL where it has
 * none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/mail/address.h"
#include "lib/mail/idn.h"

static const struct {
	const char *spec, *key;
} rows[] = {
    {"a@b", "a@b"},
    {"John.Doe@Example.COM", "john.doe@example.com"},
    {"a+tag@b", "a+tag@b"},
    /* quotes only where they are needed */
    {"\"a\"@b", "a@b"},
    {"\"a.b\"@c", "a.b@c"},
    {"\"a\".\"b\"@c", "a.b@c"},
    {"a.\"b c\"@d", "\"a.b c\"@d"},
    {"\"a b\"@c", "\"a b\"@c"},
    {"\"a\\ b\"@c", "\"a b\"@c"},
    {"\"\\a\"@c", "a@c"},
    {"\"a\\\"b\"@c", "\"a\\\"b\"@c"},
    {"\"a\\\\b\"@c", "\"a\\\\b\"@c"},
    {"\"a@b\"@c", "\"a@b\"@c"},
    {"\"\"@c", "\"\"@c"},
    {"\"a..b\"@c", "\"a..b\"@c"},
    {"a..b@c", "\"a..b\"@c"},
    {"a.@c", "\"a.\"@c"},
    {"\"a\r\n b\"@c", "\"a b\"@c"},
    {"\"A B\"@c", "\"a b\"@c"},
    /* apostrophes that were meant as quotes */
    {"'a@b'", "a@b"},
    {"''a@b''", "a@b"},
    {"'a@b.'", "a@b"},
    {"'a@b'.", "a@b"},
    {"\"'a\"@b'", "a@b"},
    {"'a@b", "'a@b"},
    {"a@b'", "a@b'"},
    {"'@b'", "'@b'"},
    {"o'a@b", "o'a@b"},
    /* comments, blanks, folds, a last dot */
    {"a(x)@(y)b(z)", "a@b"},
    {" a . b @ c . d ", "a.b@c.d"},
    {"a@b\r\n .c", "a@b.c"},
    {"a@b.", "a@b"},
    {"a@[IPv6:2001:DB8::1]", "a@[ipv6:2001:db8::1]"},
    {"a@[ 192.0.2\t.1 ]", "a@[192.0.2.1]"},
    {"a@[\314\206]", "a@[\314\206]"},
    /* letters beyond ASCII */
    {"\303\226@x", "\303\266@x"},
    {"a@m\303\274ller.de", "a@xn--mller-kva.de"},
    {"a@M\303\234LLER.de", "a@xn--mller-kva.de"},
    {"a@XN--MLLER-KVA.de", "a@xn--mller-kva.de"},
    {"a@xn--mller-kva.de", "a@xn--mller-kva.de"},
    {"a@b\303\274cher.m\303\274nchen.test",
	"a@xn--bcher-kva.xn--mnchen-3ya.test"},
    {"a@\320\237\320\240\320\230\320\234\320\225\320\240.\321\200\321\204",
	"a@xn--e1afmkfd.xn--p1ai"},
    {"a@\346\227\245\346\234\254\350\252\236.jp", "a@xn--wgv71a119e.jp"},
    {"a@\360\237\222\251.la", "a@xn--ls8h.la"},
    /* bytes that are no UTF-8 stay */
    {"\374@x", "\374@x"},
    {"a@m\374ller.de", "a@m\374ller.de"},
    {"a@\300\257.de", "a@\300\257.de"},
    {"a@\355\240\200.de", "a@\355\240\200.de"},
    /* no addresses */
    {"", NULL},
    {"a", NULL},
    {"@b", NULL},
    {"a@", NULL},
    {"a@b@c", NULL},
    {"a b@c", NULL},
    {"a@b,c@d", NULL},
    {"<a@b>", NULL},
    {"\"a@b", NULL},
    {"\"a\001b\"@c", NULL},
    {"\"a\177b\"@c", NULL},
    {"a@[\001]", NULL},
};

static struct span
whole(const char *text)
{
	return span_between(text, text + strlen(text));
}

static void
test_rows(void **state)
{
	char key[ADDRESS_KEY_SIZE];
	size_t i;
	int len;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(key, 'x', sizeof(key));
		len = address_key(whole(rows[i].spec), key, sizeof(key));
		if (rows[i].key == NULL) {
			assert_int_equal(len, -1);
			continue;
		}
		assert_int_not_equal(len, -1);
		assert_string_equal(key, rows[i].key);
		assert_int_equal(len, strlen(key));
	}
}

/* The key of a key is itself, and no smaller buffer takes it. */
static void
test_again(void **state)
{
	char key[ADDRESS_KEY_SIZE], again[ADDRESS_KEY_SIZE], *exact;
	size_t i, size;
	int len;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].key == NULL)
			continue;
		len = address_key(whole(rows[i].spec), key, sizeof(key));
		assert_int_equal(
		    address_key(whole(key), again, sizeof(again)), len);
		assert_string_equal(key, again);
		for (size = 0; size <= (size_t)len + 1; size++) {
			exact = malloc(size + 1);
			assert_int_equal(
			    address_key(whole(rows[i].spec), exact, size),
			    size == (size_t)len + 1 ? len : -1);
			free(exact);
		}
	}
}

static void
test_equal(void **state)
{
	(void)state;
	assert_true(address_equal(whole("\"A\" (x)@B."), whole("a@b")));
	assert_true(address_equal(
	    whole("a@b\303\234cher.de"), whole("a@xn--bcher-kva.de")));
	assert_false(address_equal(whole("a@b"), whole("a@c")));
	assert_false(address_equal(whole("a"), whole("a")));
}

/* Neither a local part nor a label of any length is written too far. */
static void
test_long(void **state)
{
	char spec[3000], key[ADDRESS_KEY_SIZE];
	size_t n;
	int len;

	(void)state;
	for (n = 1; n < sizeof(spec) - 3; n++) {
		memset(spec, 'a', n);
		strcpy(spec + n, "@b");
		len = address_key(whole(spec), key, sizeof(key));
		assert_int_equal(
		    len, n + 2 < ADDRESS_KEY_SIZE ? (int)n + 2 : -1);
		memcpy(spec, "a@", 2);
		memset(spec + 2, 'b', n);
		spec[n + 2] = '\0';
		assert_int_equal(
		    address_key(whole(spec), key, sizeof(key)), len);
	}
	/* 63 letters of two bytes fill no label; they stay as they are */
	for (n = 1; n < 200; n++) {
		memcpy(spec, "a@", 2);
		for (len = 0; len < (int)n; len++)
			memcpy(spec + 2 + 2 * len, "\303\274", 2);
		spec[2 + 2 * n] = '\0';
		len = address_key(whole(spec), key, sizeof(key));
		assert_true(len > 0 && len <= (int)strlen(spec) + 63);
	}
}

static const struct {
	const char *text, *canonical;
} canonicals[] = {
    {"<A@Example.com>", "a@example.com"},
    {"A@Example.com", "a@example.com"},
    {"<\"b\"@M\303\234ller.example>", "b@xn--mller-kva.example"},
    {"<@relay.example:b@example.org>", "b@example.org"},
    {"<>", ""},
    {"", ""},
    /* no address, and none that a list could cover */
    {"<root>", "root"},
    {"<a b@example.org>", "a?b?example.org"},
    {"<a@example.net,b@example.org>", "a?example.net,b?example.org"},
    {"<\"a\001b\"@example.org>", "\"a?b\"?example.org"},
    {"a@", "a?"},
};

static void
test_canonical(void **state)
{
	static char text[2 * ADDRESS_KEY_SIZE];
	char key[ADDRESS_KEY_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(canonicals) / sizeof(*canonicals); i++) {
		address_canonical(canonicals[i].text, key);
		if (strcmp(key, canonicals[i].canonical) != 0)
			fail_msg("%s: %s", canonicals[i].text, key);
	}
	memset(text, 'x', sizeof(text) - 1);
	memcpy(text + 1100, "@example.org", 12);
	address_canonical(text, key);
	assert_int_equal(strlen(key), ADDRESS_KEY_SIZE - 1);
	assert_null(strchr(key, '@'));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_canonical),
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_again),
	    cmocka_unit_test(test_equal),
	    cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests_name(
	    "lib_address_key", tests, NULL, NULL);
}
