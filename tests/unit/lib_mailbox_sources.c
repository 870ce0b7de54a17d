/*
 * Which mailbox sends (lib/mail/mailbox_sources.c): a row is what the client
 * said and what is stamped, or the status and a part of the text it is refused
 * with.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/mail/mailbox_sources.h"

enum { HEADER, ENVELOPE };

static const struct {
	int where;
	const char *from[3];
	const char *sender;
	const char *envelope;
	const char *mailbox; /* or NULL: */
	const char *dsn, *text;
} rows[] = {
    /* From decides */
    {HEADER, {"a@example.com"}, NULL, "<e@example.com>", "a@example.com", 0, 0},
    {HEADER, {"Scan <Scan@Example.COM>"}, NULL, "<>", "scan@example.com", 0, 0},
    {HEADER, {" \"Doe, J\"\n <j.doe@example.com>"}, NULL, "<>",
	"j.doe@example.com", 0, 0},
    {HEADER, {"a@example.com (Room 5)"}, NULL, "<>", "a@example.com", 0, 0},
    {HEADER, {"\"a\"@example.com"}, NULL, "<>", "a@example.com", 0, 0},
    {HEADER, {"<@relay.example,@b.example:a@example.com>"}, NULL, "<>",
	"a@example.com", 0, 0},
    {HEADER, {"=?utf-8?Q?Drucker_5?= <a@example.com>"}, NULL, "<>",
	"a@example.com", 0, 0},
    {HEADER, {"a@m\303\274ller.example"}, NULL, "<>", "a@xn--mller-kva.example",
	0, 0},
    {HEADER, {"a@example.com."}, NULL, "<>", "a@example.com", 0, 0},
    {HEADER, {"a@example.com"}, "s@example.com", "<>", "a@example.com", 0, 0},
    /* Big5, Shift_JIS and Latin-1, in any order of the header's fields */
    {HEADER, {"\"\xA5\\\" <a@example.com>"}, "s@example.com", "<e@example.com>",
	"a@example.com", 0, 0},
    {HEADER, {"\x83\\ <a@example.com>"}, NULL, "<e@example.com>",
	"a@example.com", 0, 0},
    {HEADER, {"\"\xE9\" <a@example.com>"}, NULL, "<e@example.com>",
	"a@example.com", 0, 0},
    {HEADER, {"root@localhost"}, "\"\xA5\\\" <s@example.com>",
	"<e@example.com>", "s@example.com", 0, 0},
    /* names behind the brackets, or without any */
    {HEADER, {"<a@example.com> Scan"}, NULL, "<e@example.com>", "a@example.com",
	0, 0},
    {HEADER, {"=?utf-8?Q?A?= a@example.com"}, NULL, "<e@example.com>",
	"a@example.com", 0, 0},
    {HEADER, {"Scan a@example.com"}, NULL, "<e@example.com>", "e@example.com",
	0, 0},
    /* the comma that should have been quoted */
    {HEADER, {"Doe, John <john@example.com>"}, NULL, "<e@example.com>",
	"john@example.com", 0, 0},
    /* the same mailbox twice is one */
    {HEADER, {"A <a@example.com>, a@EXAMPLE.com"}, NULL, "<e@example.com>",
	"a@example.com", 0, 0},
    {HEADER, {"a@example.com", "A <A@example.com>"}, NULL, "<e@example.com>",
	"a@example.com", 0, 0},
    {HEADER, {"", "a@example.com"}, NULL, "<e@example.com>", "a@example.com", 0,
	0},
    /* groups, RFC 6854 */
    {HEADER, {"Office: a@example.com;"}, NULL, "<e@example.com>",
	"a@example.com", 0, 0},
    {HEADER, {"Office:;"}, "s@example.com", "<e@example.com>", "s@example.com",
	0, 0},
    {HEADER, {"Office:;"}, NULL, "<e@example.com>", "e@example.com", 0, 0},
    {HEADER, {"Office: a@example.com, b@example.com;"}, "b@example.com",
	"<e@example.com>", "b@example.com", 0, 0},
    /* several: Sender, else the envelope */
    {HEADER, {"a@example.com, b@example.com"}, "S <s@example.com>",
	"<e@example.com>", "s@example.com", 0, 0},
    {HEADER, {"a@example.com", "b@example.com"}, "s@example.com",
	"<e@example.com>", "s@example.com", 0, 0},
    {HEADER, {"a@example.com", "b@example.com", "c@example.com"}, NULL,
	"<e@example.com>", "e@example.com", 0, 0},
    {HEADER, {"a@example.com, b@example.com"}, "s@example.com, t@example.com",
	"<e@example.com>", "e@example.com", 0, 0},
    {HEADER, {"a@example.com, b@example.com"}, "scanner", "<e@example.com>",
	"e@example.com", 0, 0},
    {HEADER, {"a@example.com, b@example.com"}, NULL, "<>", NULL, "5.7.1",
	"From is naming several mailboxes"},
    {HEADER, {"a@example.com", "b@example.com"}, NULL, "<>", NULL, "5.7.1",
	"From is naming several mailboxes"},
    /* none: the envelope, and Sender says nothing without a From */
    {HEADER, {NULL}, NULL, "<E@example.com>", "e@example.com", 0, 0},
    {HEADER, {NULL}, "s@example.com", "<e@example.com>", "e@example.com", 0, 0},
    {HEADER, {""}, NULL, "<e@example.com>", "e@example.com", 0, 0},
    {HEADER, {" (nobody) "}, NULL, "<e@example.com>", "e@example.com", 0, 0},
    {HEADER, {NULL}, NULL, "e@example.com", "e@example.com", 0, 0},
    {HEADER, {NULL}, NULL, "<@r.example:e@example.com>", "e@example.com", 0, 0},
    {HEADER, {NULL}, NULL, "<>", NULL, "5.7.1", "From is missing or empty"},
    {HEADER, {NULL}, NULL, "<scanner>", NULL, "5.7.1",
	"the envelope sender is without a full address"},
    /* malformed */
    {HEADER, {"Scanner Room 5"}, NULL, "<e@example.com>", "e@example.com", 0,
	0},
    {HEADER, {"scanner"}, "s@example.com", "<e@example.com>", "s@example.com",
	0, 0},
    {HEADER, {"\"open <a@example.com>"}, NULL, "<e@example.com>",
	"e@example.com", 0, 0},
    {HEADER, {"<a@example.com"}, NULL, "<>", NULL, "5.7.1",
	"From is without a full address"},
    {HEADER, {"a@b@example.com"}, NULL, "<>", NULL, "5.7.1",
	"From is without a full address"},
    /* what has no key is no address either */
    {HEADER, {"\"\001\"@example.com, a@example.com"}, "s@example.com",
	"<e@example.com>", "a@example.com", 0, 0},
    {HEADER, {"\"\001\"@example.com"}, "s@example.com", "<e@example.com>",
	"s@example.com", 0, 0},
    {HEADER, {"\"\001\"@example.com"}, NULL, "<>", NULL, "5.7.1",
	"From is without a full address"},
    /* the envelope decides */
    {ENVELOPE, {"a@example.com"}, NULL, "<e@example.com>", "e@example.com", 0,
	0},
    {ENVELOPE, {NULL}, NULL, "<e@example.com>", "e@example.com", 0, 0},
    {ENVELOPE, {"a@example.com"}, NULL, "<>", "a@example.com", 0, 0},
    {ENVELOPE, {"a@example.com"}, NULL, "<scanner>", "a@example.com", 0, 0},
    {ENVELOPE, {"a@b"}, "s@example.com", "<scanner>", "s@example.com", 0, 0},
    {ENVELOPE, {"a@example.com, b@example.com"}, "s@example.com", "<>",
	"s@example.com", 0, 0},
    {ENVELOPE, {NULL}, NULL, "<>", NULL, "5.7.1",
	"the envelope sender is missing or empty, From is missing or empty, "
	"Sender is missing or empty"},
    /* an address that cannot be a mailbox is as none: the next source */
    {HEADER, {"root@localhost"}, NULL, "<e@example.com>", "e@example.com", 0,
	0},
    {HEADER, {"\"UPS\" <apc@ups01>"}, "s@example.com", "<e@example.com>",
	"s@example.com", 0, 0},
    {HEADER, {"\"UPS\" <apc@ups01>"}, "apc@ups01", "<e@example.com>",
	"e@example.com", 0, 0},
    {HEADER, {"a@[192.0.2.1]"}, NULL, "<e@example.com>", "e@example.com", 0, 0},
    {HEADER, {"x@copier_2.example.com"}, NULL, "<e@example.com>",
	"e@example.com", 0, 0},
    {HEADER, {"x@192.0.2.1"}, NULL, "<e@example.com>", "e@example.com", 0, 0},
    {HEADER, {"\"a b\"@example.com"}, NULL, "<e@example.com>", "e@example.com",
	0, 0},
    {HEADER, {"a%b@example.com"}, NULL, "<e@example.com>", "e@example.com", 0,
	0},
    {HEADER, {"b\303\274x@example.com"}, NULL, "<e@example.com>",
	"e@example.com", 0, 0},
    {ENVELOPE, {"b\303\274x@example.com"}, NULL, "<e@example.com>",
	"e@example.com", 0, 0},
    {HEADER, {"root@localhost, a@example.com"}, "s@example.com",
	"<e@example.com>", "a@example.com", 0, 0},
    {HEADER, {"root@localhost, apc@ups01"}, NULL, "<e@example.com>",
	"e@example.com", 0, 0},
    {ENVELOPE, {"a@example.com"}, NULL, "<root@localhost>", "a@example.com", 0,
	0},
    {HEADER, {NULL}, "s@example.com", "<root@localhost>", "s@example.com", 0,
	0},
    {HEADER, {NULL}, "s@example.com", "<>", "s@example.com", 0, 0},
    /* none fit: all are named */
    {HEADER, {"root@localhost"}, NULL, "<>", NULL, "5.1.7",
	"From is <root@localhost> (its domain has no dot), Sender is missing "
	"or empty, the envelope sender is missing or empty"},
    {HEADER, {"Scanner"}, "x@192.0.2.1", "<root@nas>", NULL, "5.1.7",
	"From is without a full address, Sender is <x@192.0.2.1> (its domain "
	"ends in a number), the envelope sender is <root@nas> (its domain has "
	"no dot)"},
    {ENVELOPE, {"b\303\274x@example.com"}, NULL, "<a@[192.0.2.1]>", NULL,
	"5.1.7",
	"the envelope sender is <a@[192.0.2.1]> (it has an address literal "
	"instead of a domain), From is <b\303\274x@example.com> (it is not "
	"ASCII before the @)"},
    {HEADER, {"a@example.com, b@example.com"}, "a@b", "<>", NULL, "5.1.7",
	"From is naming several mailboxes, Sender is <a@b>"},
};

