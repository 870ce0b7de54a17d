/*
 * What changes in a message (agent/pipe/rewrite.c). A row is an envelope, a
 * message, and what the message becomes; NULL where it stays as it is. Every
 * result is put through once more, and must not change then.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "agent_message.h"
#include "../../agent/pipe/recipients.h"
#include "../../agent/pipe/rewrite.h"

static const struct {
	const char *to[4];
	const char *in, *out;
} rows[] = {
    /* everybody is named */
    {{"a@x"}, "To: a@x\r\n\r\nb", NULL},
    {{"a@x", "b@x"}, "To: a@x\r\nCc: b@x\r\n\r\nb", NULL},
    {{"a@x", "b@x"}, "TO: A <A@X>,\r\n \"b\" (c) @ x\r\n\r\nb", NULL},
    {{"a@x", "b@x"}, "To: g: a@x, b@x;\r\n\r\nb", NULL},
    {{"a@x", "b@x"}, "To: a@x\r\nTo: b@x\r\n\r\nb", NULL},
    {{"\"a b\"@x"}, "To: \"a b\"@x\r\n\r\nb", NULL},
    {{"a@x", "A@x"}, "To: a@x\r\n\r\nb", NULL},
    {{"a@\303\274.de"}, "To: a@xn--tda.de\r\n\r\nb", NULL},
    {{"a@x"}, "To: a@x, c@x\r\n\r\nb", NULL},
    /* some are not */
    {{"a@x"}, "Subject: s\r\n\r\nb", "Subject: s\r\nBcc: a@x\r\n\r\nb"},
    {{"a@x", "b@x"}, "To: b@x\r\n\r\nb", "To: b@x\r\nBcc: a@x\r\n\r\nb"},
    {{"a@x", "b@x", "c@x"}, "To: b@x\r\n\r\n",
	"To: b@x\r\nBcc: a@x,\r\n\tc@x\r\n\r\n"},
    {{"a@x", "A@X"}, "X: y\r\n\r\n", "X: y\r\nBcc: a@x\r\n\r\n"},
    {{"\"a b\"@x"}, "X: y\r\n\r\n", "X: y\r\nBcc: \"a b\"@x\r\n\r\n"},
    {{"a@x"}, "To: undisclosed-recipients:;\r\n\r\n",
	"To: undisclosed-recipients:;\r\nBcc: a@x\r\n\r\n"},
    {{"a@x"}, "To: \"a@x\" <b@x>\r\n\r\n",
	"To: \"a@x\" <b@x>\r\nBcc: a@x\r\n\r\n"},
    {{"a@x"}, "To: b@x (a@x)\r\n\r\n", "To: b@x (a@x)\r\nBcc: a@x\r\n\r\n"},
    {{"a@x"}, "To: a@x@y\r\n\r\n", "To: a@x@y\r\nBcc: a@x\r\n\r\n"},
    {{"a@x"}, "Resent-To: a@x\r\nFrom: a@x\r\n\r\n",
	"Resent-To: a@x\r\nFrom: a@x\r\nBcc: a@x\r\n\r\n"},
    /* what Exchange may not read names nobody */
    {{"a@x", "b@x"}, "To: a@x; b@x\r\n\r\n",
	"To: a@x; b@x\r\nBcc: a@x,\r\n\tb@x\r\n\r\n"},
    {{"a@x"}, "To: Scan [3] <a@x>\r\n\r\n",
	"To: Scan [3] <a@x>\r\nBcc: a@x\r\n\r\n"},
    {{"a@x"}, "Bcc: Scan [3] <a@x>\r\n\r\n", "Bcc: a@x\r\n\r\n"},
    {{"a@x"}, "To: Smith, A <a@x>\r\n\r\n",
	"To: Smith, A <a@x>\r\nBcc: a@x\r\n\r\n"},
    {{"a@x", "b@x"}, "To: a@x, root\r\nCc: b@x\r\n\r\n",
	"To: a@x, root\r\nCc: b@x\r\nBcc: a@x\r\n\r\n"},
    {{"a@x"}, "To: a@x <a@x>\r\n\r\n", NULL},
    /* and neither is it written: quotes, no last dot */
    {{"a..B@x"}, "X: y\r\n\r\n", "X: y\r\nBcc: \"a..b\"@x\r\n\r\n"},
    {{"A@x."}, "X: y\r\n\r\n", "X: y\r\nBcc: a@x\r\n\r\n"},
    {{"A@x"}, "X: y\r\n\r\n", "X: y\r\nBcc: A@x\r\n\r\n"},
    /* a Bcc is ours alone */
    {{"a@x"}, "To: a@x\r\nBcc: c@x\r\n\r\n", "To: a@x\r\n\r\n"},
    {{"a@x"}, "Bcc: c@x\r\nTo: a@x\r\n\r\n", "To: a@x\r\n\r\n"},
    {{"a@x"}, "To: a@x\r\nbcc:\r\n\r\n", "To: a@x\r\n\r\n"},
    {{"a@x"}, "To: a@x\r\nBcc: a@x\r\n\r\n", "To: a@x\r\n\r\n"},
    {{"a@x"}, "X: y\r\nBcc: c@x,\r\n d@x\r\nY: z\r\n\r\n",
	"X: y\r\nY: z\r\nBcc: a@x\r\n\r\n"},
    {{"a@x", "b@x"}, "Bcc: a@x\r\nBcc: b@x\r\n\r\n",
	"Bcc: a@x,\r\n\tb@x\r\n\r\n"},
    {{"a@x", "b@x"}, "Bcc: a@x\r\n\r\n", "Bcc: a@x,\r\n\tb@x\r\n\r\n"},
    {{"a@x"}, "Bcc: a@x, a@x\r\n\r\n", "Bcc: a@x\r\n\r\n"},
    {{"a@x", "b@x"}, "Bcc: a@x, a@x\r\n\r\n", "Bcc: a@x,\r\n\tb@x\r\n\r\n"},
    {{"a@x"}, "Bcc: a@x, c\r\n\r\n", "Bcc: a@x\r\n\r\n"},
    {{"a@x"}, "Bcc: g: a@x;\r\n\r\n", "Bcc: a@x\r\n\r\n"},
    {{"a@x"}, "Bcc: a@x;\r\n\r\n", "Bcc: a@x\r\n\r\n"},
    {{"a@x"}, "Bcc: A <a@X>\r\nX: y\r\n\r\n", NULL},
    {{"a@x", "b@x"}, "Bcc: b@x, a@x\r\n\r\n", NULL},
    /* our own fields go */
    {{"a@x"}, "To: a@x\r\nX-MSGraph-Mailbox: m@x\r\n\r\nb", "To: a@x\r\n\r\nb"},
    {{"a@x"}, "x-msgraph-y: m\r\n folded\r\nTo: a@x\r\n\r\nb",
	"To: a@x\r\n\r\nb"},
    {{"a@x"}, "X-MSGraph: m\r\nTo: a@x\r\n\r\nb", NULL},
    {{"a@x"}, "X-MSGraph-A: m\r\nX-MSGraph-B: m\r\n\r\nX-MSGraph-C: m\r\n",
	"Bcc: a@x\r\n\r\nX-MSGraph-C: m\r\n"},
    /* headers that end oddly */
    {{"a@x"}, "\r\nb", "Bcc: a@x\r\n\r\nb"},
    {{"a@x"}, "To: a@x\r\n", NULL},
    {{"a@x"}, "X: y\r\n", "X: y\r\nBcc: a@x\r\n"},
    {{"a@x"}, "X: y", "X: y\r\nBcc: a@x\r\n"},
    {{"a@x"}, "Bcc: c@x", "Bcc: a@x\r\n"},
    {{"a@x"}, "X: y\r\nBcc: c@x", "X: y\r\nBcc: a@x\r\n"},
    {{"a@x"}, "To: a@x\r\nb\r\n", "To: a@x\r\n\r\nb\r\n"},
    {{"a@x"}, "X: y\r\nb\r\n", "X: y\r\nBcc: a@x\r\n\r\nb\r\n"},
    {{"a@x"}, "b", "Bcc: a@x\r\n\r\nb"},
    {{"a@x"}, "To: a@x\n\nb", NULL},
};

