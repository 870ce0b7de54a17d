/*
 * Who From and Sender name in the end (agent/pipe/header/from.c), and by which
 * Message-ID a message may be asked for (agent/pipe/submit/message_id.c). The
 * mailbox that sends is m@x.de.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/pipe/header/orders.h"
#include "agent/pipe/submit/message_id.h"
#include "agent_pass.h"

/* Who the mail goes to is not the matter here. */
#define T "To: a@x.de\r\n"
#define A                \
	{                \
		"a@x.de" \
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

#define EW "=?utf-8?q?M=C3=BC?="

static const struct rewrite_rules normal = {.mailbox = PASS_MAILBOX};
static const struct rewrite_rules bounce = {
    .mailbox = PASS_MAILBOX, .is_bounce = 1};

static const struct rewrite_rules replaced = {
    .mailbox = PASS_MAILBOX, .replace_from = 1};

/* From of an entry with from=, whatever the client wrote. */
static const struct pass replaced_rows[] = {
    SAME("From: m@x.de"),
    SAME("From: Our name <M@x.de>"),
    ROW("From: s@x.de", "From: m@x.de\r\nReply-To: s@x.de"),
    ROW("From: \"B, S\" <S@x.de>\r\nX: y",
	"From: \"B, S\" <m@x.de>\r\nReply-To: s@x.de\r\nX: y"),
    ROW("From: s@x.de <s@x.de>", "From: m@x.de\r\nReply-To: s@x.de"),
    ROW("From: S <s@x.de>\r\nReply-To: r@x.de",
	"From: S <m@x.de>\r\nReply-To: r@x.de"),
    ROW("Reply-To:\r\nFrom: S <s@x.de>", "Reply-To:\r\nFrom: S <m@x.de>"),
    ROW("From: S <s@x.de>\r\nSender: s@x.de",
	"From: S <m@x.de>\r\nReply-To: s@x.de"),
    ROW("From: S <s@x.de>\r\nSender: M <m@x.de>",
	"From: S <m@x.de>\r\nReply-To: s@x.de"),
    /* that cannot receive mail */
    ROW("From: Cron <root@localhost>", "From: Cron <m@x.de>"),
    ROW("From: Scanner", "From: m@x.de"),
    /* several */
    ROW("From: A <a@x.de>, M <m@x.de>", "From: M <m@x.de>"),
    ROW("From: a@x.de, b@x.de", "From: m@x.de"),
    ROW("From: root@nas, S <s@x.de>", "From: S <m@x.de>\r\nReply-To: s@x.de"),
};

static const struct pass rows[] = {
    SAME("From: m@x.de"),
    SAME("from:  \"M, m\" <M@X.DE> (c)"),
    SAME("From: =?utf-8?q?M=C3=BC?=\r\n <m@x.de>"),
    /* sending as another is a right that an admin gives */
    SAME("From: S <s@x.de>"),
    /* a name with a '@' */
    ROW("From: m@x.de <m@x.de>", "From: m@x.de"),
    ROW("From: \"m@x.de\" <m@x.de>", "From: m@x.de"),
    ROW("From: Scan to m@x.de <M@x.de>", "From: M@x.de"),
    ROW("From: =?utf-8?q?m=40x?= <m@x.de>", "From: m@x.de"),
    ROW("From: =?utf-8?B?bUB4?= <m@x.de>", "From: m@x.de"),
    ROW("From: =?utf-8?q?a?= =?utf-8?B?bUB4?= <m@x.de>", "From: m@x.de"),
    ROW("From: m@x.de (m@x.de)", "From: m@x.de"),
    ROW("From: =?ut\\f-8?q?m=40x?= <m@x.de>", "From: m@x.de"),
    ROW("From: (a@x.de) M <m@x.de>", "From: m@x.de"),
    ROW("From: M <@r.x:m@x.de>", "From: M <m@x.de>"),
    SAME("From: =?big5?B?pEA=?= <m@x.de>"),
    ROW("From: =?utf-8?Q?Doe,_J?= <m@x.de>",
	"From: =?utf-8?Q?Doe=2C_J?= <m@x.de>"),
    SAME("From: =?utf-8?q?m?= at x <m@x.de>"),
    /* a character of two bytes in an unknown charset */
    ROW("From: \"\xA5\\\" <s@x.de>", "From: s@x.de"),
    ROW("From: (\xA5\\) s@x.de", "From: s@x.de"),
    /* several */
    ROW("From: A <a@x.de>, M <m@x.de>", "From: M <m@x.de>"),
    ROW("From: m@x.de, M <M@x.de>", "From: m@x.de"),
    ROW("From: a@x.de, b@x.de", "From: m@x.de"),
    ROW("From: a@x.de\r\nX: y\r\nFrom: m@x.de", "From: m@x.de\r\nX: y"),
    ROW("From: s@x.de\r\nFrom: s@x.de", "From: s@x.de"),
    /* groups */
    ROW("From: Office: M <m@x.de>;", "From: M <m@x.de>"),
    ROW("From: Office: a@x.de, m@x.de;", "From: m@x.de"),
    ROW("From: Office:;", "From: m@x.de"),
    /* malformed */
    ROW("From: Doe, John <s@x.de>", "From: John <s@x.de>"),
    ROW("From: Scan [3] <m@x.de>", "From: \"Scan [3]\" <m@x.de>"),
    ROW("From: m@x.de;", "From: m@x.de"),
    ROW("From: m@x.de,;", "From: m@x.de"),
    SAME("From: (=?u?Q?x) M <m@x.de>"),
    ROW("From: (=?u?Q?x) M <m@x.de>, (?=)", "From: \"M\" <m@x.de>"),
    ROW("From: =?u?Q?\"?= [a] \"M <m@x.de>", "From: m@x.de"),
    ROW("From: Scanner", "From: m@x.de"),
    /* a name that touches the brackets, stands behind them or has none */
    SAME("From: " EW "<s@x.de>"),
    SAME("From: \"S\"<s@x.de>"),
    ROW("From: <s@x.de> " EW, "From: " EW " <s@x.de>"),
    ROW("From: <s@x.de>" EW, "From: " EW " <s@x.de>"),
    ROW("From: <s@x.de> Scan 3", "From: \"Scan 3\" <s@x.de>"),
    ROW("From: <s@x.de> \"Scan (3)\"", "From: \"Scan (3)\" <s@x.de>"),
    ROW("From: " EW " <s@x.de> " EW, "From: " EW " <s@x.de>"),
    ROW("From: S <s@x.de> T", "From: \"S\" <s@x.de>"),
    ROW("From: <apc@ups01> " EW, "From: " EW " <m@x.de>"),
    ROW("From: " EW " s@x.de", "From: " EW " <s@x.de>"),
    ROW("From: a " EW "\r\n " EW "  s@x.de", "From: a " EW " " EW " <s@x.de>"),
    ROW("From: " EW " apc@ups01", "From: " EW " <m@x.de>"),
    ROW("From: " EW " s@x.de, t@x.de", "From: m@x.de"),
    ROW("From: Scan s@x.de", "From: m@x.de"),
    ROW("From: " EW " Scan s@x.de", "From: m@x.de"),
    ROW("From: <s@x.de> t@x.de", "From: m@x.de"),
    ROW("From: <s@x.de> <t@x.de>", "From: m@x.de"),
    ROW("From: <s@x.de> a@b " EW, "From: m@x.de"),
    /* a word with what none may hold, which some take for a comment */
    ROW("From: =?utf-8?q?A(B)_=22C?= <s@x.de>",
	"From: =?utf-8?q?A=28B=29_=22C?= <s@x.de>"),
    ROW("From: =?utf-8?q?A.B?= [1] <s@x.de>", "From: s@x.de"),
    ROW("From: <s@x.de> =?utf-8?q?a=40b?=", "From: s@x.de"),
    ROW("From:", "From: m@x.de"),
    ROW("From: a..b@x.de", "From: m@x.de\r\nReply-To: \"a..b\"@x.de"),
    ROW("From: M <m@x.de.>", "From: \"M\" <m@x.de>"),
    ROW("From: M <S@\303\234.de>", "From: M <S@xn--tda.de>"),
    ROW("From: M@y <S@\303\234.de>", "From: S@xn--tda.de"),
    /* no address that can be compared names anybody: mailboxes.c */
    ROW("From: \"\001\"@x.de, a@x.de", "From: a@x.de"),
    ROW("From: \"\001\"@x.de", "From: m@x.de"),
    /* none that a mailbox can have: the name stays */
    ROW("From: root@localhost", "From: m@x.de"),
    ROW("From: \"UPS 1\" <apc@ups01>", "From: \"UPS 1\" <m@x.de>"),
    ROW("From: apc@ups01 (UPS 1)", "From: m@x.de (UPS 1)"),
    ROW("From: copier@[192.0.2.5]", "From: m@x.de"),
    ROW("From: a@[x@y]", "From: m@x.de"),
    ROW("From: a@[x\\y]", "From: m@x.de"),
    ROW("From: C <x@copier_2.x.de>", "From: C <m@x.de>"),
    ROW("From: x@192.0.2.1", "From: m@x.de"),
    ROW("From: B\303\274x <b\303\274x@x.de>", "From: B\303\274x <m@x.de>"),
    ROW("From: root@localhost <root@localhost>", "From: m@x.de"),
    ROW("From: A <a@b>, C <c@d>", "From: m@x.de"),
    ROW("From: A <a@b>, C <c@x.de>", "From: C <c@x.de>"),
    ROW("From: a@b\r\nFrom: C <c@x.de>", "From: C <c@x.de>"),
    ROW("From: Office: R <root@localhost>;", "From: R <m@x.de>"),
    /* but that can receive mail: answers go there */
    ROW("From: A <a%b@x.de>", "From: A <m@x.de>\r\nReply-To: a%b@x.de"),
    ROW("From: \"a b\"@X.de\r\nX: y",
	"From: m@x.de\r\nReply-To: \"a b\"@x.de\r\nX: y"),
    ROW("Reply-To: r@x.de\r\nFrom: a%b@x.de",
	"Reply-To: r@x.de\r\nFrom: m@x.de"),
    ROW("From: a%b@x.de\r\nreply-to:", "From: m@x.de\r\nreply-to:"),
    ROW("From: a%b@x.de, root@b", "From: m@x.de"),
    /* Sender */
    ROW("From: m@x.de\r\nSender: M <M@x.de>\r\nX: y", "From: m@x.de\r\nX: y"),
    ROW("Sender: m@x.de\r\nFrom: a@x.de, m@x.de", "From: m@x.de"),
    ROW("Sender: m@x.de\r\nFrom: a@x.de, b@x.de", "From: m@x.de"),
    ROW("From: m@x.de\r\nSender:\r\nSender: Scanner", "From: m@x.de"),
    SAME("From: s@x.de\r\nSender: m@x.de"),
    ROW("From: m@x.de\r\nSender: m@x.de, s@x.de", "From: m@x.de"),
    ROW("From: m@x.de\r\nSender: root@web-7f9c", "From: m@x.de"),
    ROW("Sender: S <s@x.de>\r\nFrom: s@x.de", "From: s@x.de"),
    ROW("From: s@x.de\r\nSender: t@x.de", "From: s@x.de"),
    ROW("Sender: s@x.de\r\nX: y", "X: y"),
    ROW("Sender: Scanner\r\nX: y", "X: y"),
    SAME("Sender: m@x.de"),
};

static const struct pass bounces[] = {
    ROW("From: MAILER-DAEMON@r.x (Mail Delivery System)",
	"From: m@x.de (Mail Delivery System)"),
    ROW("From: Mail Delivery System <MAILER-DAEMON@r.x>",
	"From: Mail Delivery System <m@x.de>"),
    ROW("From: MAILER-DAEMON", "From: m@x.de"),
    ROW("From: s@x.de <s@x.de>", "From: m@x.de"),
    ROW("From: S <s@x.de>, b@x.de", "From: S <m@x.de>"),
    SAME("From: M <m@x.de>"),
    ROW("From: M <mailer-daemon@localhost>", "From: M <m@x.de>"),
    ROW("From: \"a b\"@x.de", "From: m@x.de"),
};

#define RUN(table, rules) \
	pass_rows(table, sizeof(table) / sizeof(table[0]), rules)

static void
test_rows(void **state)
{
	(void)state;
	RUN(rows, &normal);
	RUN(bounces, &bounce);
	RUN(replaced_rows, &replaced);
}

/* The header is in UTF-8 now; what it came as is what the milter has read. */
static const struct {
	const char *raw;
	struct pass pass;
} converted[] = {
    {"From: \"\xA5\\\" <s@x.de>" E, SAME("From: \"\345\212\237\" <s@x.de>")},
    {"From: \xA4@ <s@x.de>" E, SAME("From: \344\270\200 <s@x.de>")},
    /* each reading finds another address, or only one finds any */
    {"From: \"\xA5\\\" <s@x.de>, \" <t@x.de>" E,
	ROW("From: \"\345\212\237\" <s@x.de>, \" <t@x.de>",
	    "From: \"\345\212\237\" <m@x.de>")},
    {"From: \"\xA5\\\" <s@x.de>, \" <t@x.de>" E,
	ROW("From: \345\212\237 <s@x.de>", "From: \345\212\237 <m@x.de>")},
    {"From: S" E, ROW("From: S <s@x.de>", "From: S <m@x.de>")},
    {"From: S <s@x.de>" E, ROW("From: S", "From: m@x.de")},
};

static void
test_converted(void **state)
{
	struct rewrite_rules rules = normal;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(converted) / sizeof(converted[0]); i++) {
		rules.raw = pass_text(converted[i].raw);
		pass_rows(&converted[i].pass, 1, &rules);
	}
}

