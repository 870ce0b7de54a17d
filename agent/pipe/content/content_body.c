/*
 * content_body.c - what a leaf's body needs, and doing it.
 *
 * A body is read once to see whether anything in it asks for a change, which
 * is nearly free, once more to compare the encodings if so, and a third
 * time to be written. All in pieces of TRANSFORM_IN bytes.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/codec.h"
#include "lib/base/utf8.h"
#include "lib/mail/param.h"
#include "content_private.h"

/* HTML and XML may name their charset near their beginning. */
#define INBAND_MAX 1024

/* Reads a piece of the shown message; its length, 0 at to, or -1. */
static ssize_t
content_body_read_piece(const struct content *c, char bytes[TRANSFORM_IN],
    long long at, long long to, struct error *err)
{
	size_t len = to - at < TRANSFORM_IN ? (size_t)(to - at) : TRANSFORM_IN;
	ssize_t n = 0;

	if (len > 0)
		n = view_read((void *)&c->view, bytes, len, at);
	if (n == -1 || (n == 0 && len > 0))
		return error_set(err, ERROR_TEMPORARY, "4.3.0",
		    "cannot read the message again: %s",
		    n == 0 ? "it is shorter" : strerror(errno));
	return n;
}

static int
content_body_scan_range(const struct content *c, struct mime_range range,
    struct scan *s, struct error *err)
{
	char bytes[TRANSFORM_IN];
	ssize_t n;

	memset(s, 0, sizeof(*s));
	for (; (n = content_body_read_piece(
		    c, bytes, range.from, range.to, err)) > 0;
	     range.from += n)
		scan_update(s, bytes, (size_t)n);
	scan_end(s);
	return (int)n;
}

/* --- which encoding --- */

/* What a body is once its line ends are CRLF. */
struct measure {
	struct scan scan;
	struct utf8_check utf8;
	long long size;
	long long quoted_printable; /* its size in that encoding */
};

static int
content_body_measure(const struct content *c, struct mime_range range,
    struct measure *m, struct error *err)
{
	char bytes[TRANSFORM_IN], out[TRANSFORM_OUT];
	struct transform lines, quoted;
	size_t len;
	ssize_t n;

	memset(m, 0, sizeof(*m));
	transform_init(&lines, TRANSFORM_LINES);
	transform_init(&quoted, TRANSFORM_QUOTED_PRINTABLE);
	for (; (n = content_body_read_piece(
		    c, bytes, range.from, range.to, err)) > 0;
	     range.from += n) {
		len = transform_update(&lines, bytes, (size_t)n, out);
		m->size += (long long)len;
		scan_update(&m->scan, out, len);
		utf8_check(&m->utf8, out, len);
		m->quoted_printable +=
		    (long long)transform_update(&quoted, bytes, (size_t)n, out);
	}
	m->quoted_printable += (long long)transform_end(&quoted, out);
	scan_end(&m->scan);
	return (int)n;
}

static void
content_body_encode(struct body_plan *plan, enum transform_kind transform)
{
	plan->change = 1;
	plan->transform = transform;
	plan->encoding = transform == TRANSFORM_QUOTED_PRINTABLE
	    ? "quoted-printable"
	    : "base64";
}

static void
content_body_encode_shorter(struct body_plan *plan, const struct measure *m)
{
	long long size = codec_base64_size(m->size);

	size += size / TRANSFORM_LINE_MAX * 2;
	content_body_encode(plan,
	    m->quoted_printable <= size ? TRANSFORM_QUOTED_PRINTABLE
					: TRANSFORM_LINES_BASE64);
}

static void
content_body_transform_only(
    struct body_plan *plan, enum transform_kind transform)
{
	plan->change = 1;
	plan->transform = transform;
}

/* Where a charset may be named in so much of a text, or NULL. */
static const char *
content_body_find_charset(const char *text)
{
	const char *found = strcasestr(text, "charset=");

	if (found != NULL)
		return found + strlen("charset=");
	found = strcasestr(text, "encoding=");
	return found == NULL ? NULL : found + strlen("encoding=");
}

