/*
 * Large messages that cannot be made small (agent/pipe/large*.c), and what the
 * bounce says then. See large_message.h for what stands in the messages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "large_message.h"

#define TEN "1234567890"
#define NAME TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static const struct {
	const char *in, *said;
} refused[] = {
    {HEAD "\r\n\3",
	"go by itself, text/plain with 12314 bytes, is text of the "
	"message and no attachment"},
    {MIXED "--b\r\nContent-Type: text/html\r\n\r\n\3" END,
	"by itself, text/html with"},
    {MIXED
	"--b\r\nContent-Type: text/html\r\nContent-Disposition: inline\r\n" B64
	"\r\n\3" END,
	"is text of the message"},
    {HEAD "Content-Type: multipart/signed; boundary=b\r\n\r\n" TEXT PART PDF
	  "\3" END,
	"by itself, \"a.pdf\" (application/pdf) with 12314 bytes, is signed"},
    {HEAD "Content-Type: multipart/encrypted; boundary=b\r\n\r\n" TEXT PART PDF
	  "\3" END,
	"bytes, is encrypted"},
    {HEAD FILE_HEAD("application/pkcs7-mime", "smime.p7m") "\3",
	"\"smime.p7m\" (application/pkcs7-mime) with"},
    {MIXED TEXT PART FILE_HEAD(
	 "application/x-pkcs7-mime", "smime.p7m") "\3" END,
	"bytes, is encrypted or signed"},
    {MIXED TEXT PART
	"Content-Type: message/rfc822\r\n\r\nContent-Type: multipart/mixed;"
	" boundary=c\r\n\r\n--c\r\n" PDF "\3\r\n--c--\r\n" END,
	"bytes, is part of an attached message"},
    {MIXED TEXT PART "Content-Disposition: attachment\r\n"
		     "Content-Type: message/rfc822\r\n\r\n"
		     "Subject: x\r\n\r\n\3" END,
	"bytes, is part of an attached message"},
    {MIXED TEXT PART "Content-Disposition: attachment\r\n" B64
		     "Content-Type: message/rfc822\r\n\r\n\3" END,
	"bytes, cannot be taken apart"},
    {MIXED TEXT PART "Content-Type: application/pdf; name=a.pdf\r\n"
		     "Content-Transfer-Encoding: x-uuencode\r\n\r\n\3" END,
	"bytes, cannot be taken apart"},
    {HEAD "Content-Type: multipart/related; boundary=b\r\n\r\n" PART
	  "Content-Type: text/html; name=a.html\r\n" B64 "\r\n\3\r\n" PART PNG
	  "x" END,
	"\"a.html\" (text/html) with 12314 bytes, is what the other parts of a "
	"multipart/related belong to"},
    {HEAD "Content-Type: multipart/related; boundary=b; start=\"<1@x>\"\r\n"
	  "\r\n" PART PNG "x\r\n" PART
	  "Content-Type: application/xhtml+xml\r\nContent-ID: <1@x>\r\n" B64
	  "\r\n\3" END,
	"is what the other parts of a multipart/related belong to"},
    {HEAD "Content-Type: multipart/alternative; boundary=b\r\n\r\n" TEXT PART
	    FILE_HEAD("text/calendar", "invite.ics") "\3" END,
	"bytes, is part of something that must stay whole"},
    {HEAD "Content-Type: multipart/report; boundary=b\r\n\r\n" TEXT PART PDF
	  "\3" END,
	"bytes, is part of something"},
    {HEAD "Content-Type: multipart/digest; boundary=b\r\n\r\n" PART PDF
	  "\3" END,
	"bytes, is part of something"},
    {HEAD "Content-Type: multipart/report; boundary=b\r\n\r\n" TEXT PART
	  "Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n" PDF
	  "\3\r\n--c--\r\n" END,
	"bytes, is part of something"},
    {HEAD "Content-Type: multipart/report; boundary=b\r\n\r\n" TEXT PART
	    FILE_HEAD("application/pdf", NAME NAME NAME NAME ".pdf") "\3" END,
	"12345.pdf\" (application/pdf) with 12314 bytes, is part of something"},
    {MIXED TEXT PART PDF "\6" END,
	"\"a.pdf\" (application/pdf) with 5000 bytes, holds nothing"},
    {HEAD "X: \5\r\n" PDF "\1",
	"too large: without its attachments it still has"},
    {HEAD "X: \5\r\n\r\nx", "bytes, is text of the message"},
};

static void
test_refused(void **state)
{
	struct buf out, taken;
	struct error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		if (large_run(refused[i].in, 3000, &out, &taken, &err) != -1)
			fail_msg("row %zu was taken", i);
		assert_int_equal(err.class, ERROR_PERMANENT);
		assert_string_equal(err.dsn, "5.3.4");
		if (strstr(err.text, refused[i].said) == NULL)
			fail_msg("row %zu: %s", i, err.text);
		buf_free(&out);
		buf_free(&taken);
	}
}

/* One of them would be enough for no message, and all are too small. */
static void
test_many_small_parts(void **state)
{
	struct buf in, out, taken;
	struct error err;
	int i;

	(void)state;
	buf_init(&in, LARGE_MESSAGE_MAX);
	buf_add_string(&in, MIXED TEXT);
	for (i = 0; i < 100; i++)
		buf_printf(&in, PART PDF "%0400d\r\n", i);
	buf_add_string(&in, "--b--\r\n");
	assert_int_equal(large_run(in.bytes, 10000, &out, &taken, &err), -1);
	assert_non_null(strstr(err.text, "one of very many small parts"));
	buf_free(&in);
	buf_free(&out);
	buf_free(&taken);
}

static void
test_setting_refuses(void **state)
{
	struct conf conf = {
	    .sendmail_limit = 10, .large_messages = LARGE_MESSAGES_REFUSE};
	struct large large;
	struct spool spool;
	struct edits edits;
	struct error err;

	(void)state;
	message_spool(&spool, "To: a@x\r\n\r\nx", 12);
	edits_init(&edits, &spool);
	assert_int_equal(large_edit(&edits, &conf, &large, &err), -1);
	assert_string_equal(err.dsn, "5.3.4");
	assert_string_equal(err.text,
	    "the message has 12 bytes, and no more "
	    "than 10 may be sent here "
	    "(sendmail_limit)");
	conf.sendmail_limit = 12;
	assert_int_equal(large_edit(&edits, &conf, &large, &err), 0);
	conf.sendmail_limit = 10;
	/* what other edits leave is what counts */
	assert_int_equal(edit_start(&edits, 0, 9, &err), 0);
	assert_int_equal(large_edit(&edits, &conf, &large, &err), 0);
	assert_int_equal(large.count, 0);
	large_free(&large);
	edits_free(&edits);
	spool_close(&spool);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_many_small_parts),
	    cmocka_unit_test(test_setting_refuses),
	};

	return cmocka_run_group_tests_name(
	    "agent_large_refused", tests, NULL, NULL);
}
