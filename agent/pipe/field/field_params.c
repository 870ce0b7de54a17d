/*
 * field_params.c - parameters without 8-bit bytes, as RFC 2231 has it. See
 * field_kinds.h.
 *
 * A parameter that has none stays as it is, and so does a field whose boundary
 * has some: it would have to change in the body as well. All parameters of a
 * field are taken to be in one charset, that of the sections of one must be.
 */
#include "lib/base/codec.h"
#include "lib/base/printable.h"
#include "lib/mail/address_lex.h"
#include "lib/mail/charset.h"
#include "lib/mail/mime.h"
#include "lib/mail/param.h"
#include "field_kinds.h"

#define LINE_MAX_BYTES 76
#define LONG_VALUE 900 /* leaves no place to fold a line */

static const char blank[] = " ", semicolon[] = ";";

/* Of a field with more names, those behind are not looked at. */
#define FORMS_MAX 32

struct params {
	struct fold *fold;
	struct span charset;
	int sections; /* a section of RFC 2231 has 8-bit bytes */
	int boundary; /* so has a boundary */
	/* names that stand in a form of RFC 2231, so that no other may */
	struct span forms[FORMS_MAX];
	size_t form_count;
};

/* RFC 2231 section 7: attribute-char. */
static int
field_params_is_attribute_char(char c)
{
	return printable_is_visible(c) &&
	    strchr("()<>@,;:\\\"/[]?=*'%", c) == NULL;
}

