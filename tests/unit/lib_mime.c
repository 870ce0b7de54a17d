/*
 * The reader of MIME structure (lib/mail/mime.c). A row is a message and what
 * is read out of it, in short: "multipart/mixed(text/plain[body],...)". A '!'
 * marks what is opaque, and "-" a header that ended at a line which is no
 * field.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>

#include <cmocka.h>

#include "mime_text.h"

static ssize_t
read_nothing(void *context, void *bytes, size_t len, long long at)
{
	(void)context;
	(void)bytes;
	(void)len;
	(void)at;
	errno = EIO;
	return -1;
}

static void
describe(
    const struct text *t, const struct mime_part *p, int first, struct buf *out)
{
	if (!first)
		buf_add_string(out, ",");
	if (p->opaque)
		buf_add_string(out, "!");
	if (p->header_end == HEADER_BAD_LINE)
		buf_add_string(out, "-");
	buf_printf(out, "%s/%s", p->type, p->subtype);
	if (p->kind != MIME_KIND_LEAF)
		buf_add_string(out, "(");
	else {
		buf_add_string(out, "[");
		buf_add(out, t->bytes + p->body.from,
		    (size_t)(p->body.to - p->body.from));
		buf_add_string(out, "]");
	}
}

/* The structure in short; the caller frees it. */
static char *
structure(const char *bytes, size_t len, size_t at_once)
{
	struct text t = {bytes, len, at_once};
	struct mime_source source = {read_text, &t, (long long)len};
	struct mime_reader *r = mime_new(&source);
	enum mime_event event;
	struct mime_part p;
	struct error err;
	struct buf out;
	int first = 1;

	assert_non_null(r);
	buf_init(&out, 1024 * 1024);
	buf_add(&out, "", 0);
	while ((event = mime_next(r, &p, &err)) > MIME_END) {
		assert_true(p.header.from >= 0 && p.body.to <= (long long)len);
		assert_true(p.header.to <= p.body.from);
		if (event == MIME_CLOSE)
			buf_add_string(&out, ")");
		else
			describe(&t, &p, first, &out);
		first = event == MIME_OPEN;
	}
	assert_int_equal(event, MIME_END);
	mime_free(&r);
	assert_false(out.failed);
	return out.bytes;
}

#define MIXED "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
#define RFC822 "Content-Type: message/rfc822\r\n"