static struct span
whole(const char *text)
{
	return span_between(text, text + strlen(text));
}

static void
read_row(size_t i, struct mailbox_sources *s)
{
	size_t j;

	memset(s, 0, sizeof(*s));
	for (j = 0; j < 3 && rows[i].from[j] != NULL; j++)
		mailboxes_read(&s->from, whole(rows[i].from[j]));
	if (rows[i].sender != NULL)
		mailboxes_read(&s->sender, whole(rows[i].sender));
	if (strcmp(rows[i].envelope, "<>") != 0)
		mailboxes_read(&s->envelope, whole(rows[i].envelope));
}

static void
test_decide(void **state)
{
	struct mailbox_sources s;
	struct error err;
	char mailbox[MAILBOX_SIZE];
	size_t i;
	int result;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("row %zu: %s\n", i,
		    rows[i].from[0] == NULL ? "-" : rows[i].from[0]);
		read_row(i, &s);
		memset(&err, 0, sizeof(err));
		result =
		    mailbox_sources_decide(&s, rows[i].where, mailbox, &err);
		if (rows[i].mailbox != NULL) {
			assert_int_equal(result, 0);
			assert_string_equal(mailbox, rows[i].mailbox);
			continue;
		}
		assert_int_equal(result, -1);
		assert_int_equal(err.class, ERROR_PERMANENT);
		assert_string_equal(err.dsn, rows[i].dsn);
		assert_non_null(strstr(err.text, rows[i].text));
	}
}

