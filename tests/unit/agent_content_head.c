/*
 * What is done to header fields (agent/pipe/content/content_head.c,
 * content_charset.c, content_received.c): which charset they are in, and the
 * client.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "content_rows.h"

/* --- the charset of fields --- */

#define PART "--b\r\nContent-Type: "
#define LATIN2 PART "text/plain; charset=iso-8859-2\r\n\r\nx\r\n"
#define RFC822 PART "message/rfc822\r\n\r\n"
#define END "\r\n\r\nx\r\n--b--\r\n"
#define BIG5 PART "text/plain; charset=big5\r\n\r\n"
#define PLAIN_LATIN1                                            \
	MIME "Content-Type: text/plain; charset=iso-8859-1\r\n" \
	     "Content-Transfer-Encoding: 8bit\r\n"
#define SUBJECT "Subject: abcdef" L1 "\r\n"
#define SUBJECT_LATIN2 "Subject: =?iso-8859-2?Q?abcdef=FC?=\r\n"
#define SUBJECT_KOI8 "Subject: =?koi8-r?Q?abcdef=FC?=\r\n"
#define KOI8 "Content-Type: text/plain; charset=koi8-r\r\n\r\nx\r\n"
#define MIXED_KOI8                                                      \
	"Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n" KOI8 \
	"--c--\r\n\r\n"

static const struct row field_charsets[] = {
    /* a part's own first, then that of its message */
    {MIXED SUBJECT "\r\n" LATIN2 PART "a/b; name=\"" L1 "\"" END,
	MIXED SUBJECT_LATIN2 "\r\n" LATIN2 PART
			     "a/b; name*=iso-8859-2''%FC" END},
    {MIXED "\r\n" LATIN2 PART "text/plain; charset=koi8-r; name=\"" L1 "\"" END,
	MIXED "\r\n" LATIN2 PART
	      "text/plain; charset=koi8-r; name*=koi8-r''%FC" END},
    {MIXED "\r\n" LATIN2 PART "text/plain; charset=us-ascii; name=\"" L1
	   "\"" END,
	MIXED "\r\n" LATIN2 PART
	      "text/plain; charset=us-ascii; name*=iso-8859-2''%FC" END},
    /* a message in another has its own or none; then the outer goes on */
    {MIXED SUBJECT "\r\n" LATIN2 RFC822 "Subject: abcdef" UE
		   "\r\n\r\nx\r\n" RFC822 SUBJECT MIXED_KOI8 PART
		   "a/b; name=\"" L1 "\"" END,
	MIXED SUBJECT_LATIN2
	"\r\n" LATIN2 RFC822
	"Subject: =?utf-8?Q?abcdef=C3=BC?=\r\n\r\nx\r\n" RFC822 SUBJECT_KOI8
	    MIXED_KOI8 PART "a/b; name*=iso-8859-2''%FC" END},
    /* a field that is UTF-8 is that, whatever the body or its part is in */
    {PLAIN_LATIN1 "Subject: abcdef" UE "\r\n\r\nGr" L1 "\xDF"
		  "eabcdef\r\n",
	MIME "Content-Type: text/plain; charset=iso-8859-1\r\n" QP
	     "Subject: =?utf-8?Q?abcdef=C3=BC?=\r\n"
	     "\r\nGr=FC=DFeabcdef\r\n"},
    {MIXED "Subject: abcdef" UE "\r\n\r\n" BIG5 "x" END,
	MIXED "Subject: =?utf-8?Q?abcdef=C3=BC?=\r\n\r\n" BIG5 "x" END},
    {MIXED "\r\n" PART "text/plain; charset=iso-8859-1; name=\"Pr" UE
	   "f.txt\"\r\n"
	   "Content-Disposition: attachment; filename=\"Pr" UE "f.txt\"" END,
	MIXED
	"\r\n" PART
	"text/plain; charset=iso-8859-1; name*=utf-8''Pr%C3%BCf.txt\r\n"
	"Content-Disposition: attachment; filename*=utf-8''Pr%C3%BCf.txt" END},
    /* the second byte of a character may be a backslash or an '@' */
    {MIXED "\r\n" BIG5 "x\r\n" PART "a/b\r\nContent-Disposition: attachment; "
	   "filename=\"\xA6\xA8\xA5\\\xB3\xF8\xAA\xED.pdf\"" END,
	MIXED "\r\n" BIG5 "x\r\n" PART
	      "a/b\r\nContent-Disposition: attachment;\r\n "
	      "filename*=utf-8''%E6%88%90%E5%8A%9F%E5%A0%B1%E8%A1%A8.pdf" END},
    {MIXED "\r\n" PART
	   "text/plain; charset=shift_jis; name=\"\x83\\\" (\x83@)\"" END,
	MIXED "\r\n" PART "text/plain; charset=shift_jis; "
	      "name*=utf-8''%E3%82%BD" END},
    {MIXED "\r\n" PART "text/plain; charset=gbk; name=\"\x81\\\"; x=y" END,
	MIXED "\r\n" PART
	      "text/plain; charset=gbk; name*=utf-8''%E4%B9%97; x=y" END},
    /* a character that was cut in two */
    {MIME "Content-Type: text/plain; charset=big5\r\nSubject: abcdefg\xA6\r\n"
	  "\r\nx\r\n",
	MIME "Content-Type: text/plain; charset=big5\r\n"
	     "Subject: =?utf-8?Q?abcdefg=EF=BF=BD?=\r\n\r\nx\r\n"},
    /* and gives none to it */
    {MIXED SUBJECT "\r\n" RFC822 KOI8 "--b--\r\n",
	MIXED "Subject: =?windows-1252?Q?abcdef=FC?=\r\n\r\n" RFC822 KOI8
	      "--b--\r\n"},
};

