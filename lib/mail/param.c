/*
 * param.c - parameters of MIME fields. See param.h.
 *
 * Each byte of a value is looked at a fixed number of times, and a parameter
 * has at most SECTIONS_MAX sections, so hostile ones cost no more than
 * others. Pure functions, for any thread.
 */
#include "lib/base/codec.h"
#include "address_lex.h"
#include "charset.h"
#include "param.h"

#define SECTIONS_MAX 64
#define COMMENT_MAX 256 /* behind a value without quotes */

/* RFC 2045 section 5.1, with bytes above 127 but without '*', '\'' and '%'. */
static int
param_is_name_byte(char c)
{
	unsigned char u = (unsigned char)c;

	return u > 32 && u != 127 && strchr("()<>@,;:\\\"/[]?=", c) == NULL;
}

/* The end of a quoted string or comment that opens at p. */
static const char *
param_skip_enclosed(const char *p, const char *limit)
{
	const char *end =
	    *p == '"' ? lex_quoted_end(p, limit) : lex_comment_end(p, limit);

	return end == NULL ? limit : end;
}

static const char *
param_skip_blank(const char *p, const char *limit)
{
	while (p < limit && (span_is_space(*p) || *p == '('))
		p = *p == '(' ? param_skip_enclosed(p, limit) : p + 1;
	return p;
}

static const char *
param_skip_name(const char *p, const char *limit)
{
	while (p < limit && param_is_name_byte(*p))
		p++;
	return p;
}

/* The next ';' that is in no quotes and no comment, or limit. */
static const char *
param_find_semicolon(const char *p, const char *limit)
{
	while (p < limit && *p != ';') {
		if (*p == '"' || *p == '(')
			p = param_skip_enclosed(p, limit);
		else
			p++;
	}
	return p;
}

/* A type, a subtype or both, whatever they are made of. */
static const char *
param_skip_word(const char *p, const char *limit)
{
	while (p < limit && !span_is_space(*p) && strchr(";(\"", *p) == NULL)
		p++;
	return p;
}

struct span
param_word(struct span value)
{
	const char *limit = span_end(value),
		   *p = param_skip_blank(value.p, limit);

	return span_between(p, param_skip_word(p, limit));
}

void
param_init(struct param_reader *r, struct span value)
{
	const char *limit = span_end(value), *p;

	p = param_skip_word(param_skip_blank(value.p, limit), limit);
	p = param_skip_blank(p, limit);
	if (p < limit && *p == '/')
		p = param_skip_word(param_skip_blank(p + 1, limit), limit);
	r->next = param_skip_blank(p, limit);
	r->limit = limit;
}

static const char *
param_skip_ascii_name(const char *p, const char *limit)
{
	while (p < limit && !(*p & 0x80) && param_is_name_byte(*p))
		p++;
	return p;
}

int
param_type(struct span value, struct span *type, struct span *subtype)
{
	const char *limit = span_end(value), *p, *slash;

	p = param_skip_blank(value.p, limit);
	slash = param_skip_ascii_name(p, limit);
	*type = span_between(p, slash);
	p = param_skip_blank(slash, limit);
	if (type->len == 0 || p == limit || *p != '/')
		goto none;
	p = param_skip_blank(p + 1, limit);
	*subtype = span_between(p, param_skip_ascii_name(p, limit));
	p = span_end(*subtype);
	if (subtype->len > 0 &&
	    (p == limit || *p == ';' || *p == '(' || span_is_space(*p)))
		return 0;
none:
	*type = *subtype = span_between(value.p, value.p);
	return -1;
}

/* "filename*12*": takes the asterisks and the number off the name. */
static void
param_split_name(struct param *p)
{
	const char *name = p->name.p;
	size_t len = p->name.len, at;
	int section = 0;

	if (len > 1 && name[len - 1] == '*') {
		p->extended = 1;
		len--;
	}
	p->name.len = len;
	for (at = len; at > 0 && name[at - 1] >= '0' && name[at - 1] <= '9';)
		at--;
	if (at < 2 || name[at - 1] != '*' || at == len || len - at > 4)
		return;
	p->name.len = at - 1;
	for (; at < len; at++)
		section = 10 * section + name[at] - '0';
	p->section = section;
}

/*
 * Whether comments that start here end the parameter: all are closed, and
 * nothing but blanks stands between them and the ';'. Where they do not, *next
 * is a place up to which no other comment does: the search is not made again
 * from each bracket.
 */
