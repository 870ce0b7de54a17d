/*
 * Which parts of a large message are taken out (agent/pipe/large*.c), and what
 * is left of it. See large_message.h for what stands in the messages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/pipe/large/large_private.h"
#include "large_message.h"

static const struct {
	const char *in;
	long limit;
	const char *out; /* NULL: as it came */
	const char *taken;
} rows[] = {
    /* nothing to do */
    {MIXED TEXT PART PDF "\1" END, 10000, NULL, ""},

    /* one file; the text stays, and its parts' lines as they are */
    {MIXED TEXT PART PDF "\1" END, 5000, MIXED TEXT "--b--\r\n",
	PDF_LINES("1")},
    {MIXED PART PDF "\1\r\n" TEXT "--b--\r\n", 5000, MIXED TEXT "--b--\r\n",
	PDF_LINES("1")},
    {MIXED "preamble\r\n" TEXT PART PDF "\1" END "epilogue\r\n", 5000,
	MIXED "preamble\r\n" TEXT "--b--\r\nepilogue\r\n", PDF_LINES("1")},
    {MIXED "preamble\r\n" PART PDF "\1\r\n" TEXT "--b--\r\n", 5000,
	MIXED "preamble\r\n" TEXT "--b--\r\n", PDF_LINES("1")},

    /* the largest first, and no more than must be; told in their order */
    {MIXED TEXT PART PDF "\1\r\n" PART PNG "\3" END, 8000,
	MIXED TEXT PART PDF "\1" END, PNG_LINES("3")},
    {MIXED TEXT PART PNG "\3\r\n" PART PDF "\1" END, 8000,
	MIXED TEXT PART PDF "\1" END, PNG_LINES("3")},
    {MIXED TEXT PART PDF "\1\r\n" PART PNG "\3" END, 2000,
	MIXED TEXT "--b--\r\n", PDF_LINES("1") PNG_LINES("3")},
    {MIXED PART PDF "\1\r\n" TEXT PART PNG "\3" END, 2000,
	MIXED TEXT "--b--\r\n", PDF_LINES("1") PNG_LINES("3")},

    /* a multipart keeps a part */
    {MIXED PART PDF "\1" END, 2000, MIXED PART STUB END, PDF_LINES("1")},
    {MIXED PART PDF "\1\r\n" PART PNG "\2" END, 2000, MIXED PART STUB END,
	PDF_LINES("1") PNG_LINES("2")},
    {MIXED PART PDF "\1\r\n" PART PNG "\3" END, 8000, MIXED PART PDF "\1" END,
	PNG_LINES("3")},

    {MIXED PART PDF
	"\1\r\n" PART
	"Content-Type: multipart/alternative; boundary=c\r\n\r\n--c\r\n\r\nx"
	"\r\n--c--\r\n\r\n--b--\r\n",
	2000,
	MIXED PART
	"Content-Type: multipart/alternative; boundary=c\r\n\r\n--c\r\n\r\nx"
	"\r\n--c--\r\n\r\n--b--\r\n",
	PDF_LINES("1")},

    /* the message is a file */
    {HEAD PDF "\1\r\n", 2000, HEAD "\r\n", PDF_LINES("1")},
    {"Content-Type: image/png;\r\n name=b.png\r\nTo: b@y\r\n" B64
     "Content-ID: <1@x>\r\nSubject: s\r\n\r\n\2",
	2000, "To: b@y\r\nSubject: s\r\n\r\n",
	"file=2 attachment-name=b.png attachment-type=image/png"
	" attachment-id=1@x attachment-inline=no "},

    /* nested; the line ends of a message that has others; no end */
    {MIXED TEXT PART
	"Content-Type: multipart/mixed; boundary=\"c d\"\r\n\r\n--c d\r\n" PDF
	"\2\r\n--c d  \r\n\r\nx\r\n--c d--\r\n\r\n--b--\r\n",
	3000,
	MIXED TEXT PART
	"Content-Type: multipart/mixed; boundary=\"c d\"\r\n\r\n--c d  \r\n"
	"\r\nx\r\n--c d--\r\n\r\n--b--\r\n",
	PDF_LINES("2")},
    {"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b\n"
     "Content-Disposition: attachment; filename=a.pdf\n"
     "Content-Type: application/pdf\n" B64 "\n\2\n--b--\n",
	3000, "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b--\n",
	PDF_LINES("2")},
    {MIXED TEXT PART PDF "\1\r\n" PART PNG "\2", 3000,
	MIXED "--b\r\nContent-Type: text/plain\r\n\r\nsee file",
	PDF_LINES("1") PNG_LINES("2")},
    {MIXED PART PDF "\1\r\n" PART PNG "\2", 3000, MIXED PART STUB,
	PDF_LINES("1") PNG_LINES("2")},
    {MIXED TEXT PART PDF "\2", 3000,
	MIXED "--b\r\nContent-Type: text/plain\r\n\r\nsee file",
	PDF_LINES("2")},
    {MIXED TEXT PART PDF "\2\r\n--b", 3000, MIXED TEXT "--b", PDF_LINES("2")},

    /* pictures of a text keep their names, and are inline only there */
    {HEAD "Content-Type: multipart/related; boundary=b\r\n\r\n--b\r\n"
	  "Content-Type: text/html\r\n\r\n<img src=cid:1@x>\r\n" PART
	  "Content-Type: image/png\r\nContent-ID: <1@x>\r\n" B64 "\r\n\2" END,
	3000,
	HEAD "Content-Type: multipart/related; boundary=b\r\n\r\n--b\r\n"
	     "Content-Type: text/html\r\n\r\n<img src=cid:1@x>\r\n--b--\r\n",
	"file=2 attachment-name=image.png attachment-type=image/png"
	" attachment-id=1@x attachment-inline=yes "},
    {HEAD "Content-Type: multipart/related; boundary=b\r\n\r\n" TEXT PART
	  "Content-ID: <1@x>\r\n" PNG "\2" END,
	3000,
	HEAD "Content-Type: multipart/related; boundary=b\r\n\r\n" TEXT
	     "--b--\r\n",
	"file=2 attachment-name=b.png attachment-type=image/png"
	" attachment-id=1@x attachment-inline=no "},
    {MIXED TEXT PART "Content-ID: <1@x>\r\nContent-Type: image/png\r\n"
		     "Content-Disposition: inline; filename=b.png\r\n" B64
		     "\r\n\2" END,
	3000, MIXED TEXT "--b--\r\n",
	"file=2 attachment-name=b.png attachment-type=image/png"
	" attachment-id=1@x attachment-inline=no "},

    /* multiparts of other kinds are as mixed (RFC 2046 section 5.1.3) */
    {HEAD "Content-Type: multipart/voice-message; boundary=b\r\n\r\n" TEXT PART
	  "Content-Type: audio/wav\r\n" B64 "\r\n\2" END,
	3000,
	HEAD "Content-Type: multipart/voice-message; boundary=b\r\n\r\n" TEXT
	     "--b--\r\n",
	"file=2 attachment-name=audio.wav attachment-type=audio/wav"
	" attachment-inline=no "},
    {HEAD "Content-Type: multipart/x-nobody; boundary=b\r\n\r\n" TEXT PART PDF
	  "\2" END,
	3000,
	HEAD "Content-Type: multipart/x-nobody; boundary=b\r\n\r\n" TEXT
	     "--b--\r\n",
	PDF_LINES("2")},

    /* names and types */
    {MIXED TEXT PART FILE_HEAD(
	 "TEXT/CSV; charset=UTF-8", "=?utf-8?q?=C3=BC?=") "\2" END,
	3000, MIXED TEXT "--b--\r\n",
	"file=2 attachment-name=\303\274 attachment-type=text/csv;"
	" charset=UTF-8 attachment-inline=no "},
    {MIXED TEXT PART B64 "Content-Disposition: attachment\r\n\r\n\2" END, 3000,
	MIXED TEXT "--b--\r\n",
	"file=2 attachment-name=attachment.bin attachment-type="
	"application/octet-stream attachment-inline=no "},
    {MIXED TEXT PART B64 "Content-Type: application/pdf\r\n"
			 "Content-Disposition: attachment\r\n\r\n\2" END,
	3000, MIXED TEXT "--b--\r\n",
	"file=2 attachment-name=attachment.pdf attachment-type="
	"application/pdf attachment-inline=no "},
    /* without a name: whatever is no text */
    {MIXED TEXT PART "Content-Type: application/pdf\r\n" B64 "\r\n\2" END, 3000,
	MIXED TEXT "--b--\r\n",
	"file=2 attachment-name=attachment.pdf attachment-type="
	"application/pdf attachment-inline=no "},
    {MIXED TEXT PART "Content-Type: image/jpeg\r\nContent-ID: <1@x>\r\n"
		     "Content-Disposition: inline\r\n" B64 "\r\n\2" END,
	3000, MIXED TEXT "--b--\r\n",
	"file=2 attachment-name=image.jpg attachment-type=image/jpeg"
	" attachment-id=1@x attachment-inline=no "},
    {HEAD "Content-Type: image/tiff\r\n" B64 "\r\n\2\r\n", 3000, HEAD "\r\n",
	"file=2 attachment-name=image.tif attachment-type=image/tiff"
	" attachment-inline=no "},
    {HEAD "Content-Type: multipart/related; boundary=b\r\n\r\n" TEXT PART
	  "Content-Type: image/png\r\n" B64 "\r\n\2" END,
	3000,
	HEAD "Content-Type: multipart/related; boundary=b\r\n\r\n" TEXT
	     "--b--\r\n",
	"file=2 attachment-name=image.png attachment-type=image/png"
	" attachment-inline=no "},
    {MIXED TEXT PART "Content-ID: <a b>\r\n" PDF "\2" END, 3000,
	MIXED TEXT "--b--\r\n", PDF_LINES("2")},
    {MIXED TEXT PART "Content-Type: application/pdf; name*0*=utf-8''a;\r\n"
		     " name*1=.pdf\r\n" B64 "\r\n\2" END,
	3000, MIXED TEXT "--b--\r\n", PDF_LINES("2")},
};