static size_t
count(const char *const *list)
{
	size_t n = 0;

	while (n < 4 && list[n] != NULL)
		n++;
	return n;
}

/* Returns the number of edits; -1 with *err set. */
static int
run(const char *const *to, const char *in, size_t len, struct buf *out,
    struct error *err)
{
	struct recipients recipients;
	struct spool spool;
	struct edits edits;
	int result = -1;

	message_spool(&spool, in, len);
	edits_init(&edits, &spool);
	if (recipients_init(&recipients, (char *const *)to, count(to), err) ==
		0 &&
	    rewrite(&spool, &recipients, &edits, err) == 0) {
		message_finish(&edits, out);
		result = (int)edits.count;
	}
	recipients_free(&recipients);
	edits_free(&edits);
	spool_close(&spool);
	return result;
}

static void
test_rows(void **state)
{
	struct buf once, again;
	struct error err;
	const char *in;
	size_t i;
	int edits;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		in = rows[i].in;
		buf_init(&once, 4096);
		buf_init(&again, 4096);
		edits = run(rows[i].to, in, strlen(in), &once, &err);
		assert_string_equal(
		    once.bytes, rows[i].out == NULL ? in : rows[i].out);
		assert_int_equal(edits == 0, rows[i].out == NULL);
		edits = run(rows[i].to, once.bytes, once.len, &again, &err);
		assert_string_equal(again.bytes, once.bytes);
		assert_int_equal(edits, 0);
		buf_free(&once);
		buf_free(&again);
	}
}