static int
param_is_last_comment(const char *p, const char *limit, const char **next)
{
	const char *near = limit, *end;

	if (limit - p > COMMENT_MAX)
		near = p + COMMENT_MAX;
	while (p < near && *p != ';') {
		end = *p == '(' ? lex_comment_end(p, near) : p + 1;
		if (end == NULL || (*p != '(' && !span_is_space(*p))) {
			*next = end == NULL ? near : p;
			return 0;
		}
		p = end;
	}
	*next = p;
	return p == limit || *p == ';';
}

/* A value without quotes: to the ';', without a comment at its end. */
static struct span
param_read_plain(const char *from, const char *limit)
{
	const char *p = from, *searched = from;

	while (p < limit && *p != ';') {
		if (*p == '(' && p >= searched && p > from &&
		    span_is_space(p[-1]) &&
		    param_is_last_comment(p, limit, &searched))
			break;
		p++;
	}
	return span_trim(span_between(from, p));
}

/* --- file names in quotes --- */

/* Whether nothing more of a value follows. */
static int
param_is_end(const char *p, const char *limit)
{
	while (p < limit && span_is_space(*p))
		p++;
	return p == limit || *p == ';' || *p == '(';
}

/* Whether a parameter starts here: a name and a '='. */
static int
param_is_start(const char *p, const char *limit)
{
	const char *name;

	while (p < limit && span_is_space(*p))
		p++;
	name = p;
	p = param_skip_name(p, limit);
	if (p == name)
		return 0;
	while (p < limit && span_is_space(*p))
		p++;
	return p < limit && *p == '=';
}

/*
 * The end of a file name that opens at p. People name files 5" disk.pdf, and
 * programs put that into quotes as it is: a quote that something else than the
 * end of the parameter follows belongs to the name, if there is one that ends
 * it before the next parameter starts. Else what touches the quote belongs to
 * the name, as the extension in "scan".pdf does.
 */
static const char *
param_skip_file_name(const char *p, const char *limit)
{
	const char *end = param_skip_enclosed(p, limit);

	if (param_is_end(end, limit) || param_is_start(end, limit))
		return end;
	for (p = end; p < limit; p++) {
		if (*p == '"' && param_is_end(p + 1, limit))
			return p + 1;
		if (*p == ';' && param_is_start(p + 1, limit))
			break;
	}
	while (
	    end < limit && !span_is_space(*end) && *end != ';' && *end != '(')
		end++;
	return end;
}

static struct span
param_read_value(const char *p, const char *limit, int is_file_name)
{
	const char *end;

	p = param_skip_blank(p, limit);
	if (p == limit || *p != '"')
		return param_read_plain(p, limit);
	end = is_file_name ? param_skip_file_name(p, limit)
			   : param_skip_enclosed(p, limit);
	return span_trim(span_between(p, end));
}

/*
 * To the ';' behind what is no parameter, whose value is passed as any other.
 */
static const char *
param_skip_junk(const char *p, const char *limit)
{
	while (p < limit && *p != ';' && *p != '=') {
		if (*p == '"')
			p = param_skip_enclosed(p, limit);
		else if (*p == '(')
			p = param_skip_enclosed(p, limit);
		else
			p++;
	}
	if (p < limit && *p == '=')
		p = span_end(param_read_value(p + 1, limit, 0));
	return param_find_semicolon(p, limit);
}

int
param_next(struct param_reader *r, struct param *param)
{
	const char *p = r->next, *end;

	memset(param, 0, sizeof(*param));
	param->section = -1;
	for (;;) {
		while (p < r->limit && *p == ';')
			p = param_skip_blank(p + 1, r->limit);
		end = param_skip_name(p, r->limit);
		param->name = span_between(p, end);
		if (p == r->limit) {
			r->next = p;
			return 0;
		}
		p = param_skip_blank(end, r->limit);
		if (param->name.len > 0 && p < r->limit && *p == '=')
			break;
		p = param_skip_junk(p, r->limit);
	}
	param_split_name(param);
	param->is_file_name =
	    span_is(param->name, "filename") || span_is(param->name, "name");
	param->value = param_read_value(p + 1, r->limit, param->is_file_name);
	end = span_end(param->value);
	param->whole = span_between(param->name.p, end);
	r->next = param_find_semicolon(end, r->limit);
	return 1;
}

