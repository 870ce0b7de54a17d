/*
 * Header fields without 8-bit bytes (agent/pipe/field*.c). A row is a field,
 * the charset that the message says, and what becomes of the field. Whatever
 * comes out is written again, which must change nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/pipe/codec/scan.h"
#include "agent/pipe/field/field.h"

#define UE "\xC3\xBC" /* in UTF-8 */
#define L1 "\xFC" /* the same in ISO 8859-1 */
#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define THOUSAND                                                        \
	HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED \
	    HUNDRED HUNDRED
#define U(x) "=?utf-8?Q?" x "?="

struct row {
	const char *field, *charset, *want;
};

/* The caller frees the result. */
static char *
write_again(const char *field, const char *charset)
{
	const char *value = strchr(field, ':') + 1;
	struct buf out;

	buf_init(&out, 1024 * 1024);
	field_write(&out, span_between(field, value),
	    span_between(value, value + strlen(value)),
	    span_between(charset, charset + strlen(charset)));
	assert_false(out.failed);
	return out.bytes;
}

static void
check(const struct row *row)
{
	char *once = write_again(row->field, row->charset);
	char *again = write_again(once, row->charset);

	assert_string_equal(once, row->want);
	assert_string_equal(again, once);
	free(once);
	free(again);
}

#define CHECK(rows)                                                     \
	do {                                                            \
		size_t i_;                                              \
		for (i_ = 0; i_ < sizeof(rows) / sizeof(rows[0]); i_++) \
			check(&rows[i_]);                               \
	} while (0)

/* --- text --- */

