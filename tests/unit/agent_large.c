/*
 * Which parts of a large message are taken out (agent/pipe/large*.c), what is
 * left of it, and what they hold (agent/pipe/decode.c).
 *
 * In the messages of the tables \1 to \4 stand for files of 4,500, 6,000, 9,000
 * and 12,000 bytes in base64, \5 for a line of 5,000 digits, and \6 for one of
 * padding that holds nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent_message.h"

#include "../../agent/pipe/base64.h"
#include "../../agent/pipe/decode.h"
#include "../../agent/pipe/large.h"

#define MESSAGE_MAX (4 * 1024 * 1024)

static const size_t file_sizes[] = {0, 4500, 6000, 9000, 12000};

static char
file_byte(size_t file, size_t i)
{
	return (char)(i * (7 + file) + (i >> 8));
}

static void
add_file(struct buf *out, size_t file)
{
	char in[57], quantum[4];
	size_t at, i, n;

	for (at = 0; at < file_sizes[file]; at += n) {
		n = file_sizes[file] - at;
		if (n > sizeof(in))
			n = sizeof(in);
		for (i = 0; i < n; i++)
			in[i] = file_byte(file, at + i);
		for (i = 0; i < n; i += 3) {
			base64_quantum(in + i, n - i < 3 ? n - i : 3, quantum);
			buf_add(out, quantum, 4);
		}
		buf_add_string(out, at + n < file_sizes[file] ? "\r\n" : "");
	}
}

static void
add_padding(struct buf *out)
{
	int i;

	for (i = 0; i < 5000; i++)
		buf_add_string(out, "=");
}

static void
expand(const char *text, struct buf *out)
{
	buf_init(out, MESSAGE_MAX);
	for (; *text != '\0'; text++) {
		if (*text <= 4 && *text > 0)
			add_file(out, (size_t)*text);
		else if (*text == 5)
			buf_printf(out, "%05000d", 0);
		else if (*text == 6)
			add_padding(out);
		else
			buf_add(out, text, 1);
	}
	assert_false(out->failed);
}

/* --- what is taken out --- */

#define HEAD "From: a@x\r\nMIME-Version: 1.0\r\n"
#define MIXED HEAD "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
#define TEXT "--b\r\nContent-Type: text/plain\r\n\r\nsee file\r\n"
#define B64 "Content-Transfer-Encoding: base64\r\n"
#define FILE_HEAD(type, name)                   \
	"Content-Type: " type "\r\n" B64        \
	"Content-Disposition: attachment; file" \
	"name=\"" name "\"\r\n\r\n"
#define PDF FILE_HEAD("application/pdf", "a.pdf")
#define PNG FILE_HEAD("image/png", "b.png")
#define PART "--b\r\n"
#define END "\r\n--b--\r\n"
#define STUB "Content-Type: text/plain; charset=us-ascii\r\n\r\n"

#define PDF_LINES(file)                                                       \
	"file=" file " attachment-name=a.pdf attachment-type=application/pdf" \
	" attachment-inline=no "
#define PNG_LINES(file)                                                 \
	"file=" file " attachment-name=b.png attachment-type=image/png" \
	" attachment-inline=no "

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
    {MIXED TEXT PART "Content-ID: <a b>\r\n" PDF "\2" END, 3000,
	MIXED TEXT "--b--\r\n", PDF_LINES("2")},
    {MIXED TEXT PART "Content-Type: application/pdf; name*0*=utf-8''a;\r\n"
		     " name*1=.pdf\r\n" B64 "\r\n\2" END,
	3000, MIXED TEXT "--b--\r\n", PDF_LINES("2")},
};

/* Which of the files these bytes are, or 0. */
static size_t
file_of(const struct buf *bytes)
{
	size_t file, i;

	for (file = 1; file <= 4; file++) {
		if (bytes->len != file_sizes[file])
			continue;
		for (i = 0; i < bytes->len; i++)
			if (bytes->bytes[i] != file_byte(file, i))
				return 0;
		return file;
	}
	return 0;
}

