/*
 * content_head.c - edits the fields of one part.
 *
 * A field is written anew as a whole where anything in it asks for it, and is
 * not touched otherwise. New fields stand behind the last one. Of a field of
 * MIME that stands twice in one header some readers take the first and others
 * the last (GMime), so the first one stays, by which the body was read.
 */
#include <string.h>

#include "agent/pipe/field/field.h"
#include "lib/mail/param.h"
#include "content_private.h"

/* A field may grow to three times its length and some for folding. */
#define FIELD_OUT_MAX (4 * MIME_HEADER_MAX)

struct head {
	struct content *content;
	const struct mime_part *part;
	const struct body_plan *plan;
	struct span client; /* to be cut from a Received field, or empty */
	/* fields seen so far */
	int types, encodings, dispositions, versions;
};

static struct span
content_head_whole(const char *text)
{
	return span_between(text, text + strlen(text));
}

static int
content_head_is_same(struct span old, const struct buf *text)
{
	return text->len == old.len &&
	    (old.len == 0 || memcmp(text->bytes, old.p, old.len) == 0);
}

/* Replaces bytes of the header by what is in text, which is freed. */
static int
content_head_replace(
    const struct head *h, struct span old, struct buf *text, struct error *err)
{
	struct content *c = h->content;
	long long from = h->part->header.from + (old.p - h->part->fields.p);
	int result = -1;

	if (text->failed)
		edit_refuse(text, err);
	else if (content_head_is_same(old, text))
		result = 0;
	else if (content_start(c, from, (long long)old.len, err) == 0)
		result = edit_write(&c->edits, text->bytes, text->len, err);
	buf_free(text);
	return result;
}

/* The line end of a field's last line, if it has one. */
static void
content_head_add_line_end(struct buf *out, const struct header_field *f)
{
	if (span_end(f->whole)[-1] == '\n')
		buf_add(out, "\r\n", 2);
}

/* Converts a value where it must be: see content_charset_convert(). -1; 0. */
static int
content_head_convert(const struct head *h, struct span *value, struct buf *utf8,
    struct error *err)
{
	int result =
	    content_charset_convert(*value, h->content->charset, utf8, err);

	if (result == 1)
		*value = span_between(utf8->bytes, utf8->bytes + utf8->len);
	return result == -1 ? -1 : 0;
}

static int
content_head_write_field(const struct head *h, const struct header_field *f,
    struct span value, struct error *err)
{
	struct buf out, utf8;
	int result;

	buf_init(&out, FIELD_OUT_MAX);
	buf_init(&utf8, FIELD_OUT_MAX);
	result = content_head_convert(h, &value, &utf8, err);
	if (result != -1) {
		field_write(&out, span_between(f->whole.p, f->value.p), value,
		    content_head_whole(h->content->charset));
		content_head_add_line_end(&out, f);
		result = content_head_replace(h, f->whole, &out, err);
	}
	buf_free(&utf8);
	return result;
}

/* --- Content-Type --- */

/* Whether only blanks and comments stand here, up to a ';' or the end. */
static int
content_head_is_gap(const char *from, const char *to)
{
	struct span text = span_trim(span_between(from, to));

	return text.len == 0 || text.p[0] == '(';
}

int
content_head_is_unambiguous(const struct mime_part *part)
{
	char text[CHARSET_NAME_MAX + 1];
	struct param_reader r;
	struct param p;
	int count = 0;

	if (!part->type_read)
		return 0;
	param_init(&r, part->content_type);
	while (param_next(&r, &p)) {
		if (!p.separated)
			return 0;
		if (span_is(p.name, "charset") && count++ == 0 && !p.extended &&
		    p.section == -1 &&
		    (param_text(&p, text, sizeof(text)) == -1 ||
			strcmp(text, part->charset) != 0))
			return 0;
		if (count <= 1 &&
		    !content_head_is_gap(span_end(p.whole), r.next))
			return 0;
	}
	return count <= 1;
}

