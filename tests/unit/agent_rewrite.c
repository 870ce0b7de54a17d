/*
 * What changes in a header (agent/pipe/header/rewrite.c), lists and From apart:
 * fields that go, a new Bcc, headers that end oddly, size.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "agent_pass.h"

static const struct rewrite_rules rules = {.mailbox = PASS_MAILBOX};

static const struct pass rows[] = {
    /* who has no place in the header goes into a new Bcc */
    {{"a@x"}, "To: a@x\r\n\r\nb", NULL, {0}},
    {{"a@x"}, "Subject: s\r\n\r\nb", "Subject: s\r\nBcc: a@x\r\n\r\nb", {0}},
    {{"a@x", "b@x"}, "To: b@x\r\n\r\nb", "To: b@x\r\nBcc: a@x\r\n\r\nb", {0}},
    {{"c@x", "b@x", "a@x"}, "To: b@x\r\n\r\n",
	"To: b@x\r\nBcc: c@x,\r\n\ta@x\r\n\r\n", {0}},
    {{"a@x", "A@X"}, "X: y\r\n\r\n", "X: y\r\nBcc: a@x\r\n\r\n", {0}},
    {{"\"a b\"@x"}, "X: y\r\n\r\n", "X: y\r\nBcc: \"a b\"@x\r\n\r\n", {0}},
    {{"A@x"}, "X: y\r\n\r\n", "X: y\r\nBcc: A@x\r\n\r\n", {0}},
    /* written so that every reader reads it: quotes, no last dot, ASCII */
    {{"a..B@x"}, "X: y\r\n\r\n", "X: y\r\nBcc: \"a..b\"@x\r\n\r\n", {0}},
    {{"A@x."}, "X: y\r\n\r\n", "X: y\r\nBcc: a@x\r\n\r\n", {0}},
    {{"a@\303\274.de"}, "X: y\r\n\r\n", "X: y\r\nBcc: a@xn--tda.de\r\n\r\n",
	{0}},
    /* fields that go */
    {{"a@x"}, "To: a@x\r\nX-MSGraph-Mailbox: m@x\r\n\r\nb", "To: a@x\r\n\r\nb",
	{0}},
    {{"a@x"}, "x-msgraph-y: m\r\n folded\r\nTo: a@x\r\n\r\nb",
	"To: a@x\r\n\r\nb", {0}},
    {{"a@x"}, "X-MSGraph: m\r\nTo: a@x\r\n\r\nb", NULL, {0}},
    {{"a@x"}, "X-MSGraph-A: m\r\nX-MSGraph-B: m\r\n\r\nX-MSGraph-C: m\r\n",
	"Bcc: a@x\r\n\r\nX-MSGraph-C: m\r\n", {0}},
    {{"a@x"}, "Return-Path: <b@x>\r\nTo: a@x\r\nreturn-path:\r\n\r\nb",
	"To: a@x\r\n\r\nb", {0}},
    /* a blank before the colon */
    {{"a@x"}, "To : a@x\r\nSubject\t : s : t\r\n\r\nX : y\r\n",
	"To: a@x\r\nSubject: s : t\r\n\r\nX : y\r\n", {0}},
    {{"a@x"}, "To : b@x\r\nFrom : m@x.de, b@x.de\r\nCc : b@x, a@x\r\n\r\n",
	"From: m@x.de\r\nCc: a@x\r\n\r\n", {0}},
    {{"a@x"}, "Return-Path : b@x\r\nX-MSGraph-A : y\r\nto :a@x\r\n\r\n",
	"to:a@x\r\n\r\n", {0}},
    {{"a@x"}, "From : m@x.de\r\nTo: a@x\r\n\r\n",
	"From: m@x.de\r\nTo: a@x\r\n\r\n", {0}},
    /* headers that end oddly */
    {{"a@x"}, "\r\nb", "Bcc: a@x\r\n\r\nb", {0}},
    {{"a@x"}, "To: a@x\r\n", NULL, {0}},
    {{"a@x"}, "X: y\r\n", "X: y\r\nBcc: a@x\r\n", {0}},
    {{"a@x"}, "X: y", "X: y\r\nBcc: a@x\r\n", {0}},
    {{"a@x"}, "Bcc: c@x", "Bcc: a@x\r\n", {0}},
    {{"a@x"}, "X: y\r\nBcc: c@x", "X: y\r\nBcc: a@x\r\n", {0}},
    {{"a@x", "b@x"}, "To: b@x, c@x", "To: b@x\r\nBcc: a@x\r\n", {0}},
    {{"a@x"}, "To: a@x\r\nb\r\n", "To: a@x\r\n\r\nb\r\n", {0}},
    {{"a@x"}, "X: y\r\nb\r\n", "X: y\r\nBcc: a@x\r\n\r\nb\r\n", {0}},
    {{"a@x"}, "b", "Bcc: a@x\r\n\r\nb", {0}},
    {{"a@x"}, "To: a@x\n\nb", NULL, {0}},
};