/* The record's lines in one, with "file=N" for where its bytes are. */
static void
tell(const struct large *large, int fd, struct buf *out)
{
	struct buf record, bytes;
	char *cursor, *value;
	const char *name;

	buf_init(&record, MESSAGE_MAX);
	assert_int_equal(large_fields(large, &record), 0);
	assert_int_equal(wire_end(&record), 0);
	cursor = record.bytes;
	while ((name = wire_next(&cursor, &value)) != NULL) {
		if (strcmp(name, "attachment") != 0) {
			buf_printf(out, "%s=%s ", name, value);
			continue;
		}
		buf_init(&bytes, MESSAGE_MAX);
		message_read(fd, value, &bytes);
		buf_printf(out, "file=%zu ", file_of(&bytes));
		buf_free(&bytes);
	}
	buf_add_string(out, "");
	buf_free(&record);
}

static int
run(const char *text, long limit, struct buf *out, struct buf *taken,
    struct error *err)
{
	struct conf conf = {.sendmail_limit = limit};
	struct large large;
	struct spool spool;
	struct edits edits;
	struct buf in;
	int result;

	expand(text, &in);
	message_spool(&spool, in.bytes, in.len);
	edits_init(&edits, &spool);
	buf_init(out, MESSAGE_MAX);
	buf_init(taken, MESSAGE_MAX);
	result = large_edit(&edits, &conf, &large, err);
	if (result == 0) {
		message_finish(&edits, out);
		tell(&large, spool.fd, taken);
		assert_true((long)out->len <= limit);
	}
	large_free(&large);
	edits_free(&edits);
	spool_close(&spool);
	buf_free(&in);
	return result;
}