static void
test_bad_recipients(void **state)
{
	static const char *const bad[] = {"", "root", "a@x,b@x",
	    "a@x\r\nTo: b@x", "<a@x>", "g: a@x;", "a b@x", "\"a\r\nTo: b@x",
	    "a@[x@y]"};
	const char *to[4] = {"a@x", NULL};
	struct error err;
	struct buf out;
	size_t i;

	(void)state;
	buf_init(&out, 1024);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		to[1] = bad[i];
		assert_int_equal(run(to, "X: y\r\n\r\n", 8, &out, &err), -1);
		assert_int_equal(err.class, ERROR_PERMANENT);
		assert_string_equal(err.dsn, "5.1.3");
	}
	buf_free(&out);
}

/* A message of SPOOL_HEAD_MAX + extra bytes: first, then fill, then last. */
static int
run_long(const char *first, const char *fill, const char *last, size_t extra,
    struct buf *out, struct error *err)
{
	static const char *const to[4] = {"a@x"};
	size_t len = SPOOL_HEAD_MAX + extra, i, n = strlen(first);
	char *message = malloc(len);
	int result;

	assert_non_null(message);
	memcpy(message, first, n);
	for (i = n; i < len; i++)
		message[i] = fill[(i - n) % strlen(fill)];
	memcpy(message + len - strlen(last), last, strlen(last));
	result = run(to, message, len, out, err);
	free(message);
	return result;
}

/* The header must fit into memory; what is behind it need not. */
static void
test_size(void **state)
{
	static const struct {
		const char *first, *fill, *last;
		size_t extra;
		const char *dsn; /* NULL: goes */
	} sizes[] = {
	    {"To: a@x\r\n\r\n", "x", "", 5000000, NULL},
	    {"To: a@x\r\nbody\r\n", "x", "", 1, NULL},
	    {"To: a@x\r\nX: ", "x", "\r\n\r\n", 0, NULL},
	    {"To: a@x\r\nX: ", "x", "\r\n\r\n", 3, "5.6.0"},
	    {"To: a@x\r\nX: ", "x", "\r\n\r\n", 4000000, "5.6.0"},
	    {"To: a@x\r\n", "X:y\n", "\r\n\r\n", 4000000, "5.6.0"},
	    {"", "x", "", 1, "5.6.0"},
	    {"", "X-MSGraph-:\n", "", 0, NULL},
	    {"", "X-MSGraph-:\nX:\n", "", 0, "5.6.0"},
	    {"To:", "a@x,", "\r\n\r\n", 0, NULL},
	};
	struct error err;
	struct buf out;
	clock_t started = clock();
	size_t i;
	int result;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		buf_init(&out, 8 * 1024 * 1024);
		result = run_long(sizes[i].first, sizes[i].fill, sizes[i].last,
		    sizes[i].extra, &out, &err);
		if (sizes[i].dsn == NULL)
			assert_int_not_equal(result, -1);
		else {
			assert_int_equal(result, -1);
			assert_string_equal(err.dsn, sizes[i].dsn);
			assert_int_equal(err.class, ERROR_PERMANENT);
		}
		buf_free(&out);
	}
	assert_true(clock() - started < 20 * CLOCKS_PER_SEC);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_bad_recipients),
	    cmocka_unit_test(test_size),
	};

	return cmocka_run_group_tests_name("agent_rewrite", tests, NULL, NULL);
}