/*
 * 1 when the beginning of the body says its charset, 0 or -1. The name goes
 * into the plan, where it is one that readers know.
 */
static int
content_body_names_charset(const struct content *c,
    const struct mime_part *part, struct body_plan *plan, struct error *err)
{
	char bytes[TRANSFORM_IN + 1];
	long long to = part->body.to;
	const char *found;
	struct span name;
	ssize_t n;

	if (!mime_is(part, "text", "html") && !mime_is(part, "text", "xml"))
		return 0;
	if (to - part->body.from > INBAND_MAX)
		to = part->body.from + INBAND_MAX;
	n = content_body_read_piece(c, bytes, part->body.from, to, err);
	if (n <= 0)
		return (int)n;
	bytes[n] = '\0'; /* there is no other NUL */
	if ((found = content_body_find_charset(bytes)) == NULL)
		return 0;
	name = charset_name_in(span_between(found, bytes + n));
	if (name.len <= CHARSET_NAME_MAX && charset_is_name(name))
		snprintf(plan->inside, sizeof(plan->inside), "%.*s",
		    (int)name.len, name.p);
	return 1;
}

static int
content_body_has_charset(const struct mime_part *part)
{
	struct param_reader r;
	struct param p;

	param_init(&r, part->content_type);
	while (param_next(&r, &p))
		if (span_is(p.name, "charset"))
			return 1;
	return 0;
}

/*
 * Decides what Content-Type must say of text with 8-bit bytes: nothing new
 * where it names a charset so that every reader finds it. What is in the text
 * itself counts where Content-Type has no charset, and instead of a name that
 * is none.
 */
static int
content_body_choose_charset(const struct content *c,
    const struct mime_part *part, const struct measure *m,
    struct body_plan *plan, struct error *err)
{
	struct span declared =
	    span_between(part->charset, part->charset + strlen(part->charset));
	int named;

	if (!m->scan.eight_bit || !mime_is(part, "text", NULL))
		return 0;
	if (charset_is_name(declared)) {
		if (!content_head_is_unambiguous(part))
			plan->charset = part->charset;
		return 0;
	}
	if (utf8_check_end(&m->utf8)) {
		plan->charset = "utf-8";
		return 0;
	}
	named = content_body_names_charset(c, part, plan, err);
	if (named == -1)
		return -1;
	if (named == 1 && !content_body_has_charset(part))
		return 0;
	plan->charset = "windows-1252";
	if (plan->inside[0] != '\0' &&
	    charset_kind(span_between(plan->inside,
		plan->inside + strlen(plan->inside))) != CHARSET_UTF8)
		plan->charset = plan->inside;
	return 0;
}

static int
content_body_plan_identity(struct content *c, const struct mime_part *part,
    const struct scan *s, struct body_plan *plan, struct error *err)
{
	int is_text = mime_is(part, "text", NULL);
	struct measure m;

	if (content_body_measure(c, part->body, &m, err) == -1)
		return -1;
	if (s->line_end && (!is_text || part->encoding == MIME_BINARY))
		content_body_encode(plan, TRANSFORM_BASE64);
	else if (m.scan.long_line ||
	    (m.scan.eight_bit && c->rules->encode_8bit))
		content_body_encode_shorter(plan, &m);
	else if (s->line_end)
		content_body_transform_only(plan, TRANSFORM_LINES);
	if (plan->encoding == NULL)
		return 0;
	return content_body_choose_charset(c, part, &m, plan, err);
}

/* --- which rule --- */

/*
 * RFC 2045 section 6.4 wants unknown encodings left alone. But where people
 * write "utf-8" or "none" and 8-bit bytes or lines follow that no encoding
 * would have left, nothing is encoded. What is no name at all ("text/plain",
 * "8bit, binary", or 8bit in quotes) may stand over base64 in one line, so
 * there only 8-bit bytes tell.
 */