static void
test_taken(void **state)
{
	struct buf want, out, taken;
	struct error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		large_expand(
		    rows[i].out == NULL ? rows[i].in : rows[i].out, &want);
		if (large_run(rows[i].in, rows[i].limit, &out, &taken, &err) ==
		    -1)
			fail_msg("row %zu: %s", i, err.text);
		if (out.len != want.len ||
		    memcmp(out.bytes, want.bytes, out.len) != 0)
			fail_msg("row %zu: %s", i, out.bytes);
		assert_string_equal(taken.bytes, rows[i].taken);
		buf_free(&want);
		buf_free(&out);
		buf_free(&taken);
	}
}

/* Attachments of which these are the largest; the caller frees it. */
static struct buf
many(int count, int first, int second, int third)
{
	struct buf in;
	int i;

	buf_init(&in, LARGE_MESSAGE_MAX);
	buf_add_string(&in, MIXED TEXT);
	for (i = 0; i < count; i++)
		buf_add_string(&in,
		    i == first || i == second || i == third ? PART PNG "\3\r\n"
							    : PART PDF
			"\1\r\n");
	buf_add_string(&in, "--b--\r\n");
	return in;
}

static long
size_of(const char *text)
{
	struct buf whole;
	long size;

	large_expand(text, &whole);
	size = (long)whole.len;
	buf_free(&whole);
	return size;
}

