/*
 * What is done to bodies and to the fields that describe them
 * (agent/pipe/content/content.c, content_body.c). See content_rows.h for the
 * rows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "content_rows.h"

/* --- messages of one part --- */

#define BLANKS                                                             \
	"                                                                " \
	"                                                                "

#define QP_LINE SOFT75 "\r\n56789" TEN TEN TEN TEN TEN TEN "0123456789=\r\n"
#define THOUSAND_QP                                            \
	QP_LINE QP_LINE QP_LINE QP_LINE QP_LINE QP_LINE SOFT75 \
	    "\r\n56789" TEN TEN

static const struct row leaves[] = {
    /* nothing asks for it */
    {"A: b\r\n\r\nbody\r\n", NULL},
    {PLAIN EIGHT "\r\nbody\r\n", NULL},
    {"A: b\r\n", NULL},
    /* 8-bit */
    {PLAIN EIGHT "\r\n" UE "ber\r\n", PLAIN QP "\r\n=C3=BCber\r\n"},
    {PLAIN "\r\n" UE "ber\r\n", PLAIN QP "\r\n=C3=BCber\r\n"},
    {PLAIN "Content-Transfer-Encoding: 7bit\r\nX: y\r\n\r\n" UE "berall",
	PLAIN QP "X: y\r\n\r\n=C3=BCberall"},
    {PLAIN EIGHT "\r\n" UE UE UE "\r\n", PLAIN B64 "\r\nw7zDvMO8DQo=\r\n"},
    {PLAIN "Content-transfer-encoding : (x) 8bit\r\n\r\nabcdefghijkl" UE
	   " \r\n",
	PLAIN "Content-transfer-encoding : quoted-printable\r\n\r\n"
	      "abcdefghijkl=C3=BC=20\r\n"},
    {PLAIN EIGHT EIGHT "\r\nabcdef" UE "\r\n", PLAIN QP "\r\nabcdef=C3=BC\r\n"},
    {PLAIN EIGHT "\r\nx" UE "=\t\r\n-- \r\n--x- \t\r\n" HUNDRED "-\r\n",
	PLAIN QP "\r\nx=C3=BC=3D=09\r\n=2D-=20\r\n=2D-x- =09\r\n" SOFT75
		 "\r\n5678901234567890123456789-\r\n"},
    /* what is missing is put in */
    {"Subject: x\r\n\r\nabcdef" UE "\r\n",
	"Subject: x\r\n" MIME "Content-Type: text/plain; charset=utf-8\r\n" QP
	"\r\nabcdef=C3=BC\r\n"},
    {"Subject: x\r\n\r\nabcdef" L1 "\r\n",
	"Subject: x\r\n" MIME
	"Content-Type: text/plain; charset=windows-1252\r\n" QP
	"\r\nabcdef=FC\r\n"},
    {MIME "Content-Type: text/plain\r\n\r\nabcdef" UE "\r\n",
	PLAIN QP "\r\nabcdef=C3=BC\r\n"},
    {MIME "Content-Type: text/plain; format=flowed\r\n\r\nabcdef" UE "\r\n",
	MIME "Content-Type: text/plain; charset=utf-8; format=flowed\r\n" QP
	     "\r\nabcdef=C3=BC\r\n"},
    {MIME "Content-Type: text/plain name=x.txt\r\n\r\nabcdef" UE,
	MIME "Content-Type: text/plain; charset=utf-8; name=x.txt\r\n" QP
	     "\r\nabcdef=C3=BC"},
    {MIME
	"Content-Type: text/plain; charset=\"us-ascii\"; x=y\r\n\r\nabcdef" UE,
	MIME "Content-Type: text/plain; charset=utf-8; x=y\r\n" QP
	     "\r\nabcdef=C3=BC"},
    {MIME "Content-Type: text/plain; charset=iso-8859-2\r\n\r\nabcdef" L1
	  "\r\n",
	MIME "Content-Type: text/plain; charset=iso-8859-2\r\n" QP
	     "\r\nabcdef=FC\r\n"},
    {MIME "Content-Type: text\r\n\r\nabcdef" UE "\r\n",
	PLAIN QP "\r\nabcdef=C3=BC\r\n"},
    {MIME "Content-Type: text/html\r\n\r\n<meta charset=koi8-r>abcdef" L1
	  "\r\n",
	MIME "Content-Type: text/html\r\n" QP
	     "\r\n<meta charset=3Dkoi8-r>abcdef=FC\r\n"},
    {MIME "Content-Type: application/json\r\n\r\n{\"abcdef\": \"" UE "\"}\r\n",
	MIME "Content-Type: application/json\r\n" QP
	     "\r\n{\"abcdef\": \"=C3=BC\"}\r\n"},
    /* long lines */
    {PLAIN "\r\n" THOUSAND "\r\n", PLAIN QP "\r\n" THOUSAND_QP "\r\n"},
    /* line ends */
    {"A: b\r\n\r\nx\ny\rz\r\r\n\n", "A: b\r\n\r\nx\r\ny\r\nz\r\n\r\n\r\n"},
    {"A: b\nC: d\n\nx\n", "A: b\r\nC: d\r\n\r\nx\r\n"},
    {"A: b\rBcc: c\r\n\r\nx\r\n", "A: b Bcc: c\r\n\r\nx\r\n"},
    {PLAIN EIGHT "\r\nabcdef" UE "\ncd\r",
	PLAIN QP "\r\nabcdef=C3=BC\r\ncd\r\n"},
    {PLAIN QP "\r\na=\nb\n", PLAIN QP "\r\na=\r\nb\r\n"},
    {PLAIN B64 "\r\nQQ\n==\r", PLAIN B64 "\r\nQQ\r\n==\r\n"},
    /* binary: the bytes as they are */
    {MIME "Content-Type: image/png\r\n"
	  "Content-Transfer-Encoding: binary\r\n\r\na\nb\r" L1 "\r\n",
	MIME "Content-Type: image/png\r\n" B64 "\r\nYQpiDfwNCg==\r\n"},
    {MIME "Content-Type: image/png\r\n\r\na\rb\r\n",
	MIME "Content-Type: image/png\r\n" B64 "\r\nYQ1iDQo=\r\n"},
    {MIME "Content-Type: text/plain\r\n"
	  "Content-Transfer-Encoding: binary\r\n\r\na\nb" L1,
	MIME "Content-Type: text/plain; charset=windows-1252\r\n" B64
	     "\r\nYQpi/A==\r\n"},
    /* what is encoded already is mended */
    {PLAIN QP "\r\nabcdef" UE "=C3=BC=\r\n=3d=\t\r\n x=y=4=",
	PLAIN QP "\r\nabcdef=C3=BC=C3=BC=\r\n=3d=\r\n x=3Dy=3D4="},
    {PLAIN QP "\r\n--" UE "\r\n-\r\n", PLAIN QP "\r\n=2D-=C3=BC\r\n=2D\r\n"},
    /* blanks at the end of a line are padding, and stay that or go */
    {PLAIN QP "\r\n" UE " \t\r\nx \t", PLAIN QP "\r\n=C3=BC \t\r\nx \t"},
    {PLAIN QP "\r\n" UE TEN TEN TEN TEN TEN TEN "123456789   \r\nx\r\n",
	PLAIN QP "\r\n=C3=BC" TEN TEN TEN TEN TEN TEN "123456789\r\nx\r\n"},
    {PLAIN QP "\r\n" UE "x" BLANKS "\r\nx" BLANKS, PLAIN QP "\r\n=C3=BCx\r\nx"},
    {PLAIN QP "\r\n" UE TEN TEN TEN TEN TEN TEN "123456789   x  =\r\n  \r\n",
	PLAIN QP "\r\n=C3=BC" TEN TEN TEN TEN TEN TEN "123456789"
		 "=\r\n   x  =\r\n  \r\n"},
    {PLAIN B64 "\r\nQUJD" UE "REVG\r\nR0h-JSktM\r\n",
	PLAIN B64 "\r\nQUJDREVGR0hJSktM\r\n"},
    /* other encodings */
    {PLAIN "Content-Transfer-Encoding: x-uuencode\r\n\r\nabcdef" UE "\r\n",
	NULL},
    {PLAIN "Content-Transfer-Encoding: utf-8\r\n\r\nabcdef" UE "\r\n",
	PLAIN QP "\r\nabcdef=C3=BC\r\n"},
    {PLAIN "Content-Transfer-Encoding:\r\n\r\nabcdef" UE "\r\n",
	PLAIN QP "\r\nabcdef=C3=BC\r\n"},
    {PLAIN "Content-Transfer-Encoding: (x) base64\r\n\r\nQUJD" UE "\r\n",
	PLAIN "Content-Transfer-Encoding: (x) base64\r\n\r\nQUJD\r\n"},
    {MIME "Content-Transfer-Encoding: none\r\n\r\n" HUNDRED "\r\n", NULL},
    {MIME "Content-Transfer-Encoding: none\r\n\r\n" THOUSAND "\r\n",
	MIME QP "\r\n" THOUSAND_QP "\r\n"},
    {MIME "Content-Transfer-Encoding: none\r\n\r\n" THOUSAND "\n",
	MIME QP "\r\n" THOUSAND_QP "\r\n"},
    {MIME "Content-Transfer-Encoding: x-none\r\n\r\n" THOUSAND "\r\n", NULL},
    /* no name: what no encoding would leave tells that it is 8bit */
    {MIME "Content-Transfer-Encoding: \"none\"\r\n\r\n" THOUSAND "\r\n", NULL},
    {PLAIN "Content-Transfer-Encoding: \"8bit\"\r\n\r\nabcdef" UE "\r\n",
	PLAIN QP "\r\nabcdef=C3=BC\r\n"},
    {PLAIN "Content-Transfer-Encoding: 8bit, binary\r\n\r\nabcdef" UE "\r\n",
	PLAIN QP "\r\nabcdef=C3=BC\r\n"},
    {PLAIN "Content-Transfer-Encoding: text/plain\r\n\r\nabcdef" UE "\r\n",
	PLAIN QP "\r\nabcdef=C3=BC\r\n"},
    {PLAIN "Content-Transfer-Encoding: =8bit;\r\n\r\nabcdef" UE "\r\n",
	PLAIN QP "\r\nabcdef=C3=BC\r\n"},
    {PLAIN "Content-Transfer-Encoding: text/plain\r\n\r\nabc\r\n", NULL},
    {MIME "Content-Transfer-Encoding: =?utf-8?Q?8bit?=\r\n\r\nabcdef" UE "\r\n",
	MIME QP "Content-Type: text/plain; charset=utf-8\r\n"
		"\r\nabcdef=C3=BC\r\n"},
    {PLAIN "Content-Transfer-Encoding: (base64\r\n\r\nabcdef" UE "\r\n",
	PLAIN QP "\r\nabcdef=C3=BC\r\n"},
    {PLAIN "Content-Transfer-Encoding: \"base64\"\r\n\r\nQUJDREVG" UE "\r\n",
	PLAIN QP "\r\nQUJDREVG=C3=BC\r\n"},
    {PLAIN "Content-Transfer-Encoding: \"base64\"\r\n\r\nQUJD\r\n", NULL},
    /* no empty line: what is no field must not become one */
    {"A: b\r\n" UE "x: y\r\nz\r\n",
	"A: b\r\n" MIME "Content-Type: text/plain; charset=utf-8\r\n" QP
	"\r\n=C3=BCx: y\r\nz\r\n"},
};