static void
test_field_charsets(void **state)
{
	(void)state;
	CHECK(field_charsets);
}

/* --- the client --- */

#define OURS                                                           \
	"Received: from [10.1.2.3] (printer.inside [10.1.2.3])\r\n"    \
	"\t(using TLSv1.3 with cipher X (256/256 bits)\r\n"            \
	"\t (Client did not present a certificate))\r\n"               \
	"\t(Authenticated sender: user@example.com)\r\n"               \
	"\tby mx.example.com (Postfix) with ESMTPSA id 4ZbQ2k1xYz\r\n" \
	"\tfor <a@example.com>; Mon, 23 Nov 2026 10:00:00 +0000 (UTC)\r\n"
#define HIDDEN                                                                 \
	"Received: by mx.example.com (Postfix) with ESMTPSA id 4ZbQ2k1xYz\r\n" \
	"\tfor <a@example.com>; Mon, 23 Nov 2026 10:00:00 +0000 (UTC)\r\n"
#define OTHER "Received: from a (b [10.0.0.1]) by c with SMTP id x; date\r\n"

#define NINETY TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define LONG_LINES(start)                                                  \
	"Received: " start HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED \
	    HUNDRED HUNDRED HUNDRED NINETY "\r\n\r\nx"

static const struct row received[] = {
    {OURS "A: b\r\n\r\nx", HIDDEN "A: b\r\n\r\nx"},
    {OURS OTHER "\r\nx", HIDDEN OTHER "\r\nx"},
    {OTHER OURS "\r\nx", OTHER HIDDEN "\r\nx"},
    /* none has the queue id: the one on top */
    {OTHER OTHER "\r\nx",
	"Received: by c with SMTP id x; date\r\n" OTHER "\r\nx"},
    {"Received: from by (id 4ZbQ2k1xYz) by by\r\n id 4ZbQ2k1xYz; date\r\n\r\n",
	"Received: by by\r\n id 4ZbQ2k1xYz; date\r\n\r\n"},
    {"Received: by c (Postfix, from userid 0) id 4ZbQ2k1xYz; date\r\n\r\n",
	NULL},
    {"Received: from a\r\n\r\n", NULL},
    {"A: b\r\n\r\n" OURS, NULL},
    {"DKIM-Signature: d\r\n" OURS "A: " UE "\r\n\r\n" UE "\n",
	"DKIM-Signature: d\r\n" HIDDEN "A: " UE "\r\n\r\n" UE "\n"},
    {OURS "Subject: abcdef" UE "\r\n\r\nx",
	HIDDEN "Subject: =?utf-8?Q?abcdef=C3=BC?=\r\n\r\nx"},
    /* what is one line then may be too long for one */
    {LONG_LINES("from x\r\n\tby y; "), LONG_LINES("by y;\r\n ")},
    {"DKIM-Signature: d\r\n" LONG_LINES("from x\r\n\tby y; "),
	"DKIM-Signature: d\r\n" LONG_LINES("by y;\r\n ")},
};

/* The second pass finds no client: the one on top has none any more. */
static void
test_hide_client(void **state)
{
	const struct content_rules hide = {
	    .encode_8bit = 1, .hide_client = 1, .queue_id = "4ZbQ2k1xYz"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(received) / sizeof(received[0]); i++)
		check(&received[i], &hide);
	check(&(struct row){OURS "\r\nx", NULL}, &rules);
}

/* --- sizes --- */

/* Each 8-bit word needs six times its length. */
static void
test_field_grows(void **state)
{
	struct buf in, out;
	struct error err;
	size_t i;

	(void)state;
	buf_init(&in, 4 * 1024 * 1024);
	buf_init(&out, 1024);
	buf_add_string(&in, "X-A: ");
	for (i = 0; i < 400000; i++)
		buf_add_string(&in, L1 " a ");
	buf_add_string(&in, "\r\n\r\nx\r\n");
	assert_int_equal(
	    content_pass(in.bytes, in.len, &rules, &out, &err), -1);
	assert_int_equal(err.class, ERROR_PERMANENT);
	assert_string_equal(err.dsn, "5.6.0");
	assert_string_equal(err.text,
	    "a header field would have more than 8388608 bytes as it must be "
	    "written for Graph");
	buf_free(&in);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_field_charsets),
	    cmocka_unit_test(test_hide_client),
	    cmocka_unit_test(test_field_grows),
	};

	return cmocka_run_group_tests_name(
	    "agent_content_head", tests, NULL, NULL);
}