static const struct {
	const char *message, *want;
} rows[] = {
    /* no structure */
    {"", "text/plain[]"},
    {"\r\n", "text/plain[]"},
    {"A: b\r\n", "text/plain[]"},
    {"A: b", "text/plain[]"},
    {"A: b\r\n\r\nbody\r\n", "text/plain[body\r\n]"},
    {"A: b\n\nbody\n", "text/plain[body\n]"},
    {"A: b\r\nno field\r\n\r\nbody", "-text/plain[no field\r\n\r\nbody]"},
    {" A: b\r\n\r\nbody", "-text/plain[ A: b\r\n\r\nbody]"},
    {"A: b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n",
	"text/plain[--b\r\n\r\nx\r\n--b--\r\n]"},
    /* types */
    {"Content-Type: Text/HTML\r\n\r\nx", "text/html[x]"},
    {"content-type:image/png;a=b\r\n\r\nx", "image/png[x]"},
    {"Content-Type: (c) text (c) / (c) html (c) ; x=y\r\n\r\nx",
	"text/html[x]"},
    {"Content-Type: text/html\r\nContent-Type: image/png\r\n\r\nx",
	"text/html[x]"},
    {"Content-Type: text\r\n\r\nx", "text/plain[x]"},
    {"Content-Type: text/html charset=x\r\n\r\nx", "text/html[x]"},
    {"Content-Type: text/html\xFC\r\n\r\nx", "text/plain[x]"},
    {"Content-Type: multipart/mixed boundary=b\r\n\r\n--b\r\n\r\nx",
	"multipart/mixed(text/plain[x])"},
    {"Content-Type:\r\n\r\nx", "text/plain[x]"},
    {"Content-Type: ; charset=utf-8\r\n\r\nx", "text/plain[x]"},
    /* multiparts */
    {MIXED "--b\r\n\r\nx\r\n--b--\r\n", "multipart/mixed(text/plain[x])"},
    {MIXED "--b\n\nx\n--b--\n", "multipart/mixed(text/plain[x])"},
    {MIXED "--b\r\rx\r--b--\r", "multipart/mixed(-text/plain[\rx])"},
    {MIXED "--b\r\n\r\nx\r--b\r\n\r\ny\r\n--b--",
	"multipart/mixed(text/plain[x],text/plain[y])"},
    {MIXED "pre\r\n--b\r\n\r\nx\r\n\r\n--b\r\n\r\n\r\n--b--\r\npost\r\n",
	"multipart/mixed(text/plain[x\r\n],text/plain[])"},
    {MIXED "--b\r\nContent-Type: text/html\r\n\r\nx\r\n--b--\r\n--b\r\n\r\ny",
	"multipart/mixed(text/html[x])"},
    {MIXED "--b \t \r\n\r\nx\r\n--b-- \t\r\n",
	"multipart/mixed(text/plain[x])"},
    {MIXED "--b\r\n\r\nx\r\n--b--x\r\n--bb\r\n --b\r\n---b\r\n-b\r\n--\r\n",
	"multipart/mixed(text/plain[x\r\n--b--x\r\n--bb\r\n --b\r\n---b\r\n-b"
	"\r\n--\r\n])"},
    /* never ended; never begun; without boundary */
    {MIXED "--b\r\n\r\nx\r\n", "multipart/mixed(text/plain[x\r\n])"},
    {MIXED "--b\r\n\r\nx\r\n--b",
	"multipart/mixed(text/plain[x],text/plain[])"},
    {MIXED "--b\r\n", "multipart/mixed(text/plain[])"},
    {MIXED "--b--\r\n", "multipart/mixed()"},
    {MIXED "x\r\n", "multipart/mixed()"},
    {MIXED, "multipart/mixed()"},
    {"Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\nx",
	"!multipart/mixed[--b\r\n\r\nx]"},
    {"Content-Type: multipart/mixed; boundary=\r\n\r\n--\r\n\r\nx",
	"!multipart/mixed[--\r\n\r\nx]"},
    {"Content-Type: multipart/mixed; boundary=\"  \"\r\n\r\n--\r\n\r\nx",
	"!multipart/mixed[--\r\n\r\nx]"},
    /* parts without empty line, without header, without body */
    {MIXED "--b\r\nx\r\n--b--\r\n", "multipart/mixed(-text/plain[x])"},
    {MIXED "--b\r\nContent-Type: text/html\r\nx\r\n--b--\r\n",
	"multipart/mixed(-text/html[x])"},
    {MIXED "--b\r\nContent-Type: text/html\r\n--b--\r\n",
	"multipart/mixed(-text/html[])"},
    {MIXED "--b\r\n--b\r\n--b--\r\n",
	"multipart/mixed(-text/plain[],-text/plain[])"},
    {MIXED "--b\r\nContent-Type: text/html\r\n\r\n--b--\r\n",
	"multipart/mixed(text/html[])"},
    {MIXED "--b\r\nContent-Type: text/html", "multipart/mixed(text/html[])"},
    /* a boundary with a colon looks like a field */
    {"Content-Type: multipart/mixed; boundary=\"a:b\"\r\n\r\n--a:b\r\n--a:b\r\n"
     "A: c\r\n--a:b--\r\n",
	"multipart/mixed(-text/plain[],-text/plain[])"},
    /* boundaries */
    {"Content-Type: multipart/mixed; boundary=\"b c\"\r\n\r\n--b c\r\n\r\nx",
	"multipart/mixed(text/plain[x])"},
    {"Content-Type: multipart/mixed; boundary=\"b c  \"\r\n\r\n--b c\r\n\r\nx",
	"multipart/mixed(text/plain[x])"},
    {"Content-Type: multipart/mixed; "
     "boundary=\"b\\c\\\"\"\r\n\r\n--bc\"\r\n\r\n"
     "x",
	"multipart/mixed(text/plain[x])"},
    {"Content-Type: multipart/mixed; "
     "boundary=b=_/c:d\r\n\r\n--b=_/c:d\r\n\r\nx",
	"multipart/mixed(text/plain[x])"},
    {"Content-Type: multipart/mixed;\r\n boundary=\r\n b (comment)\r\n\r\n"
     "--b\r\n\r\nx",
	"multipart/mixed(text/plain[x])"},
    {"Content-Type: multipart/mixed; boundary=\"b\r\n\r\n--b\r\n\r\nx",
	"multipart/mixed(text/plain[x])"},
    {"Content-Type: multipart/mixed; boundary=b; "
     "boundary=c\r\n\r\n--b\r\n\r\nx",
	"multipart/mixed(text/plain[x])"},
    {"Content-Type: multipart/mixed; boundary*0=b; boundary*1=\"c d\"\r\n\r\n"
     "--bc d\r\n\r\nx",
	"multipart/mixed(text/plain[x])"},
    {"Content-Type: multipart/mixed; boundary*=us-ascii'en'b%20c\r\n\r\n"
     "--b c\r\n\r\nx",
	"multipart/mixed(text/plain[x])"},
    {"Content-Type: multipart/mixed; boundary*1*=%63; boundary*0*=''b\r\n\r\n"
     "--bc\r\n\r\nx",
	"multipart/mixed(text/plain[x])"},
    {"Content-Type: multipart/mixed; boundary=\"b--\"\r\n\r\n--b--\r\n\r\nx\r\n"
     "--b----\r\n",
	"multipart/mixed(text/plain[x])"},
    {"Content-Type: multipart/mixed; boundary=\"\xFC\"\r\n\r\n--\xFC\r\n\r\nx",
	"multipart/mixed(text/plain[x])"},
    /* one inside the other */
    {MIXED "--b\r\nContent-Type: multipart/alternative; boundary=bb\r\n\r\n"
	   "--bb\r\n\r\nx\r\n--bb\r\n\r\ny\r\n--bb--\r\n\r\n--b\r\n\r\nz\r\n"
	   "--b--\r\n",
	"multipart/mixed(multipart/alternative(text/plain[x],text/plain[y]),"
	"text/plain[z])"},
    {MIXED "--b\r\nContent-Type: multipart/alternative; boundary=bb\r\n\r\n"
	   "--bb\r\n\r\nx\r\n--b\r\n\r\nz\r\n--b--\r\n",
	"multipart/mixed(multipart/alternative(text/plain[x]),text/plain[z])"},
    {MIXED "--b\r\nContent-Type: multipart/alternative; boundary=bb\r\n\r\n"
	   "--b\r\n\r\nz\r\n--b--\r\n",
	"multipart/mixed(multipart/alternative(),text/plain[z])"},
    {MIXED "--b\r\nContent-Type: multipart/alternative; boundary=bb\r\n"
	   "--b\r\n\r\nz\r\n--b--\r\n",
	"multipart/mixed(-multipart/alternative(),text/plain[z])"},
    {MIXED "--b\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n"
	   "--b\r\n\r\nx\r\n--b--\r\n--b\r\n\r\ny\r\n--b--\r\n",
	"multipart/mixed(multipart/alternative(text/plain[x]),text/plain[y])"},
    {MIXED "--b\r\nContent-Type: multipart/mixed; boundary=\"b--\"\r\n\r\n"
	   "--b--\r\n\r\nx\r\n--b----\r\n--b\r\n\r\ny\r\n--b--\r\n",
	"multipart/mixed(multipart/mixed(text/plain[x]),text/plain[y])"},
    /* messages in messages */
    {RFC822 "\r\nContent-Type: text/html\r\n\r\nx\r\n",
	"message/rfc822(text/html[x\r\n])"},
    {RFC822 "\r\n", "message/rfc822(text/plain[])"},
    {RFC822 "\r\nx", "message/rfc822(-text/plain[x])"},
    {MIXED "--b\r\n" RFC822 "\r\nA: b\r\n\r\nx\r\n--b\r\n" RFC822 "\r\n" MIXED
	   "--c\r\n--b--\r\n",
	"multipart/mixed(message/rfc822(text/plain[x]),"
	"message/rfc822(multipart/mixed()))"},
    {MIXED "--b\r\n" RFC822 "\r\nA: b\r\n--b--\r\n",
	"multipart/mixed(message/rfc822(-text/plain[]))"},
    {MIXED "--b\r\n" RFC822 "\r\n--b--\r\n",
	"multipart/mixed(message/rfc822(-text/plain[]))"},
    {RFC822 "Content-Transfer-Encoding: 8bit\r\n\r\nA: b\r\n\r\nx",
	"message/rfc822(text/plain[x])"},
    {RFC822 "Content-Transfer-Encoding: base64\r\n\r\nQQ==",
	"!message/rfc822[QQ==]"},
    {"Content-Type: message/partial; id=x\r\n\r\nA: b\r\n\r\nx",
	"message/partial[A: b\r\n\r\nx]"},
    {"Content-Type: message/delivery-status\r\n\r\nA: b\r\n\r\nC: d\r\n",
	"message/delivery-status[A: b\r\n\r\nC: d\r\n]"},
    {"Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nA: b\r\n\r\n"
     "x\r\n--b\r\nContent-Type: text/plain\r\n\r\ny\r\n--b--\r\n",
	"multipart/digest(message/rfc822(text/plain[x]),text/plain[y])"},
    /* CR is an ordinary byte in a header */
    {"Content-Type: text/html\rContent-Type: image/png\r\n\r\nx",
	"text/html[x]"},
    {MIXED "--b\r\nA: c\r--b\r\n\r\nx\r\n--b--\r\n",
	"multipart/mixed(text/plain[x])"},
};

