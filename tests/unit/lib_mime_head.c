/*
 * What the header of a part says (lib/mail/mime_head.c, lib/mail/mime_name.c):
 * encoding, charset, disposition, and the name of a file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mime_text.h"

/* The first part's; header must have it as leaf. */
static struct mime_reader *
first_part(const char *header, struct text *t, struct mime_part *p)
{
	struct mime_source source = {read_text, t, (long long)strlen(header)};
	struct mime_reader *r = mime_new(&source);
	struct error err;

	t->bytes = header;
	t->len = strlen(header);
	t->at_once = 65536;
	assert_non_null(r);
	assert_int_equal(mime_next(r, p, &err), MIME_LEAF);
	return r;
}

static const struct {
	const char *header;
	enum mime_encoding encoding;
	const char *charset;
} fields[] = {
    {"", MIME_UNDECLARED, ""},
    {"Content-Transfer-Encoding:\r\n", MIME_UNDECLARED, ""},
    {"Content-Transfer-Encoding: 7bit\r\n", MIME_7BIT, ""},
    {"CONTENT-TRANSFER-ENCODING: 8BIT\r\n", MIME_8BIT, ""},
    {"Content-Transfer-Encoding: 8-bit;\r\n", MIME_8BIT, ""},
    {"Content-Transfer-Encoding:\r\n\tbinary (raw)\r\n", MIME_BINARY, ""},
    {"Content-Transfer-Encoding: Base64\r\n"
     "Content-Transfer-Encoding: 7bit\r\n",
	MIME_BASE64, ""},
    {"Content-Transfer-Encoding: quoted-printable\r\n", MIME_QUOTED_PRINTABLE,
	""},
    {"Content-Transfer-Encoding: x-uuencode\r\n", MIME_OTHER, ""},
    {"Content-Transfer-Encoding: (c) base64\r\n", MIME_BASE64, ""},
    {"Content-Transfer-Encoding: (a (b\\) c) )\r\n\t(d)base64(e)\r\n",
	MIME_BASE64, ""},
    {"Content-Transfer-Encoding: (base64\r\n", MIME_OTHER, ""},
    {"Content-Transfer-Encoding: (base64)\r\n", MIME_OTHER, ""},
    {"Content-Transfer-Encoding: \"base64\"\r\n", MIME_OTHER, ""},
    {"Content-Type: text/plain; charset=utf-8\r\n", MIME_UNDECLARED, "utf-8"},
    {"Content-Type: text/plain; CHARSET = \"koi8-r\" ; x\r\n", MIME_UNDECLARED,
	"koi8-r"},
    {"Content-Type: text/plain; charset=us-ascii (plain text)\r\n",
	MIME_UNDECLARED, "us-ascii"},
    {"Content-Type: text/plain; format=flowed; charset*=''x\r\n",
	MIME_UNDECLARED, "x"},
    {"Content-Type: text; charset=utf-8\r\n", MIME_UNDECLARED, "utf-8"},
    {"Content-Type: text/html charset=utf-8\r\n", MIME_UNDECLARED, "utf-8"},
    {"Content-Type: text/html x y; charset=utf-8\r\n", MIME_UNDECLARED,
	"utf-8"},
    {"Content-Type: text/plain (charset=x); (charset=y) a=\"; charset=z\"\r\n",
	MIME_UNDECLARED, ""},
    {"Content-Type: text/plain; charset=koi8-r format=flowed\r\n",
	MIME_UNDECLARED, "koi8-r"},
    {"Content-Type: text/plain; format=flowed charset=koi8-r\r\n",
	MIME_UNDECLARED, "koi8-r"},
    {"Content-Type: text/plain; name=a b.txt charset=koi8-r\r\n",
	MIME_UNDECLARED, "koi8-r"},
    {"Content-Type: text/plain; name=a charset; charset=koi8-r\r\n",
	MIME_UNDECLARED, "koi8-r"},
    {"Content-Type: text/plain, charset=koi8-r\r\n\tjunk\r\n", MIME_UNDECLARED,
	"koi8-r"},
    {"Content-Type: text/plain; charset='koi8-r'\r\n", MIME_UNDECLARED,
	"koi8-r"},
    {"Content-Type: text/plain; charset=a-name-that-is-far-too-long-for-any-"
     "charset\r\n",
	MIME_UNDECLARED, ""},
};