#define L60 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz12345678"

static const struct {
	const char *address;
	const char *reason; /* NULL: fit */
} stamps[] = {
    {"a@example.com", NULL},
    {"j.doe+scan-5_x'y!#^~=&@a-1.example.com", NULL},
    {L60 "abcd@example.com", NULL},
    {"a@" L60 ".com", NULL},
    {"a@xn--mller-kva.example", NULL},
    {L60 "abcde@example.com", "64 bytes"},
    {"", "no domain"},
    {"@example.com", "local part"},
    {"a", "no domain"},
    {"a@", "no dot"},
    {"a@b", "no dot"},
    {"a@.com", "not a name"},
    {"a@example.", "not a name"},
    {"a@exa..mple.com", "not a name"},
    {"a@-a.com", "not a name"},
    {"a@a-.com", "not a name"},
    {"a@a_b.com", "not a name"},
    {"a@a b.com", "not a name"},
    {"a@a:25.com", "not a name"},
    {"a@a.com:25", "not a name"},
    {"a@b@example.com", "not a name"},
    {"a@m\303\274ller.example", "not a name"},
    {"a@" L60 "abcd.com", "not a name"},
    {"a@192.0.2.1", "number"},
    {"a@example.1", "number"},
    {"a@example.1a", NULL},
    {"a@1.example", NULL},
    {"a@[10.0.0.1]", "literal"},
    {"a@[ipv6:::1]", "literal"},
    {"\"a b\"@example.com", "quotes"},
    {".a@example.com", "dot"},
    {"a.@example.com", "dot"},
    {"a..b@example.com", "dot"},
};

