/*
 * The agent's work on a message with the machine short of something: memory,
 * each allocation in turn, or what iconv_open(3) needs. What is left is a
 * failure that waiting heals, or byte for byte the same message, attachments
 * and names as without; never another guess. What is wrong in the message has
 * its fallback as before, and asks nothing of the machine.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dlfcn.h>
#include <errno.h>
#include <iconv.h>

#include <cmocka.h>

#include "failmalloc.h"
#include "large_message.h"

#include "agent/pipe/content/content.h"
#include "agent/pipe/header/recipients.h"
#include "agent/pipe/header/rewrite.h"

#define LIMIT 5000 /* of the rest, so that the files must go */

/* --- iconv_open(3), which our code finds here before it does in libc --- */

static int iconv_error; /* errno of each call, or 0: it works */
static int iconv_calls;

iconv_t
iconv_open(const char *to, const char *from)
{
	iconv_t (*real)(const char *, const char *);

	iconv_calls++;
	if (iconv_error != 0) {
		errno = iconv_error;
		return (iconv_t)-1;
	}
	*(void **)&real = dlsym(RTLD_NEXT, "iconv_open");
	return real(to, from);
}

/* --- one message --- */

#define TWO(head, first, second)                                 \
	head "To: a@x, stranger@x\r\n"                           \
	     "Content-Type: multipart/mixed; boundary=b\r\n\r\n" \
	     "--b\r\nContent-Type: text/plain\r\n\r\n"           \
	     "gr\xFC\xDF\r\n--b\r\nContent-Type: x/y\r\n" B64    \
	     "Content-Disposition: attachment; " first           \
	     "\r\n\r\n\2\r\n--b\r\nContent-Type: x/z\r\n" B64    \
	     "Content-Disposition: attachment; " second          \
	     "\r\n\r\n\3\r\n--b--\r\n"
#define FROM "From: S <s@x.de>\r\n"
#define WORD_FROM "From: =?koi8-r?Q?=C1?= <s@x.de>\r\n"
#define PLAIN "filename=a.pdf"

/* What is wrong in these is the message's own fault, or nothing is. */
static const char *const wrong[] = {
    TWO(FROM, PLAIN, PLAIN),
    TWO(FROM, "filename*=utf-8''%C3%BC.pdf", "filename=\"\xFC.pdf\""),
    TWO(FROM, "filename*=us-ascii''%FC.pdf", "filename*=%FC.pdf"),
    TWO(FROM, "filename*=x-nobody''%FC.pdf", "filename=\"=?utf-8?q?=FC?=\""),
    TWO(FROM, "filename*=iso-8859-12''%FC.pdf", "filename*=utf-7''+APw-"),
    TWO(FROM, "filename*=cp1252''%FC.pdf", "filename*=cp1259''%FC.pdf"),
    TWO("From: =?x?q?a?= <s@x.de>, b <b@x.de>\r\n", PLAIN, PLAIN),
};

/* And these the machine must be able to read. */
static const char *const waiters[] = {
    TWO(FROM, "filename*=iso-8859-2''%BEluva.pdf", PLAIN),
    TWO(FROM, PLAIN, "filename*=koi8-r''%C1.pdf"),
    TWO(FROM, PLAIN, "filename=\"=?windows-1251?B?wOHi?=.pdf\""),
    TWO(FROM, PLAIN, "filename*0*=gb2312''%C4%E3; filename*1*=%BA%C3"),
    TWO(FROM, PLAIN, "filename*=ks_c_5601-1987''%B0%A1.pdf"),
    TWO(WORD_FROM, PLAIN, PLAIN),
    TWO("From: =?big5?B?pEA=?= <s@x.de>, =?big5?B?pEA=?= <s@X.de>\r\n", PLAIN,
	PLAIN),
};

static void
tell(const struct edits *edits, const struct large *large, struct buf *out)
{
	message_finish(edits, out);
	large_tell(large, edits->spool->fd, out);
}

/*
 * All that the agent does to a message; out is what it hands over. Allocations
 * fail from the fail-th on, if it is not 0.
 */
