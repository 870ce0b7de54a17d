/*
 * Whom To, Cc, Bcc and Resent-* name in the end (agent/pipe/header/lists.c). A
 * row is an envelope, a message, and what the message becomes; NULL where it
 * stays as it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent_pass.h"

#define E "\r\n\r\n" /* end of the header */

static const struct rewrite_rules trim = {.mailbox = PASS_MAILBOX};
static const struct rewrite_rules keep = {.mailbox = PASS_MAILBOX, .keep = 1};

static const struct pass same[] = {
    {{"a@x", "b@x"}, "To: a@x\r\nCc: b@x" E, NULL, {0}},
    {{"a@x", "b@x"}, "TO: A <A@X>,\r\n \"b\" (c) @ x" E, NULL, {0}},
    {{"a@x", "b@x"}, "To: g: a@x, b@x;" E, NULL, {0}},
    {{"a@x"}, "To: =?u?Q?x <a@x>" E, NULL, {0}},
    {{"a@x"}, "To: g: a@x; (c)" E, NULL, {0}},
    {{"\"a b\"@x"}, "To: \"a b\"@x" E, NULL, {0}},
    {{"a.b@x"}, "To: \"a.b\"@x" E, NULL, {0}},
    {{"a@x", "A@x"}, "To: a@x" E, NULL, {0}},
    {{"a@\303\274.de"}, "To: a@xn--tda.de" E, NULL, {0}},
    {{"a@xn--tda.de"}, "To: A <a@xn--tda.de>" E, NULL, {0}},
    {{"a@x"}, "To: =?utf-8?q?b=40x?= <a@x>" E, NULL, {0}},
    {{"a@x"}, "To: a@x <a@x>" E, "To: a@x" E, {0}},
    {{"a@x"}, "To: A@X <a@x>" E, "To: a@x" E, {0}},
    {{"a@x"}, "To: b@x at home <a@x>" E, "To: \"b@x at home\" <a@x>" E, {0}},
    {{"a@x"}, "To: 'a@x'" E, "To: a@x" E, {0}},
    {{"a@x"}, "Cc: 'a@x' <a@x>" E, "Cc: \"'a@x'\" <a@x>" E, {0}},
    {{"a@x"}, "To: A <'a@x'>" E, "To: \"A\" <a@x>" E, {0}},
    {{"'a@x'"}, "To: a@x" E, NULL, {0}},
    {{"'a@x'"}, "X: y" E, "X: y\r\nBcc: a@x" E, {0}},
    {{"o'a@x"}, "To: O'A <o'a@x>" E, NULL, {0}},
    {{"a@x", "b@x"}, "To: a@x,, b@x, (c)" E, NULL, {0}},
    {{"a@x"}, "Bcc: A <a@X>\r\nX: y" E, NULL, {0}},
    {{"a@x", "b@x"}, "Bcc: b@x, a@x" E, NULL, {0}},
    {{"a@x"}, "Bcc: g: a@x;" E, NULL, {0}},
};

