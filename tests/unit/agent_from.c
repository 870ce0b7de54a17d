/*
 * Who From and Sender name in the end (agent/pipe/header/from.c), and by which
 * Message-ID a message may be asked for (agent/pipe/submit/message_id.c). The mailbox
 * that sends is m@x.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/pipe/submit/message_id.h"
#include "agent_pass.h"

/* Who the mail goes to is not the matter here. */
#define T "To: a@x\r\n"
#define A             \
	{             \
		"a@x" \
	}
#define E "\r\n\r\n"
#define ROW(in, out)                \
	{                           \
		A, T in E, T out E, \
		{                   \
			0           \
		}                   \
	}
#define SAME(in)                 \
	{                        \
		A, T in E, NULL, \
		{                \
			0        \
		}                \
	}

static const struct rewrite_rules normal = {.mailbox = PASS_MAILBOX};
static const struct rewrite_rules bounce = {
    .mailbox = PASS_MAILBOX, .is_bounce = 1};

static const struct pass rows[] = {
    SAME("From: m@x"),
    SAME("from:  \"M, m\" <M@X> (c)"),
    SAME("From: =?utf-8?q?M=C3=BC?=\r\n <m@x>"),
    /* sending as another is a right that an admin gives */
    SAME("From: S <s@x>"),
    /* a name with a '@' */
    ROW("From: m@x <m@x>", "From: m@x"),
    ROW("From: \"m@x\" <m@x>", "From: m@x"),
    ROW("From: Scan to m@x <M@x>", "From: M@x"),
    ROW("From: =?utf-8?q?m=40x?= <m@x>", "From: m@x"),
    ROW("From: =?utf-8?B?bUB4?= <m@x>", "From: m@x"),
    ROW("From: =?utf-8?q?a?= =?utf-8?B?bUB4?= <m@x>", "From: m@x"),
    ROW("From: m@x (m@x)", "From: m@x"),
    ROW("From: =?ut\\f-8?q?m=40x?= <m@x>", "From: m@x"),
    ROW("From: (a@x) M <m@x>", "From: m@x"),
    ROW("From: M <@r.x:m@x>", "From: M <m@x>"),
    SAME("From: =?big5?B?pEA=?= <m@x>"),
    SAME("From: =?utf-8?q?m?= at x <m@x>"),
    /* several */
    ROW("From: A <a@x>, M <m@x>", "From: M <m@x>"),
    ROW("From: m@x, M <M@x>", "From: m@x"),
    ROW("From: a@x, b@x", "From: m@x"),
    ROW("From: a@x\r\nX: y\r\nFrom: m@x", "From: m@x\r\nX: y"),
    ROW("From: s@x\r\nFrom: s@x", "From: s@x"),
    /* groups */
    ROW("From: Office: M <m@x>;", "From: M <m@x>"),
    ROW("From: Office: a@x, m@x;", "From: m@x"),
    ROW("From: Office:;", "From: m@x"),
    /* malformed */
    ROW("From: Doe, John <s@x>", "From: John <s@x>"),
    ROW("From: Scan [3] <m@x>", "From: \"Scan [3]\" <m@x>"),
    ROW("From: m@x;", "From: m@x"),
    ROW("From: m@x,;", "From: m@x"),
    SAME("From: (=?u?Q?x) M <m@x>"),
    ROW("From: (=?u?Q?x) M <m@x>, (?=)", "From: \"M\" <m@x>"),
    ROW("From: =?u?Q?\"?= [a] \"M <m@x>", "From: m@x"),
    ROW("From: Scanner", "From: m@x"),
    ROW("From:", "From: m@x"),
    ROW("From: a..b@x", "From: \"a..b\"@x"),
    ROW("From: M <m@x.>", "From: \"M\" <m@x>"),
    ROW("From: M <S@\303\234.de>", "From: M <S@xn--tda.de>"),
    ROW("From: M@y <S@\303\234.de>", "From: S@xn--tda.de"),
    /* no address that can be compared names anybody: see lib/mailboxes.c */
    ROW("From: \"\001\"@x, a@x", "From: a@x"),
    ROW("From: \"\001\"@x", "From: m@x"),
    /* Sender */
    ROW("From: m@x\r\nSender: M <M@x>\r\nX: y", "From: m@x\r\nX: y"),
    ROW("Sender: m@x\r\nFrom: a@x, m@x", "From: m@x"),
    ROW("Sender: m@x\r\nFrom: a@x, b@x", "From: m@x"),
    ROW("From: m@x\r\nSender:\r\nSender: Scanner", "From: m@x"),
    SAME("From: s@x\r\nSender: m@x"),
    SAME("From: m@x\r\nSender: m@x, s@x"),
    SAME("Sender: m@x"),
};