/* What the milter cannot have stamped. */
static void
test_no_mailbox(void **state)
{
	static const struct rewrite_rules odd = {.mailbox = "\303\274@x.de"};
	const struct pass pass = {A, T "From: a@b" E, NULL, {0}};
	struct error err;
	struct buf out;

	(void)state;
	buf_init(&out, 1024);
	assert_int_equal(
	    pass_run(&pass, pass_text(pass.in), &odd, &out, &err), -1);
	assert_int_equal(err.class, ERROR_OURS);
	assert_string_equal(err.dsn, "4.3.5");
	buf_free(&out);
}

/*
 * A header that is full, and an author that gets longer: no matter of memory.
 */
static void
test_too_long(void **state)
{
	static const struct rewrite_rules longer = {
	    .mailbox = "a-mailbox-with-a-long-name@x.de", .is_bounce = 1};
	static char in[SPOOL_HEAD_MAX + 1];
	const struct pass pass = {A, in, NULL, {0}};
	struct error err;
	struct buf out;
	size_t len;

	(void)state;
	len = (size_t)sprintf(in, T "From: a@x.de (");
	memset(in + len, 'c', SPOOL_HEAD_MAX - len);
	strcpy(in + SPOOL_HEAD_MAX - 5, ")\r\n\r\n");
	buf_init(&out, 2 * SPOOL_HEAD_MAX);
	assert_int_equal(
	    pass_run(&pass, pass_text(in), &longer, &out, &err), -1);
	assert_int_equal(err.class, ERROR_PERMANENT);
	assert_string_equal(err.dsn, "5.6.0");
	buf_free(&out);
}