/* What the envelope lacks goes; what stays keeps its bytes. */
static const struct pass trimmed[] = {
    {{"a@x"}, "To: a@x, c@x" E, "To: a@x" E, {0}},
    {{"a@x"}, "To: c@x, a@x" E, "To: a@x" E, {0}},
    {{"a@x"}, "To:c@x, a@x" E, "To: a@x" E, {0}},
    {{"a@x"}, "To: a@x\r\nCc: c@x\r\nX: y" E, "To: a@x\r\nX: y" E, {0}},
    {{"a@x"}, "To: c@x" E, "Bcc: a@x" E, {0}},
    {{"a@x"}, "To: \"a@x\" <b@x>" E, "Bcc: a@x" E, {0}},
    {{"a@x"}, "To: b@x (a@x)" E, "Bcc: a@x" E, {0}},
    {{"a@x"}, "To: a@x\r\nTo:\r\nCc: (c)" E, "To: a@x" E, {0}},
    {{"a@x", "c@x"},
	"TO : \"A, a\" <a@x>,\r\n\tB <b@x>,\r\n\tC (c)\r\n <c@x>, d@x" E,
	"TO: \"A, a\" <a@x>,\r\n\tC (c)\r\n <c@x>" E, {0}},
    {{"a@x", "c@x"}, "To: b@x,\r\n\ta@x,\r\n\tb@x, c@x" E, "To: a@x, c@x" E,
	{0}},
    {{"a@x", "b@x"}, "To: a@x ,b@x , c@x" E, "To: a@x,b@x" E, {0}},
    /* groups */
    {{"a@x"}, "To: undisclosed-recipients:;" E, "Bcc: a@x" E, {0}},
    {{"a@x"}, "To: g: a@x, c@x;" E, "To: g: a@x;" E, {0}},
    {{"a@x"}, "To: g: c@x, a@x;, h:;" E, "To: g: a@x;" E, {0}},
    {{"a@x", "b@x"}, "To: e:;, g: c@x, a@x;, h: d@x;, b@x" E,
	"To: g: a@x;, b@x" E, {0}},
    {{"a@x"}, "To: a@x, undisclosed:;" E, "To: a@x" E, {0}},
    {{"a@x"}, "To: g: a@x" E, "To: g: a@x;" E, {0}},
    {{"a@x", "b@x"}, "To: g: a@x; b@x" E, "To: g: a@x;, b@x" E, {0}},
    {{"a@x"}, "To: g [1]: a@x;" E, "To: \"g [1]\": a@x;" E, {0}},
    /* each once: the first of To and Cc, and then Bcc */
    {{"a@x"}, "To: a@x, A <a@X>" E, "To: a@x" E, {0}},
    {{"a@x"}, "To: a@x\r\nCc: a@x" E, "To: a@x" E, {0}},
    {{"a@x"}, "Cc: C <a@x>\r\nTo: a@x" E, "Cc: C <a@x>" E, {0}},
    {{"a@x"}, "Bcc: a@x\r\nTo: a@x" E, "To: a@x" E, {0}},
    {{"a@x"}, "Bcc: a@x, a@x" E, "Bcc: a@x" E, {0}},
    /* several of a name become one */
    {{"a@x", "b@x"}, "To: a@x\r\nTo: b@x" E, "To: a@x,\r\n\tb@x" E, {0}},
    {{"a@x", "b@x"}, "Cc: c@x\r\nX: y\r\ncc: B\r\n <b@x>, A <a@x>" E,
	"Cc: B\r\n <b@x>, A <a@x>\r\nX: y" E, {0}},
    {{"a@x", "b@x", "c@x"}, "To: a@x\r\nCc: b@x\r\nTo: b@x, c@x" E,
	"To: a@x,\r\n\tc@x\r\nCc: b@x" E, {0}},
    {{"a@x", "b@x"}, "To: g: a@x\r\nTo: b@x;" E, "To: g: a@x;,\r\n\tb@x" E,
	{0}},
};

static const struct pass hidden[] = {
    {{"a@x"}, "To: a@x\r\nBcc: c@x" E, "To: a@x" E, {0}},
    {{"a@x"}, "Bcc: c@x\r\nTo: a@x" E, "To: a@x" E, {0}},
    {{"a@x"}, "To: a@x\r\nbcc:" E, "To: a@x" E, {0}},
    {{"a@x"}, "X: y\r\nBcc: c@x,\r\n d@x\r\nY: z" E,
	"X: y\r\nY: z\r\nBcc: a@x" E, {0}},
    {{"a@x", "b@x"}, "Bcc: a@x\r\nBcc: b@x" E, "Bcc: a@x,\r\n\tb@x" E, {0}},
    {{"a@x", "b@x"}, "Bcc: A <a@x>, c@x\r\nX: y" E,
	"Bcc: A <a@x>,\r\n\tb@x\r\nX: y" E, {0}},
    {{"a@x"}, "Bcc: a@x, c" E, "Bcc: a@x" E, {0}},
    {{"a@x"}, "Bcc: a@x;" E, "Bcc: a@x" E, {0}},
    {{"a@x"}, "Bcc: Scan [3] <a@x>" E, "Bcc: \"Scan [3]\" <a@x>" E, {0}},
};