static void
test_taken(void **state)
{
	struct buf want, out, taken;
	struct error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		expand(rows[i].out == NULL ? rows[i].in : rows[i].out, &want);
		if (run(rows[i].in, rows[i].limit, &out, &taken, &err) == -1)
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

/* --- what cannot be --- */

static const struct {
	const char *in, *said;
} refused[] = {
    {HEAD "\r\n\3",
	"go by itself, text/plain with 12314 bytes, is text of the "
	"message and no attachment"},
    {MIXED "--b\r\nContent-Type: text/html\r\n\r\n\3" END,
	"by itself, text/html with"},
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
    {HEAD "Content-Type: multipart/alternative; boundary=b\r\n\r\n" TEXT PART
	    FILE_HEAD("text/calendar", "invite.ics") "\3" END,
	"bytes, is part of something that must stay whole"},
    {HEAD "Content-Type: multipart/report; boundary=b\r\n\r\n" TEXT PART PDF
	  "\3" END,
	"bytes, is part of something"},
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
		if (run(refused[i].in, 3000, &out, &taken, &err) != -1)
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
	buf_init(&in, MESSAGE_MAX);
	buf_add_string(&in, MIXED TEXT);
	for (i = 0; i < 100; i++)
		buf_printf(&in, PART PDF "%0400d\r\n", i);
	buf_add_string(&in, "--b--\r\n");
	assert_int_equal(run(in.bytes, 10000, &out, &taken, &err), -1);
	assert_non_null(strstr(err.text, "one of very many small parts"));
	buf_free(&in);
	buf_free(&out);
	buf_free(&taken);
}

/* More than are looked at: the largest are found wherever they stand. */
static void
test_many_parts(void **state)
{
	struct buf in, out, taken;
	struct error err;
	int i;

	(void)state;
	buf_init(&in, MESSAGE_MAX);
	buf_add_string(&in, MIXED TEXT);
	for (i = 0; i < 300; i++)
		buf_add_string(&in,
		    i == 7 || i == 270 || i == 299 ? PART PNG "\3\r\n"
						   : PART PDF "\1\r\n");
	buf_add_string(&in, "--b--\r\n");
	assert_int_equal(run(in.bytes, 1875000, &out, &taken, &err), 0);
	assert_string_equal(
	    taken.bytes, PNG_LINES("3") PNG_LINES("3") PNG_LINES("3"));
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
	/* what other edits leave is what counts */
	assert_int_equal(edit_start(&edits, 0, 9, &err), 0);
	assert_int_equal(large_edit(&edits, &conf, &large, &err), 0);
	assert_int_equal(large.count, 0);
	large_free(&large);
	edits_free(&edits);
	spool_close(&spool);
}

/* --- decoding --- */

static const struct {
	enum mime_encoding encoding;
	const char *in, *out;
} codes[] = {
    {MIME_7BIT, "a=3Db YQ==\r\n", "a=3Db YQ==\r\n"},

    {MIME_BASE64, "", ""},
    {MIME_BASE64, "YQ==", "a"},
    {MIME_BASE64, "YWI=", "ab"},
    {MIME_BASE64, "YWJj", "abc"},
    {MIME_BASE64, "YW\r\nJj\r\n", "abc"},
    {MIME_BASE64, "Y!W-J_j ", "abc"},
    {MIME_BASE64, "YQ", "a"},
    {MIME_BASE64, "YWI", "ab"},
    {MIME_BASE64, "YWJjZ", "abc"},
    {MIME_BASE64, "YQ==YWJj", "aabc"},
    {MIME_BASE64, "YWJj====YQ==", "abca"},
    {MIME_BASE64, "+/+/", "\373\377\277"},

    {MIME_QUOTED_PRINTABLE, "", ""},
    {MIME_QUOTED_PRINTABLE, "a=3Db=3d", "a=b="},
    {MIME_QUOTED_PRINTABLE, "=C3=BC", "\303\274"},
    {MIME_QUOTED_PRINTABLE, "a=\r\nb\r\n", "ab\r\n"},
    {MIME_QUOTED_PRINTABLE, "a=\nb\n", "ab\n"},
    {MIME_QUOTED_PRINTABLE, "a= \t\r\nb", "ab"},
    {MIME_QUOTED_PRINTABLE, "a \t\r\nb  \nc ", "a\r\nb\nc"},
    {MIME_QUOTED_PRINTABLE, "a \t b\r\n", "a \t b\r\n"},
    {MIME_QUOTED_PRINTABLE, "a=20\r\n", "a \r\n"},
    {MIME_QUOTED_PRINTABLE, "a \rb \r\r\n", "a \rb \r\r\n"},
    {MIME_QUOTED_PRINTABLE, "==41=4=G1=", "=A=4=G1"},
    {MIME_QUOTED_PRINTABLE, "=4", "=4"},
    {MIME_QUOTED_PRINTABLE, "= x", "= x"},
    {MIME_QUOTED_PRINTABLE, "=4\r\nx", "=4\r\nx"},
};

static void
check_code(size_t row, size_t step)
{
	const char *in = codes[row].in;
	size_t left = strlen(in), n, used = 0;
	char out[256 + DECODE_HELD_MAX];
	struct decode d;

	decode_init(&d, codes[row].encoding);
	for (; left > 0; left -= n, in += n) {
		n = left < step ? left : step;
		used += decode_update(&d, in, n, out + used);
	}
	used += decode_end(&d, out + used);
	out[used] = '\0';
	if (used != strlen(codes[row].out) ||
	    memcmp(out, codes[row].out, used) != 0)
		fail_msg("\"%s\" by %zu: \"%s\"", codes[row].in, step, out);
}

static void
test_codes(void **state)
{
	size_t i, step;

	(void)state;
	for (i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		for (step = 1; step < 5; step++)
			check_code(i, step);
}

/* Blanks without end cost no memory. */
static void
test_long_blanks(void **state)
{
	char in[1000], out[1000 + DECODE_HELD_MAX];
	struct decode d;
	size_t n;

	(void)state;
	memset(in, ' ', sizeof(in));
	in[999] = 'x';
	decode_init(&d, MIME_QUOTED_PRINTABLE);
	n = decode_update(&d, in, sizeof(in), out);
	assert_int_equal(n, sizeof(in));
	assert_memory_equal(in, out, n);
	assert_int_equal(decode_end(&d, out), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_taken),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_many_small_parts),
	    cmocka_unit_test(test_many_parts),
	    cmocka_unit_test(test_setting_refuses),
	    cmocka_unit_test(test_codes),
	    cmocka_unit_test(test_long_blanks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