static const struct row texts[] = {
    {"Subject: plain text", "", "Subject: plain text"},
    {"Subject: plain\n text\rx", "", "Subject: plain\r\n text x"},
    {"Subject: Gr" UE "sse aus K" UE "ln", "",
	"Subject: " U("Gr=C3=BCsse") " aus " U("K=C3=BCln")},
    {"Subject: fr" UE "h sp" UE "t", "", "Subject: " U("fr=C3=BCh_sp=C3=BCt")},
    {"Subject:fr" UE "h", "", "Subject:" U("fr=C3=BCh")},
    {"Subject: " UE, "", "Subject: =?utf-8?B?w7w=?="},
    {"Subject: " UE UE UE UE, "", "Subject: =?utf-8?B?w7zDvMO8w7w=?="},
    /* a quote in an encoded word is none */
    {"X-A: =?x?Q?\"?= abcde" UE "\"", "",
	"X-A: =?x?Q?\"?= " U("_abcde=C3=BC=22")},
    /* nor is this one, for its blank */
    {"X-A: =?Q?B?\" \"abcdefghijk" L1 "?=", "",
	"X-A: =?windows-1252?Q?=3D=3FQ=3FB=3F=22_=22abcdefghijk=FC=3F=3D?="},
    /* quotes that hold one are text: readers decode it there */
    {"X-A: abcde" UE "\" =?utf-8?B?QQ==?= \"", "",
	"X-A: " U("abcde=C3=BC=22_") " =?utf-8?B?QQ==?= \""},
    {"X-A: abcde" UE "\" =?x?Q?a\"?=", "",
	"X-A: " U("abcde=C3=BC=22_") " =?x?Q?a\"?="},
    {"X-A: abcde" UE "\" =?\"?B?"
     "?=",
	"",
	"X-A: " U("abcde=C3=BC=22_") " =?\"?B?"
				     "?="},
    {"X-A: \"b abcde" UE " c\"x \"=?x?Q?a?= \"", "",
	"X-A: " U("=22b_abcde=C3=BC_c=22x") " \"=?x?Q?a?= \""},
    /* what charset */
    {"Subject: abcde" L1, "", "Subject: =?windows-1252?Q?abcde=FC?="},
    {"Subject: abcde" L1, "iso-8859-2", "Subject: =?iso-8859-2?Q?abcde=FC?="},
    {"Subject: abcde" UE, "koi8-r", "Subject: " U("abcde=C3=BC")},
    {"Subject: abcde" UE " " L1, "koi8-r",
	"Subject: =?koi8-r?Q?abcde=C3=BC_=FC?="},
    {"Subject: abcde" UE, "unknown-8bit", "Subject: " U("abcde=C3=BC")},
    {"Subject: abcde" L1, "unknown-8bit",
	"Subject: =?windows-1252?Q?abcde=FC?="},
    {"Subject: abcde" L1, "UTF-8", "Subject: =?windows-1252?Q?abcde=FC?="},
    {"Subject: abcde" UE, "UTF-8", "Subject: =?UTF-8?Q?abcde=C3=BC?="},
    {"Subject: abcde" UE, "us-ascii", "Subject: " U("abcde=C3=BC")},
    {"Subject: abcde" UE, "iso-2022-jp", "Subject: " U("abcde=C3=BC")},
    {"Subject: abcde" UE, "x\"; y=\"", "Subject: " U("abcde=C3=BC")},
    /* beside encoded words that were there */
    {"Subject: =?utf-8?Q?a?= abcde" UE " =?utf-8?Q?b?=", "",
	"Subject: =?utf-8?Q?a?= " U("_abcde=C3=BC_") " =?utf-8?Q?b?="},
    {"Subject: =?utf-8?Q?a?=\r\n\tabcde" UE, "",
	"Subject: =?utf-8?Q?a?=\r\n\t" U("=09abcde=C3=BC")},
    {"Subject: =?utf-8?Q?a" UE "_b?= =?utf-8?b?Q" UE "Q==?=", "",
	"Subject: =?utf-8?Q?a=C3=BC_b?= =?utf-8?b?QQ==?="},
    {"Subject: =?utf-8?" UE "berall", "",
	"Subject: " U("=3D=3Futf-8=3F=C3=BCberall")},
    /* a fold is where it was, and where it is needed */
    {"Subject: abcde" UE "\r\n \tfghij" UE, "",
	"Subject: " U("abcde=C3=BC_=09fghij=C3=BC")},
    {"Subject: plain\r\n abcde" UE "\r\n plain", "",
	"Subject: plain\r\n " U("abcde=C3=BC") "\r\n plain"},
    {"Subject: " TEN TEN TEN TEN TEN " abcdefgh" UE " " TEN TEN TEN, "",
	"Subject: " TEN TEN TEN TEN TEN
	"\r\n " U("abcdefgh=C3=BC") " " TEN TEN TEN},
    {"Subject: " TEN TEN TEN " abcdefgh" UE " " TEN TEN TEN, "",
	"Subject: " TEN TEN TEN " " U("abcdefgh=C3=BC") "\r\n " TEN TEN TEN},
    {"X-Text: " TEN TEN TEN TEN TEN TEN TEN TEN UE, "",
	"X-Text: " U(TEN TEN TEN TEN TEN "012345") "\r\n " U(
	    "678901234567890123456789=C3=BC")},
    {"X-Text: " TEN TEN TEN TEN TEN "01234" UE UE, "",
	"X-Text: " U(TEN TEN TEN TEN TEN "01234") "\r\n " U("=C3=BC=C3=BC")},
    /* characters are not cut: two bytes each */
    {"Subject: \xC4\xE3\xBA\xC3\xC4\xE3\xBA\xC3\xC4\xE3\xBA\xC3\xC4\xE3\xBA\xC3"
     "\xC4\xE3\xBA\xC3\xC4\xE3\xBA\xC3\xC4\xE3\xBA\xC3\xC4\xE3\xBA\xC3\xC4\xE3"
     "\xBA\xC3",
	"gb2312",
	"Subject: =?gb2312?B?"
	"xOO6w8TjusPE47rDxOO6w8TjusPE47rDxOO6w8TjusPE47rD?="},
    {"Subject: " TEN TEN TEN TEN "0123\xC4\xE3\xBA\xC3", "gb2312",
	"Subject: "
	"=?gb2312?Q?01234567890123456789012345678901234567890123=C4=E3?=\r\n "
	"=?gb2312?Q?=BA=C3?="},
    /* long lines */
    {"X-Long: " HUNDRED " " THOUSAND " x", "",
	"X-Long: " HUNDRED "\r\n " THOUSAND "\r\n x"},
    {"X-Long: " THOUSAND, "", "X-Long: " THOUSAND},
    {"X-Long: " THOUSAND "  \t ", "", "X-Long: " THOUSAND "  \t "},
    {"References: <" HUNDRED "@x> <" HUNDRED "@x> <" HUNDRED "@x> <" HUNDRED
     "@x> <" HUNDRED "@x> <" HUNDRED "@x> <" HUNDRED "@x> <" HUNDRED
     "@x> <" HUNDRED "@x> <" HUNDRED "@x>",
	"",
	"References: <" HUNDRED "@x>\r\n <" HUNDRED "@x> <" HUNDRED
	"@x> <" HUNDRED "@x> <" HUNDRED "@x> <" HUNDRED "@x> <" HUNDRED
	"@x> <" HUNDRED "@x> <" HUNDRED "@x> <" HUNDRED "@x>"},
};

