/*
 * Fuzzes the reader of MIME structure and of file names: what is opened is
 * closed, ranges follow each other and lie inside what they belong to, and a
 * source that gives one byte at a time makes no difference.
 */
#include <stdint.h>
#include <stdlib.h>

#include "lib/base/utf8.h"
#include "lib/mail/mime.h"
#include "tests/unit/require.h"

struct text {
	const char *bytes;
	size_t len, at_once;
};

static ssize_t
read_text(void *context, void *bytes, size_t len, long long at)
{
	const struct text *t = context;
	size_t rest;

	REQUIRE(at >= 0 && at < (long long)t->len && len > 0);
	rest = t->len - (size_t)at;
	if (len > rest)
		len = rest;
	if (len > t->at_once)
		len = t->at_once;
	memcpy(bytes, t->bytes + at, len);
	return (ssize_t)len;
}

/* What has been read, and where the open containers began. */
struct state {
	long long at;
	long long body_from[MIME_DEPTH_MAX];
	int depth;
};

static void
check_head(const struct text *t, const struct mime_part *p)
{
	struct header_reader r;
	struct header_field f;
	char name[64];

	REQUIRE(p->fields.len <= MIME_HEADER_MAX);
	REQUIRE((long long)p->fields.len == p->header.to - p->header.from);
	REQUIRE(
	    memcmp(p->fields.p, t->bytes + p->header.from, p->fields.len) == 0);
	REQUIRE(p->body.from - p->header.to <= 2);
	header_init(
	    &r, t->bytes + p->header.from, t->len - (size_t)p->header.from);
	while (header_next(&r, &f))
		if (f.whole.p - t->bytes < p->header.to)
			REQUIRE(span_end(f.whole) - t->bytes <= p->header.to);
	/* where no boundary line cut it short, header.c has the same */
	REQUIRE(r.fields.len >= p->fields.len);
	if (p->header_end == HEADER_EMPTY_LINE)
		REQUIRE(r.fields.len == p->fields.len);
	REQUIRE(
	    mime_filename(p, name, sizeof(name), NULL) == (int)strlen(name));
	REQUIRE(utf8_is(span_between(name, name + strlen(name))));
}

static void
check(struct state *s, const struct text *t, const struct mime_part *p,
    enum mime_event event)
{
	if (event == MIME_CLOSE) {
		REQUIRE(p->depth == --s->depth);
		REQUIRE(p->body.from == s->body_from[s->depth]);
		REQUIRE(p->body.to >= s->at || p->body.to >= p->body.from);
		s->at = p->body.to > s->at ? p->body.to : s->at;
		return;
	}
	REQUIRE(p->depth == s->depth && p->header.from >= s->at);
	check_head(t, p);
	s->at = p->body.from;
	if (event == MIME_OPEN) {
		REQUIRE(p->kind != MIME_KIND_LEAF && !p->opaque);
		REQUIRE(s->depth < MIME_DEPTH_MAX);
		s->body_from[s->depth++] = p->body.from;
		return;
	}
	REQUIRE(p->body.to >= p->body.from && p->body.to <= (long long)t->len);
	s->at = p->body.to;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text t = {(const char *)data, size, size};
	struct text slow = {(const char *)data, size, 1};
	struct mime_source source = {read_text, &t, (long long)size};
	struct mime_source one = {read_text, &slow, (long long)size};
	struct mime_reader *a = mime_new(&source), *b = mime_new(&one);
	struct state s = {.at = 0};
	struct mime_part p, q;
	enum mime_event event;
	struct error err;

	REQUIRE(a != NULL && b != NULL);
	do {
		event = mime_next(a, &p, &err);
		REQUIRE(event != MIME_ERROR);
		REQUIRE(mime_next(b, &q, &err) == event);
		if (event == MIME_END)
			break;
		REQUIRE(p.body.from == q.body.from && p.body.to == q.body.to);
		check(&s, &t, &p, event);
	} while (event != MIME_END);
	REQUIRE(s.depth == 0 && s.at <= (long long)size);
	mime_free(&a);
	mime_free(&b);
	return 0;
}