static const struct {
	const char *head;
	struct orders orders;
} orders[] = {
    {"From: m@x.de" E, {0, 0}},
    {"X-MSGraph-From: replace" E, {1, 0}},
    {"x-msgraph-from:\r\n  Replace \r\nX-MSGRAPH-RECIPIENTS:trim" E, {1, 1}},
    {"X-MSGraph-Recipients: trim\r\nX-MSGraph-Recipients: keep" E, {0, 1}},
    {"X-MSGraph-From: replace it\r\nX-MSGraph-From:\r\nX-MSGraph: trim" E,
	{0, 0}},
    {"Subject: s" E "X-MSGraph-From: replace\r\n", {0, 0}},
};

static void
test_orders(void **state)
{
	struct orders got;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		got = orders_read(pass_text(orders[i].head));
		assert_int_equal(
		    got.replace_from, orders[i].orders.replace_from);
		assert_int_equal(got.trim, orders[i].orders.trim);
	}
}

static void
test_message_id(void **state)
{
	static const char *const ids[][2] = {
	    {"Message-ID: <a@x.de>" E, "<a@x.de>"},
	    {"X: y\r\nmessage-id:\r\n <a'b@x.de> " E, "<a'b@x.de>"},
	    {"Subject: s" E "Message-ID: <a@x.de>\r\n", ""},
	    {"Message-ID: <a@x.de>\r\nMessage-ID: <a@x.de>" E, ""},
	    {"Message-ID: a@x.de" E, ""},
	    {"Message-ID: <>" E, ""},
	    {"Message-ID: <a@x.de> (c)" E, ""},
	    {"Message-ID: <a @x.de>" E, ""},
	    {"Message-ID: <a@x.de> <b@x.de>" E, ""},
	    {"Message-ID: <\303\274@x.de>" E, ""},
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
	    cmocka_unit_test(test_converted),
	    cmocka_unit_test(test_no_mailbox),
	    cmocka_unit_test(test_too_long),
	    cmocka_unit_test(test_message_id),
	    cmocka_unit_test(test_orders),
	};

	return cmocka_run_group_tests_name("agent_from", tests, NULL, NULL);
}