static void
test_rows(void **state)
{
	const char *m;
	char *got;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		m = rows[i].message;
		got = structure(m, strlen(m), 65536);
		assert_string_equal(got, rows[i].want);
		free(got);
		got = structure(m, strlen(m), 1);
		assert_string_equal(got, rows[i].want);
		free(got);
	}
}

/* --- hostile sizes --- */

/* A thousand multiparts, each in the one before: what is too deep is opaque. */
static void
test_deep(void **state)
{
	struct mime_reader *r;
	struct mime_part p;
	struct error err;
	struct buf m;
	struct text t;
	int i, leaves = 0, opaque = 0, depth = 0;
	enum mime_event event;

	(void)state;
	buf_init(&m, 1024 * 1024);
	for (i = 0; i < 1000; i++)
		buf_printf(&m,
		    "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n"
		    "--b%d\r\n",
		    i, i);
	t = (struct text){m.bytes, m.len, 65536};
	r = mime_new(&(struct mime_source){read_text, &t, (long long)m.len});
	while ((event = mime_next(r, &p, &err)) != MIME_END) {
		if (p.depth > depth)
			depth = p.depth;
		if (event == MIME_LEAF) {
			leaves++;
			opaque += p.opaque;
		}
	}
	assert_int_equal(depth, MIME_DEPTH_MAX);
	assert_int_equal(leaves, 1);
	assert_int_equal(opaque, 1);
	mime_free(&r);
	buf_free(&m);
}

