/*
 * What becomes of the fields that say how a body is to be read
 * (agent/pipe/content/content_head.c, content_body.c): charsets that are none,
 * parameters without ';' between them, fields that stand twice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "content_rows.h"

/* --- Content-Type of a text with an 8-bit byte that is no UTF-8 --- */

#define BODY "\r\nabcdef" L1 "\r\n"
#define LATIN2 "text/plain; charset=iso-8859-2"
#define GUESS "text/plain; charset=windows-1252"

static const struct {
	const char *in, *want; /* NULL: as it stands */
} types[] = {
    /* names that tell what bytes mean, in a table or known to others */
    {LATIN2, NULL},
    {"text/plain; charset=\"iso-8859-2\"; format=flowed", NULL},
    {"text/plain; format=flowed; (c) charset=iso-8859-2 (d)", NULL},
    {"text/plain; charset=x-mac-cyrillic", NULL},
    {"text/plain; charset=VISCII", NULL},
    {"text/plain; charset=iso88592", NULL},
    {"text/plain; charset=ISO_8859-2:1987", NULL},
    {"text/plain; charset=iso-2022-jp", NULL},
    {"text/plain; charset*=''iso-8859-2", NULL},
    /* names that say ASCII or nothing, and made-up ones */
    {"text/plain", GUESS},
    {"text/plain; charset=us-ascii", GUESS},
    {"text/plain; charset=ANSI_X3.4-1968", GUESS},
    {"text/plain; charset=us-ascii-8bit", GUESS},
    {"text/plain; charset=iso-8859-99", GUESS},
    {"text/plain; charset=iso-8859-12", GUESS},
    {"text/plain; charset=iso-8859", GUESS},
    {"text/plain; charset=windows-1259", GUESS},
    {"text/plain; charset=unknown-8bit", GUESS},
    {"text/plain; charset=x-unknown", GUESS},
    {"text/plain; charset=8bit", GUESS},
    {"text/plain; charset=8-bit", GUESS},
    {"text/plain; charset=default", GUESS},
    {"text/plain; charset=utf-9", GUESS},
    {"text/plain; charset=en-us", GUESS},
    {"text/plain; charset=%CHARSET%", GUESS},
    {"text/plain; charset=", GUESS},
    {"text/plain; charset=\"\"", GUESS},
    {"text/plain; charset=?", GUESS},
    {"text/plain; charset=a-name-that-is-far-too-long-for-any-charset", GUESS},
    {"text/plain; charset=\"unknown-8bit\"; x=y", GUESS "; x=y"},
    /* the ';' that lacks, before a parameter or behind it */
    {"text/plain; charset=iso-8859-2 format=flowed", LATIN2 "; format=flowed"},
    {"text/plain; charset=\"iso-8859-2\" format=flowed",
	LATIN2 "; format=flowed"},
    {"text/plain; charset=\"iso-8859-2\"format=flowed",
	LATIN2 "; format=flowed"},
    {"text/plain; format=flowed charset=iso-8859-2",
	"text/plain; format=flowed; charset=iso-8859-2"},
    {"text/plain; name=a b.txt charset=iso-8859-2",
	"text/plain; name=a b.txt; charset=iso-8859-2"},
    {"text/plain; name=\"a.txt\" charset=iso-8859-2",
	"text/plain; name=\"a.txt\"; charset=iso-8859-2"},
    {"text/plain charset=iso-8859-2", LATIN2},
    {"text/plain charset=\"us-ascii\" x=y", GUESS "; x=y"},
    {"text/plain\r\n\tcharset=iso-8859-2",
	"text/plain;\r\n\tcharset=iso-8859-2"},
    {"text/plain (c) charset=iso-8859-2", LATIN2},
    {"text/plain junk charset=iso-8859-2", LATIN2},
    {"text/plain, charset=iso-8859-2", LATIN2},
    {"text/plain;; charset=iso-8859-2", NULL},
    {"text/plain name=x.txt", "text/plain; charset=windows-1252; name=x.txt"},
    /* other text at the name or behind it */
    {"text/plain; charset=iso-8859-2\r\n\tjunk", LATIN2},
    {"text/plain; charset=iso-8859-2\r\n\tjunk; format=flowed",
	LATIN2 "; format=flowed"},
    {"text/plain; charset=iso-8859-2, format=flowed", LATIN2 "; format=flowed"},
    {"text/plain; charset=\"iso-8859-2; format=flowed", LATIN2},
    {"text/plain; charset=\" iso-8859-2 \"", LATIN2},
    {"text/plain; charset='iso-8859-2'", LATIN2},
    {"text/plain; charset=<iso-8859-2>", LATIN2},
    {"text/plain; charset==iso-8859-2", LATIN2},
    {"text/plain; charset=iso-8859-2(x)", LATIN2},
    {"text/plain; charset=iso-8859-2?", LATIN2},
    {"text/plain; charset=$unknown;", GUESS},
    /* twice */
    {"text/plain; charset=iso-8859-2; charset=utf-8", LATIN2},
    {"text/plain; charset=us-ascii; format=flowed; charset=utf-8",
	GUESS "; format=flowed"},
    /* no type */
    {"text; charset=iso-8859-2", "text/plain; charset=iso-8859-2"},
    {"", GUESS},
};