static void
test_leaves(void **state)
{
	(void)state;
	CHECK(leaves);
}

/* --- multiparts --- */

#define SIGNED                                                 \
	MIME "Content-Type: multipart/signed; boundary=b;\r\n" \
	     "\tprotocol=\"application/pgp-signature\"\r\n"
#define SIGNED_BODY                                                   \
	"--b\r\n" PLAIN EIGHT "\r\nabcdef" UE "\ncd\r--\r\n" THOUSAND \
	"\r\n--b\r\n"                                                 \
	"Content-Type: application/pgp-signature\r\n\r\nx\n--b--\r\n"

static const struct row multiparts[] = {
    {MIXED EIGHT "\r\n" UE "\r\n--b\r\n\r\nabcdef" UE "\r\n--b\r\n"
		 "Content-Type: text/html; charset=viscii\r\n" EIGHT
		 "\r\nabcdef" L1 "\r\n--b\r\n\r\nplain\r\n--b--\r\n" UE "\r\n",
	MIXED EIGHT "\r\n" UE "\r\n--b\r\n"
		    "Content-Type: text/plain; charset=utf-8\r\n" QP
		    "\r\nabcdef=C3=BC\r\n--b\r\n"
		    "Content-Type: text/html; charset=viscii\r\n" QP
		    "\r\nabcdef=FC\r\n--b\r\n\r\nplain\r\n--b--\r\n" UE "\r\n"},
    /* line ends outside parts too */
    {MIXED "\n.\r--b\n\nx\n--b\nA: b\r\n\ry\r--b--\n",
	MIXED "\r\n.\r\n--b\r\n\r\nx\r\n--b\r\nA: b\r\n\r\n\r\ny\r\n"
	      "--b--\r\n"},
    /* a part without empty line */
    {MIXED "\r\n--b\r\n" UE "bcdefg: h\r\n--b--\r\n",
	MIXED "\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n" QP
	      "\r\n=C3=BCbcdefg: h\r\n--b--\r\n"},
    {MIXED "\r\n--b\r\n" B64 "Q" UE "Q==\r\n--b--\r\n",
	MIXED "\r\n--b\r\n" B64 "\r\nQQ==\r\n--b--\r\n"},
    /* never begun, without boundary, ended early */
    {MIXED "\r\nabcdef" UE "\r\n", NULL},
    {MIME "Content-Type: multipart/mixed\r\n\r\nabcdef" UE "\n", NULL},
    {MIXED "\r\n--b\r\n\r\nabcdef" UE "\r\n",
	MIXED "\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n" QP
	      "\r\nabcdef=C3=BC\r\n"},
    /* messages inside */
    {MIME "Content-Type: message/rfc822\r\n" EIGHT "\r\nSubject: a" UE
	  "\r\n\r\nabcdef" UE "\r\n",
	MIME "Content-Type: message/rfc822\r\n" EIGHT
	     "\r\nSubject: =?utf-8?B?YcO8?=\r\n" MIME
	     "Content-Type: text/plain; charset=utf-8\r\n" QP
	     "\r\nabcdef=C3=BC\r\n"},
    {MIME "Content-Type: message/partial; id=x\r\n\r\nA: b\n\nabcdef" UE "\r\n",
	MIME "Content-Type: message/partial; id=x\r\n\r\nA: b\r\n\r\nabcdef" UE
	     "\r\n"},
    {MIME "Content-Type: message/global\r\n\r\nA: b" UE "\r\n\r\nxyz\r\n",
	MIME "Content-Type: message/global\r\n" QP
	     "\r\nA: b=C3=BC\r\n\r\nxyz\r\n"},
    {MIME "Content-Type: message/rfc822\r\n" B64 "\r\nQ" UE "\n", NULL},
    /* reports in encodings that they may not have: as any part in them */
    {MIME "Content-Type: message/delivery-status\r\n" QP
	  "\r\nDiagnostic-Code: x; =\r\nabcdef" UE "\n",
	MIME "Content-Type: message/delivery-status\r\n" QP
	     "\r\nDiagnostic-Code: x; =\r\nabcdef=C3=BC\r\n"},
    {MIME "Content-Type: message/delivery-status\r\n" B64 "\r\nQUJD" UE "\r\n",
	MIME "Content-Type: message/delivery-status\r\n" B64 "\r\nQUJD\r\n"},
    {MIME "Content-Type: message/delivery-status\r\n" EIGHT
	  "\r\nDiagnostic-Code: x; " UE "\r\n",
	NULL},
    {MIME "Content-Type: message/delivery-status\r\n"
	  "Content-Transfer-Encoding: \"base64\"\r\n\r\nQUJD" UE "\n",
	MIME "Content-Type: message/delivery-status\r\n"
	     "Content-Transfer-Encoding: \"base64\"\r\n\r\nQUJD" UE "\r\n"},
    /* the parts of a multipart stand there as they are, whatever it says */
    {MIXED B64 "\r\n--b\r\n\r\nabcdef" UE "\r\n--b--\r\n",
	MIXED B64 "\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n" QP
		  "\r\nabcdef=C3=BC\r\n--b--\r\n"},
    {MIXED QP "\r\n=C3=BC\r\n--b\r\n\r\nabcdef" UE "\r\n--b--\r\n",
	MIXED QP "\r\n=C3=BC\r\n--b\r\n"
		 "Content-Type: text/plain; charset=utf-8\r\n" QP
		 "\r\nabcdef=C3=BC\r\n--b--\r\n"},
    {MIXED "Content-Transfer-Encoding: x-odd\r\n\r\n--b\r\n\r\nabcdef" UE
	   "\r\n--b--\r\n",
	MIXED "Content-Transfer-Encoding: x-odd\r\n\r\n--b\r\n"
	      "Content-Type: text/plain; charset=utf-8\r\n" QP
	      "\r\nabcdef=C3=BC\r\n--b--\r\n"},
    /* signed, encrypted */
    {SIGNED "\r\n" UE "\r" SIGNED_BODY UE "\n", NULL},
    {SIGNED "Subject: abcdef" UE "\r\n\r\n" SIGNED_BODY,
	SIGNED "Subject: =?utf-8?Q?abcdef=C3=BC?=\r\n\r\n" SIGNED_BODY},
    {MIXED "\r\n--b\r\n" SIGNED "\r\n" UE "\n--b\r\n\r\nabcdef" UE
	   "\r\n--b--\r\n",
	MIXED "\r\n--b\r\n" SIGNED "\r\n" UE "\n--b\r\n\r\nabcdef" UE
	      "\r\n--b--\r\n"},
    {MIXED
	"\r\n--b\r\nContent-Type: multipart/encrypted; boundary=c\n\n--c\n\n" UE
	"\n--c--\n\r\n--b\r\n\r\nabcdef" UE "\r\n--b--\n",
	MIXED "\r\n--b\r\nContent-Type: multipart/encrypted; boundary=c\r\n\r\n"
	      "--c\n\n" UE "\n--c--\n\r\n--b\r\n"
	      "Content-Type: text/plain; charset=utf-8\r\n" QP
	      "\r\nabcdef=C3=BC\r\n--b--\r\n"},
    {MIME "Content-Type: application/pkcs7-mime; name=\"a" UE ".p7m\"\r\n"
	  "Content-Transfer-Encoding: binary\r\n\r\n" UE "\r\n\n" THOUSAND,
	MIME "Content-Type: application/pkcs7-mime; "
	     "name*=utf-8''a%C3%BC.p7m\r\n"
	     "Content-Transfer-Encoding: binary\r\n\r\n" UE "\r\n\n" THOUSAND},
    {"DKIM-Signature: v=1; d=x\r\nSubject: a" UE "\n\nabcdef" UE "\r\n", NULL},
    {MIXED "\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
	   "DKIM-Signature: v=1\r\nSubject: " UE "\r\n\r\n" UE "\n\r\n--b\r\n"
	   "DKIM-Signature: not a message\r\n\r\nabcdef" UE "\r\n--b--\r\n",
	MIXED "\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
	      "DKIM-Signature: v=1\r\nSubject: " UE "\r\n\r\n" UE
	      "\n\r\n--b\r\n"
	      "DKIM-Signature: not a message\r\n"
	      "Content-Type: text/plain; charset=utf-8\r\n" QP
	      "\r\nabcdef=C3=BC\r\n--b--\r\n"},
};

