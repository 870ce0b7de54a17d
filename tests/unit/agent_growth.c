/*
 * What an edited message costs: time grows as the message does, whatever the
 * message looks like, and so does the room in the spool file. Each shape is
 * made in two sizes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "agent/pipe/large/large.h"
#include "content_message.h"

#define SMALL (64 * 1024)
#define TIMES 4 /* so much larger is the other size */
#define RUNS 5 /* the fastest counts: others work on this machine too */
#define SLOWER \
	3 /* so much a compiler or a moment may differ from the figures */

/* A message is its head, the body again and again, and the tail. */
static const struct shape {
	const char *name, *head, *body, *tail;
	double room; /* most bytes in the spool file for one of the message */
	double time; /* most that it may take, where text in 8 bits takes 1 */
} shapes[] = {
#define TEXT "Content-Type: text/plain; charset=utf-8\r\n\r\n"
#define MIXED "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
#define FIELD "To: a@b.example\r\nX-A:"
#define END "\r\n\r\nx\r\n"
#define X8(x) x x x x x x x x
#define PART8(x) "--b\r\nCc: " X8(X8(X8(x))) "\r\n\r\n\r\n"
    {"lines of text in 8 bits", TEXT, "Gr\u00fc\u00dfe aus K\u00f6ln\r\n", "",
	2.8, 3},
    {"nothing to do", TEXT, "A line of text, as in most messages.\r\n", "", 1.2,
	3},
    {"nothing but 8 bits", TEXT, "\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc",
	"", 2.8, 4},
    {"one long line", TEXT, "a long line, ", "", 2.3, 3},
    {"LF alone", TEXT, "\n", "", 3.5, 3},
    {"CR alone", TEXT, "a\rb", "", 2.7, 3},
    {"quoted-printable that is none",
	"Content-Transfer-Encoding: quoted-printable\r\n\r\n", "=\xFC= ", "", 5,
	4},
    {"blanks in quoted-printable",
	"Content-Transfer-Encoding: quoted-printable\r\n\r\n\xFC", "   ", "", 3,
	3},
    {"base64 that is none", "Content-Transfer-Encoding: base64\r\n\r\n",
	"QUJD\xFC", "", 2.1, 3},
    {"many parts in 8 bits", MIXED, "--b\r\n\r\n\u00fc\r\n", "--b--\r\n", 10.5,
	126},
    {"the shortest parts in 8 bits", MIXED, "--b\n\n\xFC\n", "", 36, 243},
    {"parts with fields in 8 bits", MIXED,
	"--b\r\nContent-Description: \xFC a \xFC a \xFC a \xFC a\r\n\r\nx\r\n",
	"--b--\r\n", 4.5, 31},
    {"lines that look like boundaries", MIXED, "--bb\r\n--b \xFC\r\n", "", 1.2,
	3},
    {"parts that are multiparts", MIXED,
	"--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n", "", 1.2, 3},
    {"words in 8 bits", FIELD, " \xFC a", END, 8.9, 45},
    {"one word in 8 bits", FIELD, "\xFC", END, 3.4, 5},
    {"starts of encoded words", FIELD, "=?\xFC?", END, 3.4, 5},
    {"encoded words", FIELD, " =?utf-8?Q?\xFC?=", END, 2.6, 5},
    {"brackets", FIELD " \xFC", "(", END, 3.4, 5},
    {"quotes without blanks", FIELD " \xFC", "\"", END, 4.8, 8},
    {"encoded words in quotes", FIELD " \xFC", "\" =?x?Q?a?= ", END, 3.4, 8},
    {"quotes in encoded words", FIELD " \xFC\" =?x?Q?", "\"", "?=" END, 3.4, 8},
    {"addresses in 8 bits", "Cc: ", "\xFC@b,", END, 2.3, 16},
    {"names in 8 bits", "Cc: ", "\xFC<a@b>,", END, 6.5, 41},
    {"comments in 8 bits", "Cc: ", "(\xFC)", END, 10.7, 63},
    {"comments in comments", "Cc: ", "(\xFC", END, 15, 88},
    {"quotes in 8 bits", "Cc: ", "\"\xFC\"", END, 10.7, 62},
    {"brackets behind a parameter", "Content-Type: a/b; name=\xFC", " (", END,
	5.5, 8},
    {"comments behind a parameter", "Content-Type: a/b; name=\xFC", " (a)",
	"x" END, 4.8, 8},
    {"comments of comments", "Content-Type: a/b; name=\xFC", " ( ( ( ) ) )",
	"x" END, 5.5, 8},
    {"parameters without ';'", "Content-Type: text/plain; a=b", " a=\xFC", END,
	3.5, 8},
    {"words before parameters", "Content-Type: a/b", " a\xFC ;b c=d", END, 3.5,
	8},
    {"blanks in a file name", "Content-Type: a/b; name=a", " a  \xFC=", END, 6,
	8},
    {"parameters in 8 bits", "Content-Type: a/b", ";a=\xFC", END, 1.2, 8},
    {"quotes in a file name", "Content-Type: a/b", ";name=\"\xFC\"a\"b", END,
	1.2, 8},
    {"quotes that end no file name", "Content-Disposition: a; filename=\"\xFC",
	"name*=\"@\r", END, 6, 8},
    {"blanks between file names", "Content-Type: a/b; \xFC",
	"\"a?=\tname=", END, 6, 8},
    {"file names that do not end", "Content-Type: a/b; name=\"\xFC", "\"a ;",
	END, 2.3, 6},
    {"parameters without a value", "Content-Type: a/b", "; \xFC", END, 2.3, 8},
    {"parts with comments in 8 bits", MIXED, PART8("(\xFC)"), "", 10.7, 65},
    {"parts with addresses in 8 bits", MIXED, PART8("\xFC,"), "", 29, 104},
    {"parts with quotes in 8 bits", MIXED, PART8("\"\xFC\","), "", 8.7, 51},
    {"parts with open brackets", MIXED, PART8("[\xFC"), "", 14.8, 105},
    {"parts with names", MIXED, PART8("\xFC <a@b>,"), "", 5.7, 35},
    {"a field in Big5", "Content-Type: text/plain; charset=big5\r\nSubject: ",
	"\xA5\\ ", END, 6.7, 16},
};

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Edits the message; seconds that it took, and the length of the spool file. */
static double
edit(const struct buf *in, long long *end)
{
	const struct content_rules rules = {.encode_8bit = 1};
	const struct conf conf = {.sendmail_limit = 3000000};
	struct spool spool = {
	    .raw = (long long)in->len, .end = (long long)in->len};
	struct large large = {NULL, 0};
	double start = now();
	struct edits edits;
	struct error err;

	spool.fd = memfd_create("message", MFD_CLOEXEC);
	assert_int_equal(write(spool.fd, in->bytes, in->len), in->len);
	scan_update(&spool.found, in->bytes, in->len);
	scan_end(&spool.found);
	spool.head = in->bytes;
	spool.head_len = in->len < SPOOL_HEAD_MAX ? in->len : SPOOL_HEAD_MAX;
	edits_init(&edits, &spool);
	/* a field that gets too long is an answer as well */
	if (content_header(&edits, 0, &err) == 0 &&
	    content_edit(&edits, &spool.found, &rules, &err) == 0)
		large_edit(&edits, &conf, &large, &err);
	*end = spool.end;
	large_free(&large);
	edits_free(&edits);
	close(spool.fd);
	return now() - start;
}

