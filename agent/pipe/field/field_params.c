/*
 * field_params.c - parameters without 8-bit bytes, as RFC 2231 has it. See
 * field_kinds.h.
 *
 * A parameter that has none stays as it is, and so does a boundary: it would
 * have to change in the body as well. All parameters of a field are taken to
 * be in one charset, that of the sections of one must be.
 */
#include "lib/mail/charset.h"
#include "lib/mail/param.h"
#include "field_kinds.h"

#define LINE_MAX_BYTES 76
#define LONG_VALUE 900 /* leaves no place to fold a line */

static const char blank[] = " ";

struct params {
	struct fold *fold;
	struct span charset;
	int sections; /* a section of RFC 2231 has 8-bit bytes */
};

/* RFC 2231 section 7: attribute-char. */
static int
field_params_is_attribute_char(char c)
{
	return c > 32 && c < 127 && strchr("()<>@,;:\\\"/[]?=*'%", c) == NULL;
}

static void
field_params_add_percent(struct buf *out, char c)
{
	static const char digits[] = "0123456789ABCDEF";
	unsigned char u = (unsigned char)c;

	buf_add(out, (char[]){'%', digits[u >> 4], digits[u & 15]}, 3);
}

/* In extended form already: nothing but the 8-bit bytes is missing. */
static void
field_params_add_extended(struct buf *out, struct span value)
{
	size_t i;

	for (i = 0; i < value.len; i++)
		if (value.p[i] & 0x80)
			field_params_add_percent(out, value.p[i]);
		else
			buf_add(out, &value.p[i], 1);
}

static void
field_params_add_encoded(struct buf *out, struct span value)
{
	struct buf text;
	char *bytes;
	int i, len = -1;

	buf_init(&text, out->limit);
	bytes = buf_reserve(&text, value.len + 1);
	if (bytes != NULL)
		len = param_text(value, bytes, value.len + 1);
	if (len == -1)
		out->failed = text.failed;
	for (i = 0; i < len; i++)
		if (field_params_is_attribute_char(bytes[i]))
			buf_add(out, &bytes[i], 1);
		else
			field_params_add_percent(out, bytes[i]);
	buf_free(&text);
}

static void
field_params_write_line(
    struct fold *f, struct span space, const struct buf *text)
{
	struct span all = span_between(text->bytes, text->bytes + text->len);

	if (f->column + space.len + all.len > LINE_MAX_BYTES && space.len > 0 &&
	    memchr(space.p, '\n', space.len) == NULL)
		fold_here(f, space);
	else
		fold_raw(f, space);
	fold_raw(f, all);
}

/* Sections of a value that is too long for a line, each on its own. */
static void
field_params_write_sections(
    struct fold *f, struct span name, const struct buf *value)
{
	size_t at = 0, n, room, overhead = name.len + strlen(" *999*=;");
	struct buf head;
	int i;

	room = overhead + 12 < LINE_MAX_BYTES ? LINE_MAX_BYTES - overhead : 12;
	for (i = 0; at < value->len; i++, at += n) {
		n = value->len - at < room ? value->len - at : room;
		/* a %XX in one piece */
		if (at + n < value->len && value->bytes[at + n - 1] == '%')
			n -= 1;
		else if (at + n < value->len && value->bytes[at + n - 2] == '%')
			n -= 2;
		fold_here(f, (struct span){NULL, 0});
		buf_init(&head, f->out->limit);
		buf_add(&head, name.p, name.len);
		buf_printf(&head, "*%d*=", i);
		buf_add(&head, value->bytes + at, n);
		if (at + n < value->len)
			buf_add(&head, ";", 1);
		if (head.failed)
			f->out->failed = head.failed;
		else
			fold_raw(
			    f, span_between(head.bytes, head.bytes + head.len));
		buf_free(&head);
	}
}

/* "name*=", "name*0*=": what stands before a value that is in one piece. */
static void
field_params_add_name(struct buf *out, const struct param *p)
{
	buf_add(out, p->name.p, p->name.len);
	if (p->section >= 0)
		buf_printf(out, "*%d", p->section);
	buf_add_string(out, "*=");
}

static void
field_params_write_param(
    const struct params *ps, struct span space, const struct param *p)
{
	struct fold *f = ps->fold;
	struct buf value, whole;

	buf_init(&value, f->out->limit);
	buf_init(&whole, f->out->limit);
	if (p->extended)
		field_params_add_extended(&value, p->value);
	else {
		if (p->section <= 0) {
			buf_add(&value, ps->charset.p, ps->charset.len);
			buf_add_string(&value, "''");
		}
		field_params_add_encoded(&value, p->value);
	}
	field_params_add_name(&whole, p);
	if (!value.failed)
		buf_add(&whole, value.bytes, value.len);
	if (value.failed || whole.failed)
		f->out->failed = value.failed ? value.failed : whole.failed;
	else if (p->section == -1 && !p->extended &&
	    whole.len + 2 > LINE_MAX_BYTES)
		field_params_write_sections(f, p->name, &value);
	else
		field_params_write_line(f, space, &whole);
	buf_free(&value);
	buf_free(&whole);
}