static void
test_unfit(void **state)
{
	const char *reason;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(stamps) / sizeof(stamps[0]); i++) {
		print_message("row %zu: %s\n", i, stamps[i].address);
		reason = mailbox_unfit(stamps[i].address);
		if (stamps[i].reason == NULL)
			assert_null(reason);
		else {
			assert_non_null(reason);
			assert_non_null(strstr(reason, stamps[i].reason));
		}
	}
}

/* Every single byte: what is let through is what the list says. */
static void
test_bytes(void **state)
{
	const char *fit = "abcdefghijklmnopqrstuvwxyz0123456789-_'+!#^~=&";
	char address[32];
	int c;

	(void)state;
	for (c = 1; c < 256; c++) {
		snprintf(address, sizeof(address), "x%cy@example.com", c);
		if (c == '.' || strchr(fit, c) != NULL)
			assert_null(mailbox_unfit(address));
		else
			assert_non_null(mailbox_unfit(address));
	}
}

/* 254 bytes go, 255 do not. */
static void
test_length(void **state)
{
	char address[MAILBOX_SIZE + 1];
	size_t i;

	(void)state;
	memcpy(address, "a@", 2);
	for (i = 2; i < MAILBOX_SIZE; i++)
		address[i] = i % 50 == 0 ? '.' : 'x';
	address[MAILBOX_SIZE - 1] = '\0';
	assert_null(mailbox_unfit(address));
	address[MAILBOX_SIZE - 1] = 'x';
	address[MAILBOX_SIZE] = '\0';
	assert_non_null(mailbox_unfit(address));
}

/* An address too long for a key names nobody: the next source decides. */
static void
test_too_long_for_key(void **state)
{
	struct mailbox_sources s;
	char from[ADDRESS_KEY_SIZE + 64], mailbox[MAILBOX_SIZE];
	struct error err;

	(void)state;
	memset(&s, 0, sizeof(s));
	memset(from, 'x', sizeof(from));
	memcpy(from + sizeof(from) - 14, "@example.com", 13);
	mailboxes_read(&s.from, whole(from));
	mailboxes_read(&s.envelope, whole("<e@example.com>"));
	assert_int_equal(mailbox_sources_decide(&s, HEADER, mailbox, &err), 0);
	assert_string_equal(mailbox, "e@example.com");
	/* beside another it is passed over, as what is no address */
	mailboxes_read(&s.from, whole("a@example.com"));
	assert_int_equal(mailbox_sources_decide(&s, HEADER, mailbox, &err), 0);
	assert_string_equal(mailbox, "a@example.com");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_decide),
	    cmocka_unit_test(test_unfit),
	    cmocka_unit_test(test_bytes),
	    cmocka_unit_test(test_length),
	    cmocka_unit_test(test_too_long_for_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