static void
test_rows(void **state)
{
	(void)state;
	pass_rows(rows, sizeof(rows) / sizeof(rows[0]), &rules);
}

/* The header would be the text: what to do about it, and no bounce. */
static void
test_mbox_line(void **state)
{
	static const char *const texts[] = {
	    "From a@x Sun Nov 29 08:00:00 2026\r\nTo: a@x\r\n\r\nb",
	    "From a@x  Sun Nov 29 08:00:00 2026\nTo: a@x\n\nb",
	    ">From a@x Sun Nov 29 08:00:00 2026\r\nTo: a@x\r\n\r\nb",
	    "From \r\nTo: a@x\r\n\r\nb",
	};
	struct pass p = {.to = {"a@x"}};
	struct error err;
	struct buf out;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		buf_init(&out, 1024);
		assert_int_equal(
		    pass_run(&p, pass_text(texts[i]), &rules, &out, &err), -1);
		assert_int_equal(err.class, ERROR_OURS);
		assert_string_equal(err.dsn, "4.3.5");
		assert_non_null(strstr(err.text, "flags="));
		buf_free(&out);
	}
}

/* --- signatures --- */

#define DKIM(h) "DKIM-Signature: v=1; bh=h=; h=" h ";\r\n b=from\r\n"

/* Which of our edits leaves no signature whole. */
static void
test_signatures(void **state)
{
	static const struct {
		const char *fields;
		int broken;
	} texts[] = {
	    {"To: c@x\r\nFrom: s@x.de\r\n", 0},
	    {DKIM("From:To") "To: a@x\r\nFrom: s@x.de\r\n", 0},
	    {DKIM("From:To") "To: c@x\r\nFrom: s@x.de\r\n", 1},
	    {DKIM("From : to") "To: c@x\r\nFrom: s@x.de\r\n", 1},
	    {DKIM("From\r\n :Date") "To: c@x\r\nFrom: s@x.de\r\n", 0},
	    {DKIM("From\r\n :Date") "To: a@x\r\nFrom: root@b\r\n", 1},
	    {DKIM("From:Bcc") "From: s@x.de\r\n", 1},
	    {DKIM("From:Sender") "To: a@x\r\nFrom: m@x.de\r\nSender: b@x\r\n",
		1},
	    {DKIM("From") DKIM("From:To") "To: c@x\r\nFrom: s@x.de\r\n", 0},
	    {DKIM("To") DKIM("From:To") "To: c@x\r\nFrom: s@x.de\r\n", 1},
	    {"DKIM-Signature: To\r\nTo: c@x\r\n", 0},
	    {"dkim-signature : H = To\r\nTo: c@x\r\n", 1},
	    {"X: h=To\r\nTo: c@x\r\n", 0},
	    /* not of the header that was signed */
	    {DKIM("From:X-MSGraph-A") "To: a@x\r\nX-MSGraph-A: b\r\n", 0},
	};
	struct pass p = {.to = {"a@x"}};
	struct error err;
	struct buf out;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		print_message("row %zu\n", i);
		buf_init(&out, 1024);
		assert_int_not_equal(pass_run(&p, pass_text(texts[i].fields),
					 &rules, &out, &err),
		    -1);
		assert_int_equal(pass_signature_broken, texts[i].broken);
		buf_free(&out);
	}
}

/*
 * CR alone as line end: what would reach the reader is an empty message. With a
 * text behind it, or where the CR starts no line, it is one odd byte.
 */