/* What readers read in different ways is written so that they do not. */
static const struct pass repaired[] = {
    {{"a@x"}, "To: a@x@y" E, "Bcc: a@x" E, {0}},
    {{"a@x", "b@x"}, "To: a@x; b@x" E, "To: a@x, b@x" E, {0}},
    {{"a@x"}, "To: Scan [3] <a@x>" E, "To: \"Scan [3]\" <a@x>" E, {0}},
    {{"a@x"}, "To: b@x <a@x>" E, "To: \"b@x\" <a@x>" E, {0}},
    {{"a@x"}, "To: \"a\" [\\] <a@x>" E, "To: \"a []\" <a@x>" E, {0}},
    {{"a@x"}, "To: Smith, A <a@x>" E, "To: A <a@x>" E, {0}},
    {{"a@x", "b@x"}, "To: a@x, root\r\nCc: b@x" E, "To: a@x\r\nCc: b@x" E, {0}},
    {{"\"a..b\"@x"}, "To: A <a..B@x>" E, "To: \"A\" <\"a..b\"@x>" E, {0}},
    {{"a@x", "b@x"}, "To: \"a\" <a@x.>, b@x" E, "To: \"a\" <a@x>, b@x" E, {0}},
    {{"a@x", "b@x"}, "To: <@r.x,@s.x:a@x>, B < @r.x : b@x > (b)" E,
	"To: <a@x>, B <b@x > (b)" E, {0}},
    {{"a@\303\274.de"}, "To: <@r.x:a@\303\274.de>" E, "To: <a@xn--tda.de>" E,
	{0}},
    {{"a@xn--tda.de"}, "To: A <A@\303\234.de> (b)" E,
	"To: A <A@xn--tda.de> (b)" E, {0}},
    {{"a@\303\274.de"}, "To: c@x, a@\303\274.de" E, "To: a@xn--tda.de" E, {0}},
    {{"a@x"}, "To: \303\274@x, a@x" E, "To: a@x" E, {0}},
    /* semicolons that separate nothing */
    {{"a@x", "b@x"}, "To: a@x\r\nCc: g: b@x;;" E, "To: a@x\r\nCc: g: b@x;" E,
	{0}},
    {{"a@x"}, "To: a@x,;" E, "To: a@x" E, {0}},
    {{"a@x"}, "To: a@x, (c) ; (c)" E, "To: a@x" E, {0}},
    {{"a@x"}, "Resent-To: a@x,;\r\nTo: a@x" E, "Resent-To: a@x\r\nTo: a@x" E,
	{0}},
    /* whoever looks for encoded words first finds v@x in these */
    {{"a@x"}, "To: =?u?Q?\"?= <v@x>, =?u?Q?\"?= <a@x>" E, "To: a@x" E, {0}},
    {{"a@x"}, "To: =?u?Q?\"?= <v@x>, x\" <a@x>" E, "To: a@x" E, {0}},
    {{"a@x"}, "Cc: \"=?u?Q?\"?=\" <v@x>, \" <a@x>" E, "Cc: a@x" E, {0}},
    {{"a@x"}, "To: =?u?Q?<a@x>(?= <v@x>, (x))" E, "To: a@x" E, {0}},
    {{"a@x", "b@x"}, "To: (=?u?Q?(?=), v@x, (x)), a@x\r\nCc: b@x" E,
	"To: a@x\r\nCc: b@x" E, {0}},
    {{"a@x"}, "To: a@x, (=?u?Q?(?=), v@x, (x))" E, "To: a@x" E, {0}},
    {{"a@x"}, "To: =?u?Q?\"?= v@x, \": a@x;" E, "To: \"\": a@x;" E, {0}},
    {{"a@x"}, "To: g: a@x (=?u?Q?(?=); v@x, (x));" E, "To: g: a@x;" E, {0}},
    {{"a@x"}, "Resent-To: =?u?Q?\"?= <v@x>, x\" <a@x>\r\nTo: a@x" E,
	"Resent-To: a@x\r\nTo: a@x" E, {0}},
    /* and in these misses one */
    {{"a@x", "b@x"}, "To: =?u?Q?x <a@x>, y?= <b@x>" E, "To: a@x, y?= <b@x>" E,
	{0}},
    {{"a@x"}, "To: =?u?Q?x?= [y] <a@x>" E, "To: a@x" E, {0}},
    /* a comma in a word separates nothing */
    {{"a@x", "b@x"}, "To: =?u?Q?D,_J?= <a@x>, =?u?q?E;F.?= <b@x>" E,
	"To: =?u?Q?D=2C_J?= <a@x>, =?u?q?E=3BF=2E?= <b@x>" E, {0}},
    {{"a@x"}, "To: =?u?Q?D,_J?= <b@x>, =?u?q?E,F?= <a@x>" E,
	"To: =?u?q?E=2CF?= <a@x>" E, {0}},
    {{"a@x"}, "To: =?u?Q?D,_J?= a@x" E, "To: =?u?Q?D=2C_J?= <a@x>" E, {0}},
};