/* Of several runs the fastest. */
static double
measure(const struct shape *s, size_t size, double *room)
{
	double best = 1e9, seconds;
	struct buf in;
	long long end = 0;
	int i;

	buf_init(&in, 1u << 30);
	buf_add_string(&in, s->head);
	while (in.len < size)
		buf_add_string(&in, s->body);
	buf_add_string(&in, s->tail);
	for (i = 0; i < RUNS; i++) {
		seconds = edit(&in, &end);
		best = seconds < best ? seconds : best;
	}
	*room = (double)end / (double)in.len;
	buf_free(&in);
	return best;
}

static void
test_shapes(void **state)
{
	double small, large, room, ignored, plain;
	const struct shape *s;
	size_t i;

	(void)state;
	plain = measure(&shapes[0], SMALL, &ignored);
	for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		s = &shapes[i];
		small = measure(s, SMALL, &ignored);
		large = measure(s, TIMES * SMALL, &room);
		print_message("%-32s %6.1f ms, %4.1f times that for %d times "
			      "the size; room %4.1f\n",
		    s->name, small * 1e3, large / small, TIMES, room);
		assert_true(small < SLOWER * s->time * plain);
		assert_true(large < 2.5 * TIMES * small + 0.01);
		assert_true(room <= s->room);
	}
}

/* Where the limit is, the message goes back and the file grows no more. */
static void
test_limit(void **state)
{
	const struct content_rules rules = {.encode_8bit = 1};
	struct spool spool = {.growth_max = 20000};
	struct edits edits;
	struct error err;
	struct buf in;

	(void)state;
	buf_init(&in, 1u << 20);
	buf_add_string(&in, MIXED);
	while (in.len < 10000)
		buf_add_string(&in, "--b\n\n\xFC\n");
	spool.fd = memfd_create("message", MFD_CLOEXEC);
	assert_int_equal(write(spool.fd, in.bytes, in.len), in.len);
	spool.raw = spool.end = (long long)in.len;
	scan_update(&spool.found, in.bytes, in.len);
	scan_end(&spool.found);
	edits_init(&edits, &spool);
	assert_int_equal(content_edit(&edits, &spool.found, &rules, &err), -1);
	assert_int_equal(err.class, ERROR_PERMANENT);
	assert_string_equal(err.dsn, "5.3.4");
	assert_true(spool.end > spool.raw);
	assert_true(spool.end <= 2 * spool.raw + spool.growth_max);
	edits_free(&edits);
	close(spool.fd);
	buf_free(&in);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_shapes),
	    cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests_name("agent_growth", tests, NULL, NULL);
}