/* What is to be done: 1 write it anew, 0 leave it. */
static int
field_params_must_write(const struct params *ps, const struct param *p)
{
	if (span_is(p->name, "boundary"))
		return 0;
	/* its value, or a comment around the '=' */
	if (fold_needs(p->whole))
		return 1;
	if (p->value.len > LONG_VALUE && p->section == -1 && !p->extended)
		return 1;
	/* the charset stands in the first section alone */
	return ps->sections && p->section == 0 && !p->extended;
}

/* A word of 8-bit bytes in the place of a disposition or encoding stays none. */
static void
field_params_write_word(struct fold *f, struct span text)
{
	static const char x[] = "x";
	size_t i;

	for (i = 0; i < text.len; i++)
		if (text.p[i] & 0x80)
			fold_raw(f, span_between(x, x + 1));
		else
			fold_raw(f, span_between(&text.p[i], &text.p[i] + 1));
}

/* Blanks and comments; those with 8-bit bytes go. */
static void
field_params_write_start(struct fold *f, struct span text)
{
	if (fold_needs(text))
		text = span_between(blank, blank + 1);
	fold_raw(f, text);
}

/*
 * Writes what stands before the parameters, without blanks or comments behind
 * it, and says where that ends. A type that cannot be read is text/plain (RFC
 * 2045 section 5.2).
 */
static const char *
field_params_write_type(struct fold *f, struct span value, int is_type)
{
	static const char plain[] = "text/plain", slash[] = "/";
	struct span type, subtype, word = param_word(value);
	struct param_reader r;
	const char *end;

	field_params_write_start(f, span_between(value.p, word.p));
	if (is_type && param_type(value, &type, &subtype) == 0) {
		fold_raw(f, type);
		fold_raw(f, span_between(slash, slash + 1));
		fold_raw(f, subtype);
		return span_end(subtype);
	}
	param_init(&r, value);
	end = r.next;
	while (end > word.p && span_is_space(end[-1]))
		end--;
	if (!is_type || memchr(word.p, '/', (size_t)(end - word.p)) == NULL) {
		field_params_write_word(f, word);
		return span_end(word);
	}
	fold_raw(f, span_between(plain, plain + strlen(plain)));
	return end;
}

/*
 * What belongs to no parameter means nothing, but an encoded word in it could,
 * for its '='. So with 8-bit bytes in it all of it goes, up to the next parameter,
 * for which a semicolon stays.
 */
static void
field_params_write_gap(
    struct fold *f, struct span gap, struct span *space, int last)
{
	static const char semicolon[] = ";";

	if (!fold_needs(gap)) {
		fold_raw(f, gap);
		return;
	}
	if (last)
		return;
	fold_raw(f, span_between(semicolon, semicolon + 1));
	if (space->len == 0)
		*space = span_between(blank, blank + 1);
}

/* The blanks at its end are left to what follows. */
static struct span
field_params_gap(const char *from, const char *to, struct span *space)
{
	const char *end = to;

	while (end > from && span_is_space(end[-1]))
		end--;
	*space = span_between(end, to);
	return span_between(from, end);
}

static int
field_params_has_sections(struct span value)
{
	struct param_reader r;
	struct param p;

	param_init(&r, value);
	while (param_next(&r, &p))
		if (p.section >= 0 && fold_needs(p.value))
			return 1;
	return 0;
}

void
field_params(struct fold *f, struct span value, int is_type)
{
	struct params ps = {.fold = f,
	    .charset = charset_of(value, f->charset),
	    .sections = field_params_has_sections(value)};
	struct param_reader r;
	struct span space, gap;
	const char *at;
	struct param p;

	param_init(&r, value);
	at = field_params_write_type(f, value, is_type);
	while (param_next(&r, &p)) {
		gap = field_params_gap(at, p.whole.p, &space);
		if (fold_needs(p.name)) { /* goes, and its ';' */
			if (gap.len > 0 && span_end(gap)[-1] == ';')
				gap.len--;
			field_params_write_gap(f, gap, &space, 1);
			at = r.next;
			continue;
		}
		at = span_end(p.whole);
		field_params_write_gap(f, gap, &space, 0);
		if (field_params_must_write(&ps, &p)) {
			field_params_write_param(&ps, space, &p);
			/* without quotes, what follows would belong to it */
			at = r.next;
		} else {
			fold_space(f, space, p.whole.len);
			fold_raw(f, p.whole);
		}
	}
	field_params_write_gap(f, span_between(at, span_end(value)), &space, 1);
}