static const struct pass bounces[] = {
    ROW("From: MAILER-DAEMON@r.x (Mail Delivery System)",
	"From: m@x (Mail Delivery System)"),
    ROW("From: Mail Delivery System <MAILER-DAEMON@r.x>",
	"From: Mail Delivery System <m@x>"),
    ROW("From: MAILER-DAEMON", "From: m@x"),
    ROW("From: s@x <s@x>", "From: m@x"),
    ROW("From: S <s@x>, b@x", "From: S <m@x>"),
    SAME("From: M <m@x>"),
};

#define RUN(table, rules) \
	pass_rows(table, sizeof(table) / sizeof(table[0]), rules)

static void
test_rows(void **state)
{
	(void)state;
	RUN(rows, &normal);
	RUN(bounces, &bounce);
}

static void
test_refused(void **state)
{
	static const struct {
		struct pass pass;
		const char *dsn;
	} refused[] = {
	    {{A, T "From: \303\274@x" E, NULL, {0}}, "5.6.7"},
	    {{A, T "From: a@[x\\y]" E, NULL, {0}}, NULL}, /* no address */
	    {{A, T "From: a@[x@y]" E, NULL, {0}}, "5.6.0"},
	};
	struct error err;
	struct buf out;
	size_t i;
	int result;

	(void)state;
	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		buf_init(&out, 1024);
		result = pass_run(&refused[i].pass,
		    pass_text(refused[i].pass.in), &normal, &out, &err);
		assert_int_equal(result == -1, refused[i].dsn != NULL);
		if (result == -1) {
			assert_int_equal(err.class, ERROR_PERMANENT);
			assert_string_equal(err.dsn, refused[i].dsn);
		}
		buf_free(&out);
	}
}

/* A header that is full, and an author that gets longer: no matter of memory. */
static void
test_too_long(void **state)
{
	static const struct rewrite_rules longer = {
	    .mailbox = "a-mailbox-with-a-long-name@x", .is_bounce = 1};
	static char in[SPOOL_HEAD_MAX + 1];
	const struct pass pass = {A, in, NULL, {0}};
	struct error err;
	struct buf out;
	size_t len;

	(void)state;
	len = (size_t)sprintf(in, T "From: a@x (");
	memset(in + len, 'c', SPOOL_HEAD_MAX - len);
	strcpy(in + SPOOL_HEAD_MAX - 5, ")\r\n\r\n");
	buf_init(&out, 2 * SPOOL_HEAD_MAX);
	assert_int_equal(
	    pass_run(&pass, pass_text(in), &longer, &out, &err), -1);
	assert_int_equal(err.class, ERROR_PERMANENT);
	assert_string_equal(err.dsn, "5.6.0");
	buf_free(&out);
}

static void
test_message_id(void **state)
{
	static const char *const ids[][2] = {
	    {"Message-ID: <a@x>" E, "<a@x>"},
	    {"X: y\r\nmessage-id:\r\n <a'b@x> " E, "<a'b@x>"},
	    {"Subject: s" E "Message-ID: <a@x>\r\n", ""},
	    {"Message-ID: <a@x>\r\nMessage-ID: <a@x>" E, ""},
	    {"Message-ID: a@x" E, ""},
	    {"Message-ID: <>" E, ""},
	    {"Message-ID: <a@x> (c)" E, ""},
	    {"Message-ID: <a @x>" E, ""},
	    {"Message-ID: <a@x> <b@x>" E, ""},
	    {"Message-ID: <\303\274@x>" E, ""},
	    {"Message-ID:" E, ""},
	};
	char id[MESSAGE_ID_SIZE], longest[MESSAGE_ID_SIZE + 64];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		assert_string_equal(
		    message_id_read(pass_text(ids[i][0]), id), ids[i][1]);
	for (i = 509; i <= 510; i++) {
		snprintf(longest, sizeof(longest), "Message-ID: <%0*d>" E,
		    (int)i, 0);
		message_id_read(pass_text(longest), id);
		assert_int_equal(strlen(id), i == 509 ? 511 : 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_too_long),
	    cmocka_unit_test(test_message_id),
	};

	return cmocka_run_group_tests_name("agent_from", tests, NULL, NULL);
}