/* What one request may have is not too long; a byte more is. */
static void
test_limit(void **state)
{
	static const struct {
		const char *in;
		int parts, less; /* so many PNGs and bytes below what it has */
		const char *taken; /* NULL: it is refused */
	} limits[] = {
	    {MIXED TEXT PART PNG "\3" END, 0, 0, ""},
	    {MIXED TEXT PART PNG "\3" END, 0, 1, PNG_LINES("3")},
	    {MIXED TEXT PART PNG "\3" END, 1, 0, PNG_LINES("3")},
	    {MIXED TEXT PART PNG "\3" END, 1, 1, NULL},
	    {MIXED TEXT PART PDF "\1\r\n" PART PNG "\3" END, 1, 0,
		PNG_LINES("3")},
	    {MIXED TEXT PART PDF "\1\r\n" PART PNG "\3" END, 1, 1,
		PDF_LINES("1") PNG_LINES("3")},
	};
	long png = size_of(PNG "\3") - (long)strlen(LARGE_STUB), limit;
	struct buf out, taken;
	struct error err;
	size_t i;
	int result;

	(void)state;
	for (i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		limit = size_of(limits[i].in) - limits[i].parts * png -
		    limits[i].less;
		result = large_run(limits[i].in, limit, &out, &taken, &err);
		if (result != (limits[i].taken == NULL ? -1 : 0))
			fail_msg("row %zu", i);
		if (result == 0)
			assert_string_equal(taken.bytes, limits[i].taken);
		buf_free(&out);
		buf_free(&taken);
	}
}