/* Right whether Exchange mails Resent-To, mails it alone, or does not. */
static const struct pass resent[] = {
    {{"a@x"}, "Resent-To: a@x\r\nTo: c@x" E, "Resent-To: a@x\r\nBcc: a@x" E,
	{0}},
    {{"a@x"}, "Resent-To: c@x, A <a@x>" E, "Resent-To: A <a@x>\r\nBcc: a@x" E,
	{0}},
    {{"a@x", "b@x"}, "Resent-To: a@x\r\nTo: b@x" E, "To: b@x\r\nBcc: a@x" E,
	{0}},
    {{"a@x", "b@x"}, "Resent-To: a@x\r\nResent-Cc: b@x, c@x\r\nX: y" E,
	"Resent-To: a@x\r\nResent-Cc: b@x\r\nX: y\r\nBcc: a@x,\r\n\tb@x" E,
	{0}},
    {{"a@x"}, "Resent-To: a@x\r\nResent-To: a@x, c@x\r\nTo: a@x" E,
	"Resent-To: a@x\r\nResent-To: a@x\r\nTo: a@x" E, {0}},
    {{"a@x"}, "Resent-To: a@x\r\nResent-Cc: c@x\r\nTo: a@x" E,
	"Resent-To: a@x\r\nTo: a@x" E, {0}},
    {{"a@x"}, "Resent-Bcc: a@x\r\nTo: a@x" E, "To: a@x" E, {0}},
    {{"a@x", "b@x"}, "Resent-To: a@x\r\nResent-Bcc: b@x\r\nTo: a@x, b@x" E,
	"To: a@x, b@x" E, {0}},
    {{"a@x"}, "Resent-From: m@x\r\nResent-To: a@x; c@x\r\nTo: a@x" E,
	"Resent-From: m@x\r\nResent-To: a@x\r\nTo: a@x" E, {0}},
};

/* The last column is what Postfix rewrote the first from. */
static const struct pass rewritten[] = {
    {{"a@x"}, "To: \"L, l\" <l@x> (c)" E, "To: \"L, l\" <a@x> (c)" E, {"l@x"}},
    {{"a@x"}, "To: c@x,\r\n l@x" E, "To: a@x" E, {"L@X"}},
    {{"a@x", "b@x"}, "Cc: l@x,\r\n B <b@x>" E, "Cc: a@x,\r\n B <b@x>" E,
	{"l@x", "b@x"}},
    {{"a@x"}, "To: l@x <l@x>" E, "To: \"l@x\" <a@x>" E, {"l@x"}},
    {{"a@x"}, "To: Scan [3] <l@x>" E, "To: \"Scan [3]\" <a@x>" E, {"l@x"}},
    {{"a@x"}, "Bcc: L <l@x>" E, "Bcc: L <a@x>" E, {"l@x"}},
    {{"a@x"}, "Bcc: a@x\r\nTo: l@x" E, "To: a@x" E, {"l@x"}},
    /* its own address goes first */
    {{"a@x"}, "To: l@x\r\nCc: a@x" E, "Cc: a@x" E, {"l@x"}},
    {{"a@x", "a@x"}, "To: k@x, l@x" E, "To: a@x" E, {"k@x", "l@x"}},
    {{"a@x", "l@x"}, "To: l@x" E, "To: l@x\r\nBcc: a@x" E, {"l@x", "l@x"}},
    {{"a@x", "b@x"}, "To: b@x, a@x" E, NULL, {"b@x", "a@x"}},
    /* an alias for several does not show whom */
    {{"a@x", "b@x"}, "To: L <l@x>" E, "Bcc: a@x,\r\n\tb@x" E, {"l@x", "l@x"}},
    /* what is no address is no original */
    {{"a@x"}, "To: l@x" E, "Bcc: a@x" E, {""}},
    {{"a@x"}, "To: l, a@x" E, "To: a@x" E, {"l"}},
};