/* A header that is too long, a line and a name beyond the window. */
static void
test_long(void **state)
{
	size_t len = 3 * 1024 * 1024, i;
	char *m = malloc(len);
	struct mime_reader *r;
	struct mime_part p;
	struct error err;
	struct text t = {m, len, 65536};

	(void)state;
	assert_non_null(m);
	memset(m, 'x', len);
	memcpy(m, "A: b", 4);
	r = mime_new(&(struct mime_source){read_text, &t, (long long)len});
	assert_int_equal(mime_next(r, &p, &err), MIME_LEAF);
	assert_true(p.opaque);
	assert_true(p.fields.len <= MIME_HEADER_MAX);
	mime_free(&r);
	for (i = 0; i < len; i++)
		m[i] = 'x';
	memcpy(m + 200000, ": y\r\n\r\nbody", 12);
	t.len = 200011;
	r = mime_new(&(struct mime_source){read_text, &t, 200011});
	assert_int_equal(mime_next(r, &p, &err), MIME_LEAF);
	assert_int_equal(p.body.from, 200007);
	assert_int_equal(p.header_end, HEADER_EMPTY_LINE);
	mime_free(&r);
	free(m);
}

/* Boundary lines wherever the window may end. */
static void
test_window(void **state)
{
	const char *end = "\r\n--b  \r\n\r\ny\r\n--b--\r\n";
	char *got, *want;
	struct buf m;
	int i, pad;

	(void)state;
	for (pad = 65400; pad < 65560; pad++) {
		buf_init(&m, 1024 * 1024);
		buf_add_string(&m, MIXED "--b\r\n\r\n");
		for (i = 0; i < pad; i++)
			buf_add_string(&m, "-");
		buf_add_string(&m, end);
		got = structure(m.bytes, m.len, 65536);
		want = strstr(got, "],text/plain[y])");
		assert_non_null(want);
		assert_int_equal(want - got, pad + 27);
		free(got);
		buf_free(&m);
	}
}

static void
test_failure(void **state)
{
	struct mime_source source = {read_nothing, NULL, 100};
	struct mime_reader *r = mime_new(&source);
	struct mime_part p;
	struct error err;

	(void)state;
	assert_int_equal(mime_next(r, &p, &err), MIME_ERROR);
	assert_int_equal(err.class, ERROR_TEMPORARY);
	mime_free(&r);
	mime_free(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_deep),
	    cmocka_unit_test(test_long),
	    cmocka_unit_test(test_window),
	    cmocka_unit_test(test_failure),
	};

	return cmocka_run_group_tests_name("lib_mime", tests, NULL, NULL);
}