/* More than are looked at: the largest are found wherever they stand. */
static void
test_many_parts(void **state)
{
	struct buf in = many(1100, 7, 1050, 1099), out, taken;
	struct error err;

	(void)state;
	assert_int_equal(
	    large_run(in.bytes, size_of(in.bytes) - 36000, &out, &taken, &err),
	    0);
	assert_string_equal(
	    taken.bytes, PNG_LINES("3") PNG_LINES("3") PNG_LINES("3"));
	buf_free(&in);
	buf_free(&out);
	buf_free(&taken);
}

/* As many as msgraphd takes. */
static void
test_very_many_parts(void **state)
{
	struct buf in = many(1000, 0, 1, 2), out, taken;
	struct error err;
	const char *p;
	int count = 0;

	(void)state;
	assert_int_equal(large_run(in.bytes, 54000, &out, &taken, &err), 0);
	for (p = taken.bytes; (p = strstr(p, "file=")) != NULL; p++)
		count++;
	assert_int_equal(count, 1000);
	buf_free(&in);
	buf_free(&out);
	buf_free(&taken);
}

static void
test_too_many_parts(void **state)
{
	struct buf in = many(1010, 0, 1, 2), out, taken;
	struct error err;

	(void)state;
	assert_int_equal(large_run(in.bytes, 60000, &out, &taken, &err), -1);
	assert_string_equal(err.dsn, "5.3.4");
	assert_non_null(strstr(
	    err.text, "more than 1000 attachments would have to be taken out"));
	buf_free(&in);
	buf_free(&out);
	buf_free(&taken);
}

/* What names and places of edits need most, and msgraphd reads. */
static void
test_record_of_many_parts(void **state)
{
	struct large large = {.count = LARGE_PARTS_MAX};
	struct buf record;
	size_t i;

	(void)state;
	large.list = calloc(large.count, sizeof(*large.list));
	assert_non_null(large.list);
	for (i = 0; i < large.count; i++) {
		large.list[i].at = large.list[i].len = 1LL << 40;
		memset(large.list[i].name, 'n', LARGE_TEXT_MAX - 1);
		memset(large.list[i].type, 't', LARGE_TYPE_MAX - 1);
		memset(large.list[i].id, 'i', LARGE_TEXT_MAX - 1);
	}
	buf_init(&record, WIRE_RECORD_MAX);
	for (i = 0; i < 2 * EDITS_MAX + 1; i++)
		wire_field(&record, "segment", "1000000000000,1000000000000");
	assert_int_equal(large_fields(&large, &record), 0);
	assert_false(record.failed);
	buf_free(&record);
	large_free(&large);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_taken),
	    cmocka_unit_test(test_limit),
	    cmocka_unit_test(test_many_parts),
	    cmocka_unit_test(test_very_many_parts),
	    cmocka_unit_test(test_too_many_parts),
	    cmocka_unit_test(test_record_of_many_parts),
	};

	return cmocka_run_group_tests_name("agent_large", tests, NULL, NULL);
}
