/*
 * Which addresses MAIL FROM and RCPT TO may name (milter/envelope.c). A row is
 * the argument and the status code, or NULL where it is taken.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "milter/envelope.h"

#define L64 "1234567890123456789012345678901234567890123456789012345678901234"

struct row {
	const char *argument, *dsn;
};

static const struct row senders[] = {
    {"<>", NULL},
    {"<a@example.com>", NULL},
    {"<\"a b\"@example.com>", NULL},
    {"<scanner>", NULL},
    {"<a@m\303\274ller.example>", NULL},
    {"<\303\274@example.com>", "5.6.7"},
    {"<\"a\001b\"@example.com>", "5.1.7"},
    {"<\"a\177b\"@example.com>", "5.1.7"},
    {"<\"a\tb\"@example.com>", "5.1.7"},
};

static const struct row recipients[] = {
    {"<a@example.com>", NULL},
    {"a@example.com", NULL},
    {"<\"a b\"@example.com>", NULL},
    {"<a..b@example.com>", NULL},
    {"<a@example.com.>", NULL},
    {"<a@m\303\274ller.example>", NULL},
    {"<@r.example:a@example.com>", NULL},
    {"<@r.example,@s.example:a@example.com>", NULL},
    {"<" L64 "@" L64 "." L64 "." L64 ">", "5.1.3"},
    {"<" L64 L64 "@example.com>", NULL},
    /* Postfix makes addresses of these */
    {"<root>", NULL},
    {"<a@example.com;>", NULL},
    {"<a@b!c@example.com>", NULL},
    /* and no good ones of these */
    {"<@example.com>", "5.1.3"},
    {"@example.com", "5.1.3"},
    {"<\"\"@example.com>", "5.1.3"},
    {"<\"a\001b\"@example.com>", "5.1.3"},
    {"<\"a\177b\"@example.com>", "5.1.3"},
    {"<=?u?q?x?=@example.com>", "5.1.3"},
    {"<\303\274@example.com>", "5.6.7"},
    {"<a@\303.example>", "5.1.3"},
    /* no domain that can be one: the rule that mailboxes have */
    {"<a@localhost>", "5.1.3"},
    {"<a@localhost.>", "5.1.3"},
    {"<a@[192.0.2.1]>", "5.1.3"},
    {"<a@[ipv6:::1]>", "5.1.3"},
    {"<a@[192.0.2.1>", "5.1.3"},
    {"<@r.example:a@[192.0.2.1]>", "5.1.3"},
    {"<a@192.0.2.1>", "5.1.3"},
    {"<a@example.1>", "5.1.3"},
    {"<a@my_host.example.com>", "5.1.3"},
    {"<a@-x.example.com>", "5.1.3"},
    {"<a@m\303\274ller>", "5.1.3"},
    {"<\"a@b.c\"@localhost>", "5.1.3"},
    {"<\"a b\"@1.example.com>", NULL},
};

static void
check(int (*take)(const char *, struct error *), const struct row *rows,
    size_t count)
{
	struct error err;
	size_t i;
	int result;

	for (i = 0; i < count; i++) {
		memset(&err, 0, sizeof(err));
		result = take(rows[i].argument, &err);
		if (result != (rows[i].dsn == NULL ? 0 : -1))
			fail_msg(
			    "%s: %d %s", rows[i].argument, result, err.text);
		if (rows[i].dsn == NULL)
			continue;
		assert_int_equal(err.class, ERROR_PERMANENT);
		assert_string_equal(err.dsn, rows[i].dsn);
	}
}

static void
test_senders(void **state)
{
	(void)state;
	check(envelope_sender, senders, sizeof(senders) / sizeof(*senders));
}

static void
test_recipients(void **state)
{
	(void)state;
	check(envelope_recipient, recipients,
	    sizeof(recipients) / sizeof(*recipients));
}

/* Of any length, up to what Postfix lets through and beyond. */
static void
test_long(void **state)
{
	static char argument[70000];
	struct error err;
	size_t n;

	(void)state;
	for (n = 200; n < sizeof(argument) - 20; n = n * 9 / 8) {
		argument[0] = '<';
		memset(argument + 1, 'x', n);
		strcpy(argument + 1 + n, "@example.com>");
		assert_int_equal(envelope_recipient(argument, &err),
		    n + strlen("@example.com") > 254 ? -1 : 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_senders),
	    cmocka_unit_test(test_recipients),
	    cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests_name(
	    "milter_envelope", tests, NULL, NULL);
}