/* Adds a parameter behind what is there, with the blanks before it. */
static void
content_head_add_param(struct buf *out, const char *from, const struct param *p)
{
	const char *space = p->whole.p;

	while (space > from && span_is_space(space[-1]))
		space--;
	buf_add_string(out, ";");
	if (space < p->whole.p)
		buf_add(out, space, (size_t)(p->whole.p - space));
	else if (!p->separated)
		buf_add_string(out, " ");
}

/*
 * Writes the value with the charset in it: in the place of the first that is
 * there, or else behind the type. Each parameter gets the ';' that may lack,
 * and what is none goes.
 */
static void
content_head_with_charset(
    const struct head *h, struct span value, struct buf *out)
{
	struct span type, subtype;
	struct param_reader r;
	const char *from;
	struct param p;
	int count = 0;

	if (param_type(value, &type, &subtype) == -1) {
		buf_printf(out, " text/plain; charset=%s", h->plan->charset);
		return;
	}
	from = span_end(subtype);
	buf_add(out, value.p, (size_t)(from - value.p));
	for (param_init(&r, value); param_next(&r, &p);)
		count += span_is(p.name, "charset");
	if (count == 0)
		buf_printf(out, "; charset=%s", h->plan->charset);
	count = 0;
	for (param_init(&r, value); param_next(&r, &p); from = r.next) {
		if (span_is(p.name, "charset") && count++ > 0)
			continue;
		content_head_add_param(out, from, &p);
		if (span_is(p.name, "charset"))
			buf_printf(out, "charset=%s", h->plan->charset);
		else
			buf_add(out, p.whole.p, p.whole.len);
	}
}

/* Writes the field with another value, which it frees. */
static int
content_head_write_value(const struct head *h, const struct header_field *f,
    struct buf *value, struct error *err)
{
	int result;

	if (value->failed)
		result = edit_refuse(value, err);
	else
		result = content_head_write_field(h, f,
		    span_between(value->bytes, value->bytes + value->len), err);
	buf_free(value);
	return result;
}

static int
content_head_write_type(
    const struct head *h, const struct header_field *f, struct error *err)
{
	struct span value = f->value;
	struct buf out, utf8;
	int result;

	buf_init(&utf8, FIELD_OUT_MAX);
	result = content_head_convert(h, &value, &utf8, err);
	if (result == 0) {
		buf_init(&out, FIELD_OUT_MAX);
		content_head_with_charset(h, value, &out);
		result = content_head_write_value(h, f, &out, err);
	}
	buf_free(&utf8);
	return result;
}

/* --- Content-Transfer-Encoding and Received --- */

static int
content_head_write_encoding(
    const struct head *h, const struct header_field *f, struct error *err)
{
	struct buf out;

	buf_init(&out, FIELD_OUT_MAX);
	buf_add(&out, f->whole.p, (size_t)(f->value.p - f->whole.p));
	buf_printf(&out, " %s", h->plan->encoding);
	content_head_add_line_end(&out, f);
	return content_head_replace(h, f->whole, &out, err);
}

static int
content_head_has_client(const struct head *h, const struct header_field *f)
{
	return h->client.len > 0 && h->client.p >= f->whole.p &&
	    h->client.p < span_end(f->whole);
}

static int
content_head_write_received(
    const struct head *h, const struct header_field *f, struct error *err)
{
	struct buf value;

	buf_init(&value, FIELD_OUT_MAX);
	buf_add(&value, f->value.p, (size_t)(h->client.p - f->value.p));
	buf_add(&value, span_end(h->client),
	    (size_t)(span_end(f->value) - span_end(h->client)));
	return content_head_write_value(h, f, &value, err);
}

/* --- all fields --- */

static int
content_head_asks_for_it(const struct header_field *f)
{
	struct scan s = {0};

	scan_update(&s, f->whole.p, f->whole.len);
	scan_end(&s);
	return scan_found(&s);
}