static void
test_types(void **state)
{
	struct buf in, want;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		buf_init(&in, 4096);
		buf_init(&want, 4096);
		buf_printf(&in, MIME "Content-Type: %s\r\n" BODY, types[i].in);
		buf_printf(&want,
		    MIME "Content-Type: %s\r\n" QP "\r\nabcdef=FC\r\n",
		    types[i].want == NULL ? types[i].in : types[i].want);
		check(&(struct row){in.bytes, want.bytes}, &rules);
		buf_free(&in);
		buf_free(&want);
	}
}

#define HTML "<meta charset=koi8-r>abcdef"
#define HTML_QP QP "\r\n<meta charset=3Dkoi8-r>abcdef=FC\r\n"
#define HTML_UTF8 "<meta charset=utf-8>abcdef"

static const struct row inside[] = {
    /* what the text says of itself counts where nothing else does */
    {MIME "Content-Type: text/html\r\n\r\n" HTML L1 "\r\n",
	MIME "Content-Type: text/html\r\n" HTML_QP},
    {MIME "Content-Type: text/html; charset=unknown-8bit\r\n\r\n" HTML L1
	  "\r\n",
	MIME "Content-Type: text/html; charset=koi8-r\r\n" HTML_QP},
    {MIME "Content-Type: text/html; charset=\r\n\r\n" HTML L1 "\r\n",
	MIME "Content-Type: text/html; charset=koi8-r\r\n" HTML_QP},
    {MIME "Content-Type: text/html; charset=us-ascii\r\n\r\n" HTML_UTF8 L1
	  "\r\n",
	MIME "Content-Type: text/html; charset=windows-1252\r\n" QP
	     "\r\n<meta charset=3Dutf-8>abcdef=FC\r\n"},
    {MIME "Content-Type: text/html; charset=iso-8859-2\r\n\r\n" HTML L1 "\r\n",
	MIME "Content-Type: text/html; charset=iso-8859-2\r\n" HTML_QP},
    /* a name that says nothing is not that of the header either */
    {MIME "Content-Type: multipart/mixed; charset=us-ascii; boundary=b\r\n"
	  "Subject: abcdef" L1 "\r\n\r\n"
	  "--b\r\nContent-Type: " LATIN2 "\r\n\r\nx\r\n--b--\r\n",
	MIME "Content-Type: multipart/mixed; charset=us-ascii; boundary=b\r\n"
	     "Subject: =?iso-8859-2?Q?abcdef=FC?=\r\n\r\n"
	     "--b\r\nContent-Type: " LATIN2 "\r\n\r\nx\r\n--b--\r\n"},
};

static void
test_inside(void **state)
{
	(void)state;
	CHECK(inside);
}

/* --- fields that stand twice --- */

#define TYPE "Content-Type: " LATIN2 "\r\n"
#define FILE "Content-Disposition: inline; filename=a\r\n"

static const struct row twice[] = {
    {MIME TYPE "Content-Type: text/html; charset=utf-8\r\n" BODY,
	MIME TYPE QP "\r\nabcdef=FC\r\n"},
    {MIME TYPE EIGHT B64 BODY, MIME TYPE QP "\r\nabcdef=FC\r\n"},
    {MIME TYPE B64 EIGHT "\r\nQUJD" L1 "\r\n", MIME TYPE B64 "\r\nQUJD\r\n"},
    {MIME TYPE FILE "content-disposition : attachment\r\n" BODY,
	MIME TYPE FILE QP "\r\nabcdef=FC\r\n"},
    {MIME FILE FILE TYPE "X: y\r\n" FILE EIGHT TYPE EIGHT BODY,
	MIME FILE TYPE "X: y\r\n" QP "\r\nabcdef=FC\r\n"},
    /* the first, also where it says nothing */
    {MIME "Content-Type:\r\n" TYPE BODY,
	MIME "Content-Type: " GUESS "\r\n" QP "\r\nabcdef=FC\r\n"},
    /* a container whose other type would make it a text */
    {MIXED "Content-Type: text/plain\r\n\r\n--b\r\n" TYPE TYPE BODY "--b--\r\n",
	MIXED "\r\n--b\r\n" TYPE QP "\r\nabcdef=FC\r\n--b--\r\n"},
    {MIME TYPE "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" BODY,
	MIME TYPE QP "\r\n=2D-b\r\n\r\nabcdef=FC\r\n"},
    /* where nothing asks for a change, nothing changes */
    {MIME TYPE TYPE EIGHT B64 "\r\nabcdef\r\n", NULL},
    /* nor under a signature */
    {"DKIM-Signature: x\r\n" MIME TYPE TYPE BODY, NULL},
};

static void
test_twice(void **state)
{
	(void)state;
	CHECK(twice);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_types),
	    cmocka_unit_test(test_inside),
	    cmocka_unit_test(test_twice),
	};

	return cmocka_run_group_tests_name(
	    "agent_content_type", tests, NULL, NULL);
}