static const struct pass kept[] = {
    {{"a@x"}, "To: a@x, C <c@x>\r\nCc: d@x\r\nBcc: e@x" E, NULL, {0}},
    {{"a@x"}, "To: c@x" E, "To: c@x\r\nBcc: a@x" E, {0}},
    {{"a@x"}, "Bcc: c@x\r\nX: y" E, "Bcc: c@x,\r\n\ta@x\r\nX: y" E, {0}},
    {{"a@x"}, "To: c@x\r\nCc: d@x, a@x, a@x\r\nTo: e@x" E,
	"To: c@x,\r\n\te@x\r\nCc: d@x, a@x" E, {0}},
    {{"a@x"}, "To: a@x, root, Scan [3] <c@\303\274.de>; \303\274@x" E,
	"To: a@x, \"Scan [3]\" <c@xn--tda.de>" E, {0}},
    {{"a@x"}, "To: c@x, l@x" E, "To: c@x, a@x" E, {"l@x"}},
    {{"a@x", "b@x"}, "To: c@x, l@x" E, "To: c@x\r\nBcc: a@x,\r\n\tb@x" E,
	{"l@x", "l@x"}},
    {{"a@x"}, "Resent-To: a@x, c@x\r\nTo: a@x, d@x" E, NULL, {0}},
    {{"a@x"}, "Resent-To: c@x\r\nTo: a@x, d@x" E, "To: a@x, d@x" E, {0}},
};

#define RUN(table, rules) \
	pass_rows(table, sizeof(table) / sizeof(table[0]), rules)

static void
test_trim(void **state)
{
	(void)state;
	RUN(same, &trim);
	RUN(trimmed, &trim);
	RUN(hidden, &trim);
	RUN(repaired, &trim);
	RUN(resent, &trim);
	RUN(rewritten, &trim);
}

static void
test_keep(void **state)
{
	(void)state;
	RUN(same, &keep);
	RUN(kept, &keep);
}

/* What is taken out must not make a line of what stood on many. */
static void
test_line_length(void **state)
{
	static const struct pass p = {.to = {"a@x"}};
	struct buf in, out;
	struct error err;
	const char *line, *end;
	int i;

	(void)state;
	buf_init(&in, 1024 * 1024);
	buf_init(&out, 1024 * 1024);
	buf_add_string(&in, "To: a@x");
	for (i = 0; i < 1000; i++)
		buf_printf(&in, ",\r\n root%d, c%d@x", i, i);
	buf_add_string(&in, E);
	assert_int_not_equal(
	    pass_run(&p, pass_text(in.bytes), &keep, &out, &err), -1);
	for (line = out.bytes; (end = strchr(line, '\n')) != NULL;
	     line = end + 1)
		assert_in_range(end - line, 1, 999);
	assert_null(strstr(out.bytes, "root"));
	assert_non_null(strstr(out.bytes, "c999@x"));
	buf_free(&in);
	buf_free(&out);
}

/* Each part has its own To and Bcc; together they name everybody once. */
static void
test_parts(void **state)
{
	static const struct pass p = {
	    .to = {"e@x", "d@x", "c@x", "b@x", "a@x", "A@x"}};
	static const char *const want[] = {
	    "To: b@x\r\nBcc: a@x" E, "To: c@x\r\nBcc: d@x" E, "Bcc: e@x" E};
	struct error err;
	struct buf out;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		buf_init(&out, 1024);
		assert_int_not_equal(
		    pass_part(&p, pass_text("To: c@x, b@x, f@x" E), &trim,
			2 * i, 2, &out, &err),
		    -1);
		assert_string_equal(out.bytes, want[i]);
		buf_free(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_trim),
	    cmocka_unit_test(test_keep),
	    cmocka_unit_test(test_line_length),
	    cmocka_unit_test(test_parts),
	};

	return cmocka_run_group_tests_name("agent_lists", tests, NULL, NULL);
}
