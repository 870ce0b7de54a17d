/*
 * The mailboxes of header fields that have the same name
 * (lib/mail/mailboxes.c). A row is their values, and what was read: addresses,
 * mailboxes, the first one's key, and whether m@x.de is among them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/mail/mailboxes.h"

static const struct {
	const char *values[3];
	unsigned int addresses, count;
	const char *key;
	int has_own;
} rows[] = {
    {{""}, 0, 0, "", 0},
    {{" (nobody) "}, 0, 0, "", 0},
    {{"Scanner"}, 1, 0, "", 0},
    {{"A <A@X.DE>"}, 1, 1, "a@x.de", 0},
    {{"m@x.de"}, 1, 1, "m@x.de", 1},
    {{"a@x.de, \"A\"@X.DE."}, 2, 1, "a@x.de", 0},
    {{"a@x.de, b@x.de, M <M@x.de>"}, 2, 2, "a@x.de", 1},
    {{"a@x.de", "b@x.de"}, 2, 2, "a@x.de", 0},
    {{"", "a@x.de"}, 1, 1, "a@x.de", 0},
    {{"Office: a@x.de, m@x.de;"}, 2, 2, "a@x.de", 1},
    {{"Office:;"}, 2, 0, "", 0},
    {{"Doe, John <j@x.de>"}, 2, 1, "j@x.de", 0},
    {{"\"\001\"@x.de"}, 1, 0, "", 0},
    {{"\"\001\"@x.de, a@x.de"}, 2, 1, "a@x.de", 0},
    {{"a@x.de, \"\001\"@x.de"}, 2, 1, "a@x.de", 0},
    {{"\"\177\"@x.de", "m@x.de"}, 2, 1, "m@x.de", 1},
    /* Big5, GBK, Shift_JIS: the last byte of the name means nothing */
    {{"\"\xB3\\\" <a@x.de>"}, 1, 1, "a@x.de", 0},
    {{"\xB3\\ <a@x.de>"}, 1, 1, "a@x.de", 0},
    {{"\"\xA6\xA8\xA5\\\" <m@x.de>"}, 1, 1, "m@x.de", 1},
    {{"(\x83\\) m@x.de"}, 1, 1, "m@x.de", 1},
    {{"\xA4[\xB3\\ <a@x.de>"}, 1, 1, "a@x.de", 0},
    {{"\xA4@ <a@x.de>"}, 1, 1, "a@x.de", 0},
    {{"\"\xA4@\" <a@x.de>"}, 1, 1, "a@x.de", 0},
    {{"\x81\\\r\n <a@x.de>"}, 1, 1, "a@x.de", 0},
    {{"\"\xB3\\\" <a@x.de>, \"\xB3\\\" <b@x.de>"}, 2, 2, "a@x.de", 0},
    {{"\"\xB3\\\" <a@x.de>", "\"\xB3\\\" <m@x.de>"}, 2, 2, "a@x.de", 1},
    /* no second byte of any charset: as it stands, in either reading */
    {{"\"\xB3\" <a@x.de>"}, 1, 1, "a@x.de", 0},
    {{"\"\xE9\"<a@x.de>"}, 1, 1, "a@x.de", 0},
    {{"\xB3( <a@x.de>"}, 1, 0, "", 0},
    {{"Ren\xE9 <a@x.de>"}, 1, 1, "a@x.de", 0},
    /* Latin-1: where the pair would hide it */
    {{"\xE9[x]\xE9\\\" <a@x.de>"}, 1, 0, "", 0},
    {{"\xE9@x.de, a@x.de"}, 2, 1, "a@x.de", 0},
    /* one address in either reading, but not the same */
    {{"\"\xB3\\\" <a@x.de>, \" <b@x.de>"}, 1, 2, "b@x.de", 0},
};

static struct span
whole(const char *text)
{
	return span_between(text, text + strlen(text));
}

static void
test_rows(void **state)
{
	struct mailboxes m;
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(&m, 0, sizeof(m));
		m.own = "m@x.de";
		for (k = 0; k < 3 && rows[i].values[k] != NULL; k++)
			mailboxes_read(&m, whole(rows[i].values[k]));
		print_message("row %zu\n", i);
		assert_int_equal(m.addresses, rows[i].addresses);
		assert_int_equal(m.count, rows[i].count);
		assert_string_equal(m.key, rows[i].key);
		assert_int_equal(m.has_own, rows[i].has_own);
		if (m.count > 0)
			assert_true(address_equal(m.first.spec, whole(m.key)));
		if (m.has_own)
			assert_true(address_equal(m.found.spec, whole(m.own)));
	}
}

/* What no mailbox can have is passed over, and the first is remembered. */
static void
test_unfit(void **state)
{
	struct mailboxes m;

	(void)state;
	memset(&m, 0, sizeof(m));
	mailboxes_read(&m, whole("R <Root@localhost>, a@x.de, x@[1.2.3.4]"));
	assert_int_equal(m.count, 1);
	assert_string_equal(m.key, "a@x.de");
	assert_int_equal(m.unfit_count, 2);
	assert_string_equal(m.unfit, "root@localhost");
	assert_string_equal(m.unfit_reason, "its domain has no dot");
	assert_true(address_equal(m.first_unfit.spec, whole(m.unfit)));
	memset(&m, 0, sizeof(m));
	mailboxes_read(&m, whole("b\303\274x@x.de"));
	assert_int_equal(m.count, 0);
	assert_int_equal(m.unfit_count, 1);
	assert_string_equal(m.unfit_reason, "it is not ASCII before the @");
}

/* Up to the longest key an address is read, and beyond it names nobody. */
static void
test_long(void **state)
{
	char text[2 * ADDRESS_KEY_SIZE];
	struct mailboxes m;
	size_t n;

	(void)state;
	for (n = ADDRESS_KEY_SIZE - 10; n < ADDRESS_KEY_SIZE + 10; n++) {
		memset(&m, 0, sizeof(m));
		memset(text, 'x', n);
		strcpy(text + n - 5, "@y.de");
		mailboxes_read(&m, whole(text));
		assert_int_equal(m.addresses, 1);
		assert_int_equal(m.count, 0);
		assert_int_equal(m.unfit_count, n < ADDRESS_KEY_SIZE);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_unfit),
	    cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests_name("lib_mailboxes", tests, NULL, NULL);
}