static int
run(const char *text, size_t fail, int *failed, struct buf *out,
    struct error *err)
{
	static char to[] = "a@x", hidden[] = "b@x";
	char *const recipients[] = {to, hidden};
	const struct rewrite_rules rules = {.mailbox = "m@x.de"};
	struct content_rules content = {.encode_8bit = 1};
	struct conf conf = {.sendmail_limit = LIMIT};
	struct large large = {NULL, 0};
	struct recipients rs;
	struct spool spool;
	struct edits edits;
	struct buf in;
	int result;

	large_expand(text, &in);
	message_spool(&spool, in.bytes, in.len);
	edits_init(&edits, &spool);
	fail_at(fail);
	result = recipients_init(&rs, recipients, NULL, 2, err);
	if (result == 0)
		result = rewrite(&spool, &rules, &rs, &edits,
		    &content.signature_broken, err);
	if (result == 0)
		result = content_edit(&edits, &spool.found, &content, err);
	if (result == 0)
		result = large_edit(&edits, &conf, &large, err);
	*failed = fail_end();
	buf_init(out, LARGE_MESSAGE_MAX);
	buf_add(out, "", 0);
	if (result == 0)
		tell(&edits, &large, out);
	large_free(&large);
	edits_free(&edits);
	recipients_free(&rs);
	spool_close(&spool);
	buf_free(&in);
	return result;
}

static void
assert_waits(const char *text, int result, const struct error *err)
{
	if (result != -1 || err->class == ERROR_PERMANENT ||
	    strncmp(err->dsn, "4.3.", 4) != 0)
		fail_msg("%s: %d, %s %s", text, result, err->dsn, err->text);
}

static void
check_memory(const char *text)
{
	struct buf want, got;
	struct error err;
	int failed = 1, result;
	size_t n;

	assert_int_equal(run(text, 0, &failed, &want, &err), 0);
	failed = 1;
	for (n = 1; failed; n++) {
		result = run(text, n, &failed, &got, &err);
		if (result == 0)
			assert_string_equal(got.bytes, want.bytes);
		else
			assert_waits(text, result, &err);
		buf_free(&got);
	}
	assert_true(n > 10);
	buf_free(&want);
}

#define COUNT(table) (sizeof(table) / sizeof(table[0]))

static void
test_memory(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(wrong); i++)
		check_memory(wrong[i]);
	for (i = 0; i < COUNT(waiters); i++)
		check_memory(waiters[i]);
}

/* EINVAL is what a module that is not installed looks like. */
static void
test_iconv(void **state)
{
	static const struct {
		int error;
		const char *dsn, *text;
	} rows[] = {
	    {EINVAL, "4.3.5", "module"},
	    {ENOMEM, "4.3.0", "memory"},
	    {EMFILE, "4.3.0", "open files"},
	    {ENFILE, "4.3.0", "open files"},
	};
	struct error err;
	struct buf out;
	size_t i, k;
	int failed, result;

	(void)state;
	for (i = 0; i < COUNT(waiters); i++)
		for (k = 0; k < COUNT(rows); k++) {
			iconv_error = rows[k].error;
			result = run(waiters[i], 0, &failed, &out, &err);
			iconv_error = 0;
			assert_waits(waiters[i], result, &err);
			assert_string_equal(err.dsn, rows[k].dsn);
			assert_non_null(strstr(err.text, rows[k].text));
			buf_free(&out);
		}
}

static void
test_no_iconv_needed(void **state)
{
	struct error err;
	struct buf out;
	int failed;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(wrong); i++) {
		iconv_calls = 0;
		assert_int_equal(run(wrong[i], 0, &failed, &out, &err), 0);
		assert_int_equal(iconv_calls, 0);
		buf_free(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_memory),
	    cmocka_unit_test(test_iconv),
	    cmocka_unit_test(test_no_iconv_needed),
	};

	return cmocka_run_group_tests_name("agent_alloc", tests, NULL, NULL);
}