static void
test_text(void **state)
{
	(void)state;
	CHECK(texts);
}

/* A subject that nothing can fold becomes encoded words. */
static void
test_long_subject(void **state)
{
	char *text = write_again("Subject: " THOUSAND, "");
	struct scan s = {0};

	(void)state;
	assert_int_equal(
	    strncmp(text, "Subject: =?us-ascii?Q?0123456789", 31), 0);
	scan_update(&s, text, strlen(text));
	scan_end(&s);
	assert_false(scan_found(&s));
	free(text);
}

/* --- addresses --- */

static const struct row addresses[] = {
    /* a fold before an address that is written anew stays there */
    {"To: Scan [3] <a@x>,\r\n b@y" UE ".de,\r\n \tc..@x", "",
	"To: \"Scan [3]\" <a@x>,\r\n b@xn--y-eha.de,\r\n \"c..\"@x"},
    {"From: J" UE "rgen M" UE "ller <a@b>", "",
	"From: " U("J=C3=BCrgen_M=C3=BCller") " <a@b>"},
    {"From: Dr. J" UE "rgen von M" UE "ller <a@b>", "",
	"From: Dr. " U("J=C3=BCrgen") " von " U("M=C3=BCller") " <a@b>"},
    {"To: \"M" UE "ller, J" UE "rgen (\\\"IT\\\")\" <a@b>", "",
	"To: " U("M=C3=BCller=2C_J=C3=BCrgen_=28=22IT=22=29") " <a@b>"},
    {"To: plain <a@b>, \"quoted\" <c@d>, J" UE "rgensen <e@f>", "",
	"To: plain <a@b>, \"quoted\" <c@d>, " U("J=C3=BCrgensen") " <e@f>"},
    {"To: J" UE "rgensen<a@b>,M" UE "llerx <c@d>", "",
	"To: " U("J=C3=BCrgensen") " <a@b>, " U("M=C3=BCllerx") " <c@d>"},
    {"To:\"J" UE "rgensen\"<a@b>", "", "To: " U("J=C3=BCrgensen") " <a@b>"},
    {"To: a@b (J" UE "rgensen (M" UE "llerx) \\(x" UE "yzab)", "",
	"To: a@b (" U("J=C3=BCrgensen") " (" U("M=C3=BCllerx") ")\r\n " U(
	    "=28x=C3=BCyzab") ")"},
    {"To: gr" UE "ppenx: a@b, J" UE "rgensen <c@d>;", "",
	"To: " U("gr=C3=BCppenx") " : a@b, " U("J=C3=BCrgensen") " <c@d>;"},
    /* the start of a word would end with ours */
    {"To: a@b(=?), J" UE "rgensen <c@d>", "",
	"To: a@b(=?us-ascii?B?PT8=?=), " U("J=C3=BCrgensen") " <c@d>"},
    {"To: a@b (x (=?u?q?y)), J" UE "rgensen <c@d>", "",
	"To: a@b (x (=?us-ascii?B?PT91P3E/eQ==?=)), " U(
	    "J=C3=BCrgensen") " <c@d>"},
    {"To: a@b (=?u?q?y?=), J" UE "rgensen <c@d>", "",
	"To: a@b (=?u?q?y?=), " U("J=C3=BCrgensen") " <c@d>"},
    {"Cc: =?utf-8?q==20 <a@b>, J" UE "rgensen <c@d>", "",
	"Cc: =?us-ascii?Q?=3D=3Futf-8=3Fq=3D=3D20?= <a@b>, " U(
	    "J=C3=BCrgensen") "\r\n <c@d>"},
    {"Cc: =?utf-8?Q?a?==?utf-8?Q?b?= <a@b>, J" UE "rgensen <c@d>", "",
	"Cc: =?utf-8?Q?a?==?utf-8?Q?b?= <a@b>, " U("J=C3=BCrgensen") " <c@d>"},
    {"Cc: =?utf-8?Q?a?= M" UE "llerx <a@b>", "",
	"Cc: =?utf-8?Q?a?= " U("_M=C3=BCllerx") " <a@b>"},
    {"Cc: a@m" UE "ller.de <a@m" UE "ller.de>", "",
	"Cc: " U("a=40m=C3=BCller=2Ede") " <a@xn--mller-kva.de>"},
    {"Cc: x@m" UE "ller.de <a@b>", "",
	"Cc: " U("x=40m=C3=BCller=2Ede") " <a@b>"},
    {"Cc: a@m" UE "ller.de, \"b c\"@M" UE "LLER.de", "",
	"Cc: a@xn--mller-kva.de, \"b c\"@xn--mller-kva.de"},
    {"Cc: a@m" L1 "ller.de", "", "Cc: a@m" L1 "ller.de"},
    {"Cc: m" UE "ller@m" UE "ller.de", "", "Cc: m" UE "ller@m" UE "ller.de"},
    /* what is no address stays none */
    {"To: J" UE "rgensen M" UE "llerx", "",
	"To: " U("J=C3=BCrgensen_M=C3=BCllerx")},
    {"To: \"J" UE "rgensen <a@b>", "",
	"To: " U("=22J=C3=BCrgensen_=3Ca=40b=3E")},
    {"To: \"J" UE "rgensen\" a@b, c@d", "",
	"To: " U("J=C3=BCrgensen_a=40b") ", c@d"},
    {"To: M" UE "llerx, J. <a@b>", "", "To: " U("M=C3=BCllerx") ", J. <a@b>"},
    {"Reply-To: \"J" UE "rgensen M\" <>", "",
	"Reply-To: " U("J=C3=BCrgensen_M") " <>"},
    {"Reply-To: \"" UE "berall\"", "", "Reply-To: " U("=C3=BCberall")},
    {"Reply-To: a@\"" UE "berall\"", "", "Reply-To: " U("a=40=C3=BCberall")},
    {"Reply-To: \"J" UE "rgensen\" < a b >, c@d", "",
	"Reply-To: " U("J=C3=BCrgensen") " < a b >, c@d"},
    /* read differently by others: written anew */
    {"Reply-To: Team [IT] <a@b" UE "cher.example>", "",
	"Reply-To: \"Team [IT]\" <a@xn--bcher-kva.example>"},
    {"Reply-To: Team [IT <a@b" UE "cher.example>, [x" UE "yzab", "",
	"Reply-To: \"Team [IT\" <a@xn--bcher-kva.example>, " U(
	    "=5Bx=C3=BCyzab")},
    {"Reply-To: a@b" UE "cher.example; Team: c@d; x", "",
	"Reply-To: a@xn--bcher-kva.example, Team: c@d; x"},
    {"Reply-To: <@r" UE "cher.x:a@b>, c@d", "", "Reply-To: a@b, c@d"},
    {"Reply-To: a@b" UE "cher.example. (x)", "",
	"Reply-To: a@xn--bcher-kva.example"},
    {"Reply-To: B" UE "cherei <\"a b\"(x)@b" UE "cher.example>", "",
	"Reply-To: " U("B=C3=BCcherei") " <\"a b\"(x)@xn--bcher-kva.example>"},
    /* long lists */
    {"To: " TEN TEN TEN TEN "@example.com, J" UE "rgensen <a@example.com>", "",
	"To: " TEN TEN TEN TEN
	"@example.com,\r\n " U("J=C3=BCrgensen") " <a@example.com>"},
    {"To: J" UE "rgensen <" TEN TEN TEN TEN "@example.com>", "",
	"To: " U("J=C3=BCrgensen") "\r\n <" TEN TEN TEN TEN "@example.com>"},
};