static void
test_multiparts(void **state)
{
	(void)state;
	CHECK(multiparts);
}

/*
 * One that does not fit any more keeps nothing; that of a message in it does.
 */
static void
test_broken_signature(void **state)
{
	static const struct row row = {
	    "DKIM-Signature: v=1; d=x\r\nSubject: abcdef" UE "\r\n" MIXED
	    "\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
	    "DKIM-Signature: v=1\r\nSubject: " UE "\r\n\r\n" UE
	    "\r\n--b\r\n\r\nabcdef" UE "\r\n--b--\r\n",
	    "DKIM-Signature: v=1; d=x\r\n"
	    "Subject: =?utf-8?Q?abcdef=C3=BC?=\r\n" MIXED
	    "\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
	    "DKIM-Signature: v=1\r\nSubject: " UE "\r\n\r\n" UE
	    "\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n" QP
	    "\r\nabcdef=C3=BC\r\n--b--\r\n"};
	struct content_rules broken = rules;

	(void)state;
	broken.signature_broken = 1;
	check(&row, &broken);
}

/* --- settings --- */

static const struct row kept[] = {
    {PLAIN EIGHT "\r\nabcdef" UE "\r\n", NULL},
    {"A: b\r\n\r\nabcdef" UE "\r\n", NULL},
    {PLAIN EIGHT "\r\nabcdef" UE "\n", PLAIN EIGHT "\r\nabcdef" UE "\r\n"},
    {"Subject: a" UE "\r\n\r\nabcdef" UE "\r\n",
	"Subject: =?utf-8?B?YcO8?=\r\n\r\nabcdef" UE "\r\n"},
    {PLAIN EIGHT "\r\nx" L1 " " HUNDRED "\r\n", NULL},
    {MIME "Content-Type: image/png\r\n" EIGHT "\r\n\n" L1 "\r\n",
	MIME "Content-Type: image/png\r\n" B64 "\r\nCvwNCg==\r\n"},
};