static void
field_params_add_percent(struct buf *out, char c)
{
	char hex[3] = {'%'};

	codec_hex_put(c, hex + 1);
	buf_add(out, hex, sizeof(hex));
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
field_params_add_encoded(
    struct buf *out, const struct param *p, struct span charset)
{
	struct buf text;
	struct span meant = {NULL, 0};
	char *bytes;
	size_t i;
	int len;

	buf_init(&text, out->limit);
	bytes = buf_reserve(&text, p->value.len + 1);
	if (bytes == NULL)
		out->failed = text.failed;
	else if ((len = param_text(p, bytes, p->value.len + 1)) != -1)
		meant = span_between(bytes, bytes + len);
	if (p->is_file_name && p->section == -1)
		meant = mime_name_base(meant, charset_kind(charset));
	for (i = 0; i < meant.len; i++)
		if (field_params_is_attribute_char(meant.p[i]))
			buf_add(out, &meant.p[i], 1);
		else
			field_params_add_percent(out, meant.p[i]);
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
		field_params_add_encoded(&value, p, ps->charset);
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

/* A comment with 8-bit bytes goes, but parts nothing from joining. */
static void
field_params_write_plain(struct fold *f, struct span text)
{
	struct span space = {text.p, 0};
	int dropped = 0;
	struct lexer l;

	for (lex_init(&l, text.p, span_end(text)); l.token != TOKEN_END;
	     lex(&l)) {
		if (l.token == TOKEN_SPACE) {
			space = l.text;
		} else if (fold_needs(l.text)) {
			space.len = 0;
			dropped = 1;
		} else {
			if (dropped && space.len == 0)
				space = span_between(blank, blank + 1);
			fold_raw(f, space);
			fold_raw(f, l.text);
			space.len = 0;
			dropped = 0;
		}
	}
	fold_raw(f, space);
}

/*
 * What belongs to no parameter means nothing, but an encoded word in it could,
 * for its '='. So all up to the ';' goes where more than comments has 8-bit
 * bytes: what would be left of it could be a parameter.
 */
static void
field_params_write_rest(struct fold *f, struct span text)
{
	const char *from = text.p;
	struct lexer l;
	int goes = 0;

	lex_init(&l, text.p, span_end(text));
	for (;; lex(&l)) {
		if (l.token != TOKEN_END && !lex_is(&l, ';')) {
			goes |= l.token != TOKEN_COMMENT && fold_needs(l.text);
			continue;
		}
		if (!goes)
			field_params_write_plain(
			    f, span_between(from, l.text.p));
		if (l.token == TOKEN_END)
			break;
		fold_raw(f, l.text);
		from = span_end(l.text);
		goes = 0;
	}
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

/*
 * A type that cannot be read, for 8-bit bytes in it or for what touches it,
 * goes as a whole: without them it could be one. A ';' takes its place, so that
 * what follows does not become the type. Returns where the type ends.
 */
static const char *
field_params_write_type(struct fold *f, struct span value)
{
	struct span type, subtype, word = param_word(value), rest;
	int goes = 0;

	if (param_type(value, &type, &subtype) == 0)
		word = subtype;
	else
		goes = word.len == 0 || fold_needs(word) ||
		    (memchr(word.p, '/', word.len) != NULL &&
			fold_needs(value));
	if (!goes) {
		field_params_write_rest(
		    f, span_between(value.p, span_end(word)));
		return span_end(word);
	}
	rest = span_trim(span_between(span_end(word), span_end(value)));
	if (rest.len == 0 || rest.p[0] != ';')
		fold_raw(f, span_between(semicolon, semicolon + 1));
	return span_end(word);
}

static int
field_params_has_form(const struct params *ps, struct span name)
{
	size_t i;

	for (i = 0; i < ps->form_count; i++)
		if (ps->forms[i].len == name.len &&
		    strncasecmp(ps->forms[i].p, name.p, name.len) == 0)
			return 1;
	return 0;
}

static void
field_params_add_form(struct params *ps, struct span name)
{
	if (ps->form_count < FORMS_MAX && !field_params_has_form(ps, name))
		ps->forms[ps->form_count++] = name;
}

/* What must be known of all parameters before the first is written. */
static void
field_params_survey(struct params *ps, struct span value)
{
	struct param_reader r;
	struct param p;

	param_init(&r, value);
	while (param_next(&r, &p)) {
		if (p.section >= 0 && fold_needs(p.value))
			ps->sections = 1;
		ps->boundary |=
		    span_is(p.name, "boundary") && fold_needs(p.whole);
		if (p.section == 0 || (p.section == -1 && p.extended))
			field_params_add_form(ps, p.name);
	}
}

/*
 * Whether a parameter goes: one whose name has 8-bit bytes, and one that would
 * have to be written anew while its name stands in a form of RFC 2231 as well,
 * or has just been written so. Readers take that form, and one that stands
 * twice is read in as many ways as there are readers.
 */
static int
field_params_goes(const struct params *ps, const struct param *p)
{
	if (fold_needs(p->name))
		return 1;
	return p->section == -1 && !p->extended &&
	    field_params_must_write(ps, p) &&
	    field_params_has_form(ps, p->name);
}

/*
 * Where to go on behind a parameter that goes or is written anew: at the ';',
 * since without quotes other text would belong to it, or at the blanks before
 * one that has no ';'.
 */
static const char *
field_params_behind(const struct param_reader *r, const struct param *p)
{
	return r->next < r->limit && *r->next != ';' ? span_end(p->whole)
						     : r->next;
}

void
field_params(struct fold *f, struct span value)
{
	struct params ps = {
	    .fold = f, .charset = charset_of(value, f->charset)};
	size_t before = f->out->len;
	struct param_reader r;
	struct span space, gap;
	const char *at;
	struct param p;
	int ends;

	field_params_survey(&ps, value);
	if (ps.boundary) {
		fold_raw(f, value);
		return;
	}
	param_init(&r, value);
	at = field_params_write_type(f, value);
	while (param_next(&r, &p)) {
		gap = field_params_gap(at, p.whole.p, &space);
		ends = gap.len > 0 && span_end(gap)[-1] == ';';
		gap.len -= (size_t)ends;
		if (gap.len == 1 && gap.p[0] == ',') /* for a ';' */
			gap.len = 0;
		field_params_write_rest(f, gap);
		at = span_end(p.whole);
		if (field_params_goes(&ps, &p)) {
			at = field_params_behind(&r, &p);
			continue;
		}
		/*
		 * what went may have been all that kept it from the last one,
		 * and where there was nothing many would not see this one
		 */
		if (ends || fold_needs(gap) || !p.separated)
			fold_raw(f, span_between(semicolon, semicolon + 1));
		if (field_params_must_write(&ps, &p)) {
			field_params_write_param(&ps, space, &p);
			field_params_add_form(&ps, p.name);
			at = field_params_behind(&r, &p);
		} else {
			fold_space(f, space, p.whole.len);
			fold_raw(f, p.whole);
		}
	}
	field_params_write_rest(f, span_between(at, span_end(value)));
	/* an empty one would say something else: no encoding, for one */
	if (!f->out->failed &&
	    span_trim(span_between(
			  f->out->bytes + before, f->out->bytes + f->out->len))
		    .len == 0)
		fold_raw(f, span_between(semicolon, semicolon + 1));
}