static void
test_text_in_header(void **state)
{
	static const struct {
		const char *in;
		int refused;
	} texts[] = {
	    {"From: m@x\rTo: a@x\rSubject: s\r\rthe text\r", 1},
	    {"From: m@x\rTo: a@x\rSubject: s\r\rthe text\r\n", 1},
	    {"To: a@x\r\nFrom: m@x\rSubject: s\r\rtext\r\r\n\r\n", 1},
	    {"To: a@x\r\nSubject: s\r\rthe text\r\n\r\n\r\n", 1},
	    {"To: a@x\nSubject: s\rX: y\n\n", 1},
	    {"To: a@x\r\nSubject: s\rX: y\r\n\r\nthe text\r\n", 0},
	    {"To: a@x\r\nSubject: one\rtwo three: 4\r\n\r\n", 0},
	    {"To: a@x\nSubject: s\n\n", 0},
	    {"To: a@x\r\nSubject: s\r\n\r\nthe\r\rtext\r", 0},
	};
	struct pass p = {.to = {"a@x"}};
	struct error err;
	struct buf out;
	size_t i;
	int result;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		print_message("row %zu\n", i);
		buf_init(&out, 1024);
		result =
		    pass_run(&p, pass_text(texts[i].in), &rules, &out, &err);
		assert_int_equal(result == -1, texts[i].refused);
		if (result == -1) {
			assert_int_equal(err.class, ERROR_PERMANENT);
			assert_string_equal(err.dsn, "5.6.0");
		}
		buf_free(&out);
	}
}

/* A message of SPOOL_HEAD_MAX + extra bytes: first, then fill, then last. */
static int
run_long(const char *first, const char *fill, const char *last, size_t extra,
    struct buf *out, struct error *err)
{
	static const struct pass p = {.to = {"a@x"}};
	size_t len = SPOOL_HEAD_MAX + extra, i, n = strlen(first);
	char *message = malloc(len);
	int result;

	assert_non_null(message);
	memcpy(message, first, n);
	for (i = n; i < len; i++)
		message[i] = fill[(i - n) % strlen(fill)];
	memcpy(message + len - strlen(last), last, strlen(last));
	result = pass_run(
	    &p, span_between(message, message + len), &rules, out, err);
	free(message);
	return result;
}

/* The header must fit into memory; what is behind it need not. */
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
    {"", "X-MSGraph-:\nX:\n", "", 0, NULL},
    {"", "Resent-Bcc:a@x\nX:\n", "\r\n\r\n", 0, NULL},
    {"To:", "a@x,", "\r\n\r\n", 0, NULL},
    {"To:", "a@x,b@x;", "\r\n\r\n", 0, NULL},
    {"", "To:a@x\n", "\r\n\r\n", 0, NULL},
    {"", "To:\nCc:b@x\n", "\r\n\r\n", 0, NULL},
    {"", "Resent-To:a@x,b@x\n", "\r\n\r\n", 0, NULL},
    {"From:", "a@x,b@x,", "\r\n\r\n", 0, NULL},
    {"From:=?", "=?q?b?=", "\r\n\r\n", 0, NULL},
    {"", "From:a@x\nSender:a@x\n", "\r\n\r\n", 0, NULL},
};

static void
test_size(void **state)
{
	clock_t started = clock();
	struct error err;
	struct buf out;
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
	assert_true(clock() - started < 30 * CLOCKS_PER_SEC);
}

/* However many fields go, the edits fit, and what is between them stays. */
static void
test_many(void **state)
{
	static const struct pass p = {.to = {"a@x"}};
	struct buf in, want, out;
	struct error err;
	int i;

	(void)state;
	buf_init(&in, SPOOL_HEAD_MAX);
	buf_init(&want, SPOOL_HEAD_MAX);
	buf_init(&out, 2 * SPOOL_HEAD_MAX);
	for (i = 0; i < 20000; i++) {
		buf_printf(&in, "Sender: m@x\r\nX: %d\r\n", i);
		buf_printf(&want, "X: %d\r\n", i);
	}
	buf_add_string(&in, "From: m@x.de\r\n\r\nb");
	buf_add_string(&want, "From: m@x.de\r\nBcc: a@x\r\n\r\nb");
	assert_in_range(
	    pass_run(&p, pass_text(in.bytes), &rules, &out, &err), 1, 2000);
	assert_int_equal(out.len, want.len);
	assert_memory_equal(out.bytes, want.bytes, want.len);
	buf_free(&in);
	buf_free(&want);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_mbox_line),
	    cmocka_unit_test(test_signatures),
	    cmocka_unit_test(test_text_in_header),
	    cmocka_unit_test(test_size),
	    cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests_name("agent_rewrite", tests, NULL, NULL);
}