static void
test_keep_8bit(void **state)
{
	const struct content_rules keep = {.encode_8bit = 0};

	(void)state;
	check_all(kept, sizeof(kept) / sizeof(kept[0]), &keep);
}

static void
test_nul(void **state)
{
	const char in[] = "A: b\r\n\r\nx\0y\r\n";
	struct error err;
	struct buf out;

	(void)state;
	buf_init(&out, 1024);
	assert_int_equal(
	    content_pass(in, sizeof(in) - 1, &rules, &out, &err), -1);
	assert_int_equal(err.class, ERROR_PERMANENT);
	assert_string_equal(err.dsn, "5.6.0");
	buf_free(&out);
}

/* --- sizes --- */

/* More parts than there may be edits, each of which needs two. */
static void
test_many_parts(void **state)
{
	struct buf in, once, again;
	struct error err;
	int i, edits;

	(void)state;
	buf_init(&in, 16 * 1024 * 1024);
	buf_init(&once, 16 * 1024 * 1024);
	buf_init(&again, 16 * 1024 * 1024);
	buf_add_string(&in, MIXED "\r\n");
	for (i = 0; i < 20000; i++)
		buf_printf(&in, "--b\r\n\r\n%d" UE "\r\n", i);
	buf_add_string(&in, "--b--\r\n");
	edits = content_pass(in.bytes, in.len, &rules, &once, &err);
	assert_true(edits > 0 && edits <= EDITS_MAX);
	assert_non_null(strstr(once.bytes, "\r\n\r\n19999=C3=BC\r\n--b--\r\n"));
	assert_int_equal(
	    content_pass(once.bytes, once.len, &rules, &again, &err), 0);
	buf_free(&in);
	buf_free(&once);
	buf_free(&again);
}