static void
test_addresses(void **state)
{
	(void)state;
	CHECK(addresses);
}

/* --- parameters --- */

static const struct row params[] = {
    {"Content-Disposition: attachment; filename=\"" UE "ber.pdf\"", "",
	"Content-Disposition: attachment; filename*=utf-8''%C3%BCber.pdf"},
    {"Content-Disposition: attachment; filename=" UE " ber.pdf; size=3", "",
	"Content-Disposition: attachment; filename*=utf-8''%C3%BC%20ber.pdf; "
	"size=3"},
    {"Content-Disposition: attachment;filename=\"" L1 "\"", "iso-8859-1",
	"Content-Disposition: attachment;filename*=iso-8859-1''%FC"},
    {"Content-Type: application/pdf; x=\"y z\"; name=\"a\\\"" UE "\"", "",
	"Content-Type: application/pdf; x=\"y z\"; name*=utf-8''a%22%C3%BC"},
    {"Content-Type: application/pdf;\r\n\tname=\"" UE "ber\r\n lang.pdf\"", "",
	"Content-Type: "
	"application/pdf;\r\n\tname*=utf-8''%C3%BCber%20lang.pdf"},
    {"Content-Type: application/pdf; charset=utf-8; name=\"" TEN "-" UE
     ".pdf\"",
	"",
	"Content-Type: application/pdf; charset=utf-8;\r\n "
	"name*=utf-8''0123456789-%C3%BC.pdf"},
    {"Content-Type: application/pdf; name=\"" TEN TEN TEN TEN TEN
     "012345" UE UE UE UE ".pdf\"; x=y",
	"",
	"Content-Type: application/pdf;\r\n name*0*=utf-8''" TEN TEN TEN TEN TEN
	"012345;\r\n name*1*=%C3%BC%C3%BC%C3%BC%C3%BC.pdf; x=y"},
    /* RFC 2231 that is not finished */
    {"Content-Type: a/b; name*=utf-8''" UE "%20x", "",
	"Content-Type: a/b; name*=utf-8''%C3%BC%20x"},
    {"Content-Type: a/b; name*0=\"a b\"; name*1=\"" UE "\"; name*2=c", "",
	"Content-Type: a/b; name*0*=utf-8''a%20b; name*1*=%C3%BC; name*2=c"},
    /* the form of RFC 2231 stays, the plain one goes; none twice */
    {"Content-Disposition: attachment; filename=\"" UE
     ".pdf\"; filename*=UTF-8''%C3%84.pdf",
	"", "Content-Disposition: attachment; filename*=UTF-8''%C3%84.pdf"},
    {"Content-Disposition: attachment; filename*=UTF-8''%C3%84.pdf;\r\n "
     "Filename=\"" UE ".pdf\"; size=3",
	"",
	"Content-Disposition: attachment; filename*=UTF-8''%C3%84.pdf; size=3"},
    {"Content-Disposition: attachment; filename=\"" UE
     ".pdf\"; filename*0=a; filename*1=.pdf",
	"", "Content-Disposition: attachment; filename*0=a; filename*1=.pdf"},
    {"Content-Type: a/b; name=" UE "; x=" UE "; name=" UE UE "", "",
	"Content-Type: a/b; name*=utf-8''%C3%BC; x*=utf-8''%C3%BC"},
    {"Content-Type: a/b (c) ; name=" UE "(d); name*=utf-8''x", "",
	"Content-Type: a/b (c) ; name*=utf-8''x"},
    /* one that needs no change is for old readers */
    {"Content-Disposition: attachment; filename=A; filename*=utf-8''" UE, "",
	"Content-Disposition: attachment; filename=A; "
	"filename*=utf-8''%C3%BC"},
    /* a second section alone says nothing */
    {"Content-Type: a/b; name=" UE "; name*1=x", "",
	"Content-Type: a/b; name*=utf-8''%C3%BC; name*1=x"},
    /* paths and quotes */
    {"Content-Disposition: attachment; filename=\"C:\\x\\" UE ".pdf\"", "",
	"Content-Disposition: attachment; filename*=utf-8''%C3%BC.pdf"},
    {"Content-Disposition: attachment; filename=\"a \"" UE "\" c.pdf\"; x=y",
	"",
	"Content-Disposition: attachment; "
	"filename*=utf-8''a%20%22%C3%BC%22%20c.pdf; x=y"},
    /* what is left */
    {"Content-Type: " L1 " boundary=" L1 "; x=" L1, "",
	"Content-Type: " L1 " boundary=" L1 "; x=" L1},
    {"Content-Type: multipart/mixed; boundary=\"" UE "\"", "",
	"Content-Type: multipart/mixed; boundary=\"" UE "\""},
    {"Content-Type: a/b (" UE "berall); n" UE "mexx=y", "",
	"Content-Type: a/b"},
};