static void
test_fields(void **state)
{
	struct mime_reader *r;
	struct mime_part p;
	struct text t;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		r = first_part(fields[i].header, &t, &p);
		assert_int_equal(p.encoding, fields[i].encoding);
		assert_string_equal(p.charset, fields[i].charset);
		mime_free(&r);
	}
}

static void
test_attachment(void **state)
{
	const char *header = "Content-Type: application/x-pkcs7-mime\r\n"
			     "Content-ID: <a@b>\r\n"
			     "Content-Disposition: Attachment; filename=x\r\n"
			     "\r\n";
	struct mime_reader *r;
	struct mime_part p;
	struct text t;

	(void)state;
	r = first_part(header, &t, &p);
	assert_true(mime_is_pkcs7(&p));
	assert_true(mime_is(&p, "application", NULL));
	assert_false(mime_is(&p, "application", "pdf"));
	assert_true(span_is(p.content_id, "a@b"));
	assert_true(mime_disposition_is(&p, "attachment"));
	assert_false(mime_disposition_is(&p, "inline"));
	assert_true(p.is_message);
	mime_free(&r);
	r = first_part("Content-Disposition: (c) inline(d)\r\n\r\n", &t, &p);
	assert_true(mime_disposition_is(&p, "inline"));
	mime_free(&r);
}

#define DISPOSITION "Content-Disposition: attachment; "
#define TYPE "Content-Type: application/pdf; "

static const struct {
	const char *header, *name;
} names[] = {
    {"", ""},
    {DISPOSITION "\r\n", ""},
    {DISPOSITION "filename=a.pdf\r\n", "a.pdf"},
    {DISPOSITION "filename=\"a \\\"b.pdf\"\r\n", "a \"b.pdf"},
    {DISPOSITION "filename=a b.pdf ; x=y\r\n", "a b.pdf"},
    {DISPOSITION "filename=Report (1).pdf\r\n", "Report (1).pdf"},
    {DISPOSITION "filename=a b=c.pdf size=3\r\n", "a b=c.pdf"},
    {DISPOSITION "size=3 filename=a b.pdf\r\n", "a b.pdf"},
    {DISPOSITION "size=3 junk filename=a b.pdf\r\n", ""},
    {DISPOSITION "filename=a.pdf (comment)\r\n", "a.pdf"},
    {DISPOSITION "filename=\"a\r\n b.pdf\"\r\n", "a b.pdf"},
    {DISPOSITION "filename=\"a\tb\x7F.pdf\"\r\n", "ab.pdf"},
    {TYPE "name=a.pdf\r\n", "a.pdf"},
    {TYPE "name=a.pdf\r\n" DISPOSITION "filename=b.pdf\r\n", "b.pdf"},
    {TYPE "name=a.pdf\r\n" DISPOSITION "filename=\"\"\r\n", "a.pdf"},
    /* what follows the last backslash */
    {DISPOSITION "filename=\"C:\\scans\\1.pdf\"\r\n", "1.pdf"},
    {DISPOSITION "filename=\"C:\\\\scans\\\\1.pdf\"\r\n", "1.pdf"},
    {DISPOSITION "filename=\"\\\\host\\share\\a b.pdf\"\r\n", "a b.pdf"},
    {DISPOSITION "filename=C:\\scans\\1.pdf\r\n", "1.pdf"},
    {DISPOSITION "filename=\"a\\(1\\).pdf\"\r\n", "a(1).pdf"},
    {DISPOSITION "filename=\"scans\\\\\"\r\n", "scans"},
    {DISPOSITION "filename*=utf-8''C%3A%5C%C3%9C.pdf\r\n", "\u00dc.pdf"},
    {DISPOSITION "filename*=shift_jis''%83%5C.pdf\r\n", "\u30bd.pdf"},
    {TYPE "name=\"C:\\a.pdf\"\r\n", "a.pdf"},
    /* quotes in quotes */
    {DISPOSITION "filename=\"My \"nice\" file.pdf\"\r\n",
	"My \"nice\" file.pdf"},
    {DISPOSITION "filename=\"5\" disk.pdf\"; size=3\r\n", "5\" disk.pdf"},
    {DISPOSITION "filename=\"a \"b; c\" d.pdf\"; x=\"y\"\r\n",
	"a \"b; c\" d.pdf"},
    {DISPOSITION "filename=\"scan\".pdf; x=y\r\n", "scan.pdf"},
    {DISPOSITION "filename=\"a.pdf\" size=\"3\"\r\n", "a.pdf"},
    {DISPOSITION "filename=\"a.pdf\" (\"x\")\r\n", "a.pdf"},
    {DISPOSITION "filename=\"a.pdf\" x; y=\"z\"\r\n", "a.pdf"},
    /* UTF-8 whatever the part is in */
    {"Content-Type: text/plain; charset=iso-8859-1; name=\"\u00dc.txt\"\r\n",
	"\u00dc.txt"},
    {"Content-Type: text/plain; charset=iso-8859-2; name=\"\xB3.txt\"\r\n",
	"\u0142.txt"},
    /* RFC 2231 */
    {DISPOSITION "filename*=utf-8''%C3%9Cb%20er.pdf\r\n", "\u00dcb er.pdf"},
    {DISPOSITION "filename*=iso-8859-1'de'%DC.pdf\r\n", "\u00dc.pdf"},
    {DISPOSITION "filename*=koi8-r''%C1.pdf\r\n", "\u0430.pdf"},
    {DISPOSITION "filename*=shift_jis''%82%a0.pdf\r\n", "\u3042.pdf"},
    {DISPOSITION "filename=U.pdf; filename*=utf-8''%C3%9C.pdf\r\n",
	"\u00dc.pdf"},
    {DISPOSITION "filename*0=\"a b\"; filename*1=c; filename*2=\".pdf\"\r\n",
	"a bc.pdf"},
    {DISPOSITION
	"filename*1*=%C3%9C; filename*0*=utf-8''a; filename*2=.pdf\r\n",
	"a\u00dc.pdf"},
    {DISPOSITION "filename*0=a; filename*2=c\r\n", "a"},
    {DISPOSITION "filename*1=a\r\n", ""},
    {DISPOSITION "filename*=a%zz%4\r\n", "a%zz%4"},
    {DISPOSITION "filename*=x-nobody''%DC.pdf\r\n", "\u00dc.pdf"},
    /* and what is found instead */
    {DISPOSITION "filename=\"=?utf-8?Q?=C3=9C_b?=.pdf\"\r\n", "\u00dc b.pdf"},
    {DISPOSITION "filename=\"=?utf-8?B?w5w=?= =?iso-8859-1?q?=DC?= x\"\r\n",
	"\u00dc\u00dc x"},
    {DISPOSITION "filename=\"=?utf-8*de?Q?a?= =?x\"\r\n", "a =?x"},
    {DISPOSITION "filename=\"\u00dc.pdf\"\r\n", "\u00dc.pdf"},
    {DISPOSITION "filename=\"=?utf-8?Q?\?=\"\r\n", ""},
    {DISPOSITION "filename=\"\xDC\x80.pdf\"\r\n", "\u0700.pdf"},
    {DISPOSITION "filename=\"\xDC\x80\xFF.pdf\"\r\n", "\u00dc\u20ac\u00ff.pdf"},
};