/* Pieces end at all places of a text; both encodings. */
static void
test_pieces(void **state)
{
	struct buf in, out;
	struct error err;
	int pad, i;

	(void)state;
	for (pad = 0; pad < 80; pad++) {
		buf_init(&in, 1024 * 1024);
		buf_init(&out, 1024 * 1024);
		buf_add_string(&in, PLAIN EIGHT "\r\n");
		for (i = 0; i < pad + 16300; i++)
			buf_add_string(&in, i % 60 == 59 ? "\n" : "x");
		buf_add_string(&in, UE " \t\r\n\r\n--\r\n" UE);
		assert_int_equal(
		    content_pass(in.bytes, in.len, &rules, &out, &err), 2);
		assert_non_null(
		    strstr(out.bytes, "=C3=BC =09\r\n\r\n=2D-\r\n=C3=BC"));
		buf_free(&in);
		buf_free(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_leaves),
	    cmocka_unit_test(test_multiparts),
	    cmocka_unit_test(test_broken_signature),
	    cmocka_unit_test(test_keep_8bit),
	    cmocka_unit_test(test_nul),
	    cmocka_unit_test(test_many_parts),
	    cmocka_unit_test(test_pieces),
	};

	return cmocka_run_group_tests_name("agent_content", tests, NULL, NULL);
}