/*
 * Whether a backslash in quotes only keeps this byte from meaning something
 * (RFC 5322 section 3.2.1). In a file name one before a letter is a Windows
 * path's: programs write "C:\scans\1.pdf".
 */
static int
param_is_escaped(const struct param *p, char c)
{
	return !p->is_file_name || strchr("\"\\()<>@,;:/[]?=. '", c) != NULL;
}

int
param_text(const struct param *p, char *text, size_t size)
{
	struct span value = p->value;
	int quoted = value.len > 0 && value.p[0] == '"';
	int closed = quoted && span_end(value)[-1] == '"';
	size_t i, used = 0;
	char c;

	if (size == 0)
		return -1;
	for (i = quoted ? 1 : 0; i < value.len; i++) {
		c = value.p[i];
		if (quoted && c == '"' && (!closed || i + 1 == value.len))
			continue;
		if (quoted && c == '\\' && i + 1 < value.len &&
		    param_is_escaped(p, value.p[i + 1]))
			c = value.p[++i];
		if (c == '\n')
			continue;
		if (c == '\r') {
			if (i + 1 < value.len && value.p[i + 1] == '\n')
				continue;
			c = ' ';
		}
		if (used + 1 == size)
			return -1;
		text[used++] = c;
	}
	text[used] = '\0';
	return (int)used;
}

/* --- RFC 2231 --- */

static int
param_decode_percent(char *text, int len)
{
	int from, to = 0, byte = -1;

	for (from = 0; from < len; from++) {
		if (text[from] == '%')
			byte = codec_hex_pair(text + from + 1, text + len);
		text[to++] = byte != -1 ? (char)byte : text[from];
		from += byte != -1 ? 2 : 0;
		byte = -1;
	}
	text[to] = '\0';
	return to;
}

/* Cuts "charset'language'" off. Returns the new length. */
static int
param_take_charset(char *text, int len, char *charset)
{
	char *first = memchr(text, '\'', (size_t)len), *second;
	size_t name;

	if (first == NULL)
		return len;
	second = memchr(first + 1, '\'', (size_t)(text + len - first - 1));
	if (second == NULL)
		return len;
	name = (size_t)(first - text);
	if (charset != NULL && name <= CHARSET_NAME_MAX) {
		memcpy(charset, text, name);
		charset[name] = '\0';
	}
	len -= (int)(second + 1 - text);
	memmove(text, second + 1, (size_t)len + 1);
	return len;
}

/* The text of one section, or of the only one. */
static int
param_decode(const struct param *p, char *text, size_t size, char *charset)
{
	int len = param_text(p, text, size);

	if (len == -1 || !p->extended)
		return len;
	if (p->section <= 0)
		len = param_take_charset(text, len, charset);
	return param_decode_percent(text, len);
}

/* The sections from 0 up to the first that lacks. */
static int
param_join(const struct param *sections, char *text, size_t size, char *charset)
{
	int i, len, used = 0;

	for (i = 0; i < SECTIONS_MAX && sections[i].name.len > 0; i++) {
		len = param_decode(
		    &sections[i], text + used, size - (size_t)used, charset);
		if (len == -1)
			return -1;
		used += len;
	}
	return used;
}

int
param_find(struct span value, const char *name, int starred, char *text,
    size_t size, char *charset)
{
	struct param p, plain = {.section = 0}, extended = {.section = 0};
	struct param sections[SECTIONS_MAX];
	struct param_reader r;

	if (charset != NULL)
		charset[0] = '\0';
	memset(sections, 0, sizeof(sections));
	param_init(&r, value);
	while (param_next(&r, &p)) {
		if (!span_is(p.name, name))
			continue;
		if (p.section >= 0 && p.section < SECTIONS_MAX &&
		    sections[p.section].name.len == 0)
			sections[p.section] = p;
		else if (p.section == -1 && p.extended &&
		    extended.name.len == 0)
			extended = p;
		else if (p.section == -1 && !p.extended && plain.name.len == 0)
			plain = p;
	}
	if (plain.name.len > 0 && !starred)
		return param_decode(&plain, text, size, charset);
	if (extended.name.len > 0)
		return param_decode(&extended, text, size, charset);
	if (sections[0].name.len > 0)
		return param_join(sections, text, size, charset);
	if (plain.name.len > 0)
		return param_decode(&plain, text, size, charset);
	return -1;
}