static const struct row unreadable[] = {
    {"Content-Type: text/plain; x=\"\"\r\n\tcomment=\"" UE "\"", "",
	"Content-Type: text/plain; x=\"\";\r\n\tcomment*=utf-8''%C3%BC"},
    /* the ';' that lacks */
    {"Content-Type: text/plain charset=utf-8 name=\"" UE "\"", "",
	"Content-Type: text/plain; charset=utf-8; name*=utf-8''%C3%BC"},
    {"Content-Type: text/plain, name=\"" UE "\"\r\n\tformat=flowed", "",
	"Content-Type: text/plain; name*=utf-8''%C3%BC;\r\n\tformat=flowed"},
    {"Content-Type: text/plain; name=" UE " b.txt charset=utf-8", "",
	"Content-Type: text/plain; name*=utf-8''%C3%BC%20b.txt; "
	"charset=utf-8"},
    {"Content-Disposition: attachment filename=\"" UE "\"size=3 junk", "",
	"Content-Disposition: attachment; filename*=utf-8''%C3%BC;size=3 junk"},
    {"Content-Type: text/plain; x=\"\" " UE " \"" UE "\"; y=z", "",
	"Content-Type: text/plain; x=\"\"; y=z"},
    /* a type that is none does not become one */
    {"Content-Type: text/pl" UE "ain; x=y", "", "Content-Type:; x=y"},
    {"Content-Type: a/b\"" L1, "", "Content-Type:;"},
    {"Content-Transfer-Encoding: \"" L1, "", "Content-Transfer-Encoding:;"},
    {"Content-Type: d (" L1 ")x=y", "", "Content-Type: d;x=y"},
    {"Content-Type: d =U(" L1 ";x=y", "", "Content-Type: d;x=y"},
    {"Content-Type: multipart/m; " L1 " boundary=b; (" L1 ")y(" L1 ")z=b", "",
	"Content-Type: multipart/m;; boundary=b; y z=b"},
    {"Content-Type: " L1 " multipart/mixed; boundary=b", "",
	"Content-Type:; multipart/mixed; boundary=b"},
    {"Content-Type: text/plain (a " UE " b) ; x=y", "",
	"Content-Type: text/plain ; x=y"},
    {"Content-Disposition: attachment; n" UE "=x; filename=a", "",
	"Content-Disposition: attachment; filename=a"},
    {"Content-Type: " UE, "", "Content-Type:;"},
    {"Content-Transfer-Encoding:;" L1 "=", "", "Content-Transfer-Encoding:;"},
    {"Content-Transfer-Encoding: 8bit (" UE ")", "",
	"Content-Transfer-Encoding: 8bit"},
};