static int
content_body_is_identity(const struct mime_part *part, const struct scan *s)
{
	struct span name = part->encoding_name;

	if (part->encoding != MIME_OTHER)
		return part->encoding <= MIME_BINARY;
	if (name.len == 0)
		return s->eight_bit;
	return (s->eight_bit || s->long_line) && !span_is(name, "uuencode") &&
	    !span_is(name, "yenc") &&
	    (name.len < 2 || strncasecmp(name.p, "x-", 2) != 0);
}

/*
 * No subtype of message may be encoded, but those of RFC 6532. One that is
 * encoded all the same, as some delivery reports are, is mended as any part.
 */
static int
content_body_is_message(const struct mime_part *part)
{
	return mime_is(part, "message", NULL) &&
	    strncmp(part->subtype, "global", strlen("global")) != 0 &&
	    part->encoding != MIME_QUOTED_PRINTABLE &&
	    part->encoding != MIME_BASE64;
}

static void
content_body_plan_encoded(
    const struct mime_part *part, const struct scan *s, struct body_plan *plan)
{
	int mend = s->eight_bit || s->long_line;

	if (part->encoding == MIME_QUOTED_PRINTABLE && mend)
		content_body_transform_only(
		    plan, TRANSFORM_MEND_QUOTED_PRINTABLE);
	else if (part->encoding == MIME_BASE64 && mend)
		content_body_transform_only(plan, TRANSFORM_MEND_BASE64);
	else if (part->encoding != MIME_OTHER && s->line_end)
		content_body_transform_only(plan, TRANSFORM_LINES);
}

int
content_plan(struct content *c, const struct mime_part *part,
    struct body_plan *plan, struct error *err)
{
	struct scan s;

	memset(plan, 0, sizeof(*plan));
	if (part->opaque || mime_is_pkcs7(part))
		return 0;
	if (content_body_scan_range(c, part->body, &s, err) == -1)
		return -1;
	if (!scan_found(&s))
		return 0;
	if (content_body_is_message(part)) {
		if (s.line_end)
			content_body_transform_only(plan, TRANSFORM_LINES);
		return 0;
	}
	if (content_body_is_identity(part, &s))
		return content_body_plan_identity(c, part, &s, plan, err);
	content_body_plan_encoded(part, &s, plan);
	return 0;
}

/* --- doing it --- */

static int
content_body_is_base64(enum transform_kind kind)
{
	return kind == TRANSFORM_BASE64 || kind == TRANSFORM_LINES_BASE64 ||
	    kind == TRANSFORM_MEND_BASE64;
}

int
content_transform(struct content *c, struct mime_range range,
    enum transform_kind kind, struct error *err)
{
	char bytes[TRANSFORM_IN], out[TRANSFORM_OUT];
	struct transform t;
	long long at = range.from;
	size_t len;
	ssize_t n;

	if (content_start(c, range.from, range.to - range.from, err) == -1)
		return -1;
	transform_init(&t, kind);
	for (; (n = content_body_read_piece(c, bytes, at, range.to, err)) > 0;
	     at += n) {
		len = transform_update(&t, bytes, (size_t)n, out);
		if (edit_write(&c->edits, out, len, err) == -1)
			return -1;
	}
	if (n == -1)
		return -1;
	len = transform_end(&t, out);
	/* nobody else ends the last line of a message */
	if (content_body_is_base64(kind) && range.to == c->view.spool.raw) {
		memcpy(out + len, "\r\n", 2);
		len += 2;
	}
	return edit_write(&c->edits, out, len, err);
}

int
content_line_ends(struct content *c, long long to, struct error *err)
{
	struct mime_range range = {c->done, to};
	struct scan s = {0};

	c->done = to;
	if (!c->found.line_end || range.from == to)
		return 0;
	if (content_body_scan_range(c, range, &s, err) == -1)
		return -1;
	return s.line_end ? content_transform(c, range, TRANSFORM_LINES, err)
			  : 0;
}