/* Counts a field of MIME; 1 when one of its name was there before. */
static int
content_head_is_surplus(struct head *h, const struct header_field *f)
{
	if (span_is(f->name, "Content-Type"))
		return h->types++ > 0;
	if (span_is(f->name, "Content-Transfer-Encoding"))
		return h->encodings++ > 0;
	if (span_is(f->name, "Content-Disposition"))
		return h->dispositions++ > 0;
	if (span_is(f->name, "MIME-Version"))
		h->versions++;
	return 0;
}

static int
content_head_drop(
    const struct head *h, const struct header_field *f, struct error *err)
{
	struct buf nothing;

	buf_init(&nothing, 1);
	buf_add(&nothing, "", 0);
	return content_head_replace(h, f->whole, &nothing, err);
}

static int
content_head_edit_field(
    struct head *h, const struct header_field *f, struct error *err)
{
	const struct body_plan *plan = h->plan;

	if (content_head_is_surplus(h, f))
		return content_head_drop(h, f, err);
	if (content_head_has_client(h, f))
		return content_head_write_received(h, f, err);
	if (plan->encoding != NULL &&
	    span_is(f->name, "Content-Transfer-Encoding"))
		return content_head_write_encoding(h, f, err);
	if (plan->charset != NULL && span_is(f->name, "Content-Type"))
		return content_head_write_type(h, f, err);
	if (content_head_asks_for_it(f))
		return content_head_write_field(h, f, f->value, err);
	return 0;
}

/*
 * Fields that lack; and the empty line, since the first line of a body that is
 * no field now may look like one when it is changed.
 */
static int
content_head_add_fields(const struct head *h, struct error *err)
{
	const struct body_plan *plan = h->plan;
	struct span end = {span_end(h->part->fields), 0};
	struct buf out;

	buf_init(&out, 1024);
	buf_add(&out, "", 0);
	if (plan->encoding != NULL && h->part->is_message && h->versions == 0)
		buf_add_string(&out, "MIME-Version: 1.0\r\n");
	if (plan->charset != NULL && h->types == 0)
		buf_printf(&out, "Content-Type: text/plain; charset=%s\r\n",
		    plan->charset);
	if (plan->encoding != NULL && h->encodings == 0)
		buf_printf(
		    &out, "Content-Transfer-Encoding: %s\r\n", plan->encoding);
	if (plan->change && h->part->header_end == HEADER_BAD_LINE)
		buf_add(&out, "\r\n", 2);
	return content_head_replace(h, end, &out, err);
}

static void
content_head_find_client(struct head *h)
{
	const struct content_rules *rules = h->content->rules;
	struct span value;

	h->client = span_between(h->part->fields.p, h->part->fields.p);
	if (rules->hide_client && h->part->depth == 0 &&
	    received_find(h->part->fields, rules->queue_id, &value))
		h->client = received_client(value);
}

int
content_head(struct content *c, const struct mime_part *part,
    const struct body_plan *plan, struct error *err)
{
	struct head h = {.content = c, .part = part, .plan = plan};
	struct header_reader r;
	struct header_field f;

	content_head_find_client(&h);
	header_init(&r, part->fields.p, part->fields.len);
	while (header_next(&r, &f))
		if (content_head_edit_field(&h, &f, err) == -1)
			return -1;
	if (content_head_add_fields(&h, err) == -1)
		return -1;
	c->done = part->header.to;
	return 0;
}

int
content_head_client(
    struct content *c, const struct mime_part *part, struct error *err)
{
	struct head h = {.content = c, .part = part};
	struct header_reader r;
	struct header_field f;

	content_head_find_client(&h);
	header_init(&r, part->fields.p, part->fields.len);
	while (header_next(&r, &f))
		if (content_head_has_client(&h, &f))
			return content_head_write_received(&h, &f, err);
	return 0;
}