static void
test_params(void **state)
{
	(void)state;
	CHECK(params);
	CHECK(unreadable);
}

/* --- other fields --- */

static const struct row tokens[] = {
    {"Received: from x (J" UE "rgensen [1.2.3.4]) by y; date", "",
	"Received: from x (xn--jrgensen-65a [1.2.3.4]) by y; date"},
    {"Keywords: one, \"zw" UE "lfelf\", dr" UE "izehn", "",
	"Keywords: one, " U("zw=C3=BClfelf") ", " U("dr=C3=BCizehn")},
    {"Message-ID: <" UE "berall@x>", "", "Message-ID: <xn--berall-2ya@x>"},
    {"References: <0@m" UE "ller.test>\r\n <\"a " UE "\"@x> (" UE "berall)", "",
	"References: <0@xn--mller-kva.test>\r\n <\"a xn--tda\"@x> (" U(
	    "=C3=BCberall") ")"},
    {"Message-ID: <a@m" L1 "ller.test>", "iso-8859-1",
	"Message-ID: <a@m%FCller.test>"},
    {"Content-ID: m" UE "ller@x", "", "Content-ID: xn--mller-kva@x"},
    {"List-Unsubscribe: <https://x.org/" UE "(" UE ")>, (" UE "berall) "
     "<mailto:" UE "@x>",
	"",
	"List-Unsubscribe: <https://x.org/%C3%BC(%C3%BC)>, (" U(
	    "=C3=BCberall") ")\r\n <mailto:%C3%BC@x>"},
    {"Content-Location: a(" L1 ").html", "iso-8859-1",
	"Content-Location: a(%FC).html"},
    {"Date: Sun, 29 Nov 2026 08:00:00 +0000 (M" UE "ntag)", "",
	"Date: Sun, 29 Nov 2026 08:00:00 +0000 (" U("M=C3=BCntag") ")"},
    {"Authentication-Results: x; spf=pass reason=\"f" UE "r alle\"", "",
	"Authentication-Results: x; spf=pass reason=\"xn--fr-xka alle\""},
    /* of no known structure: what is in quotes is one word */
    {"X-A: \"eins zw" UE "lf\" drei", "",
	"X-A: " U("=22eins_zw=C3=BClf=22") " drei"},
    {"X-A: \"eins\" \"zw" UE "lfelf", "",
	"X-A: \"eins\" " U("=22zw=C3=BClfelf")},
    {"List-Id: L" UE "stenname <l" UE "ste.x>", "",
	"List-Id: " U("L=C3=BCstenname") " <xn--lste-0ra.x>"},
    {"List-Id: L" UE "stenname <l.x>", "",
	"List-Id: " U("L=C3=BCstenname") " <l.x>"},
    {"List-Id : x [" UE "berall]", "", "List-Id: " U("x_=5B=C3=BCberall=5D")},
};

static void
test_tokens(void **state)
{
	(void)state;
	CHECK(tokens);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_text),
	    cmocka_unit_test(test_long_subject),
	    cmocka_unit_test(test_addresses),
	    cmocka_unit_test(test_params),
	    cmocka_unit_test(test_tokens),
	};

	return cmocka_run_group_tests_name("agent_field", tests, NULL, NULL);
}