static void
test_names(void **state)
{
	struct mime_reader *r;
	struct mime_part p;
	char name[256];
	struct text t;
	size_t i;
	int len;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		r = first_part(names[i].header, &t, &p);
		len = mime_filename(&p, name, sizeof(name), NULL);
		assert_string_equal(name, names[i].name);
		assert_int_equal(len, strlen(name));
		mime_free(&r);
	}
}

/* What is too long loses what stands before the extension. */
static const struct {
	const char *name;
	size_t size;
	const char *want;
} long_names[] = {
    {"abc.pdf", 8, "abc.pdf"},
    {"abcd.pdf", 8, "abc.pdf"},
    {"ab\u00dcd.pdf", 8, "ab.pdf"},
    {"\u5831\u544a\u66f8.pdf", 12, "\u5831\u544a.pdf"},
    {"a.b.c.pdf", 8, "a.b.pdf"},
    {"ab\u00dc", 4, "ab"},
    {"abcdef", 4, "abc"},
    {".abcdef", 4, ".ab"},
    {"a.an extension without an end is none at all", 10, "a.an exte"},
    {"a.b", 3, ".b"},
    {"a.b", 1, ""},
};

static void
test_long_names(void **state)
{
	char name[32];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(long_names) / sizeof(long_names[0]); i++) {
		assert_int_equal(
		    mime_name_fit(name, long_names[i].size,
			span_between(long_names[i].name,
			    long_names[i].name + strlen(long_names[i].name))),
		    strlen(long_names[i].want));
		assert_string_equal(name, long_names[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_fields),
	    cmocka_unit_test(test_attachment),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_long_names),
	};

	return cmocka_run_group_tests_name("lib_mime_head", tests, NULL, NULL);
}
