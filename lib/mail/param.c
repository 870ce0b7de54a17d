/*
 * param.c - parameters of MIME fields. See param.h.
 *
 * Each byte of a value is looked at a fixed number of times, so hostile ones
 * cost no more than others. Pure functions, for any thread.
 */
#include <ctype.h>

#include "address_lex.h"
#include "param.h"

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
	r->name_end = r->next;
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
	    (p == limit || strchr(";,(", *p) != NULL || span_is_space(*p)))
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

/*
 * Whether a parameter starts here, perhaps without a ';' before it. Values that
 * hold blanks may hold a '=' too, so behind these its name must be one that
 * programs write.
 */
static int
param_is_start(const char *p, const char *limit, int any)
{
	static const char names[] =
	    " charset format delsp name filename size boundary type start "
	    "start-info creation-date modification-date read-date protocol "
	    "micalg report-type method reply-type ";
	char word[32] = " ";
	const char *name;
	size_t len = 1;

	while (p < limit && span_is_space(*p))
		p++;
	name = p;
	p = param_skip_name(p, limit);
	if (p == name)
		return 0;
	for (; name < p && *name != '*' && len < sizeof(word) - 2; name++)
		word[len++] = (char)tolower((unsigned char)*name);
	strcpy(word + len, " ");
	while (p < limit && span_is_space(*p))
		p++;
	return p < limit && *p == '=' && (any || strstr(names, word) != NULL);
}

/* The same behind the last of some blanks, so that none is passed twice. */
static int
param_is_known_next(const char *p, const char *limit)
{
	return p + 1 < limit && !span_is_space(p[1]) &&
	    param_is_start(p, limit, 0);
}

/* Whether people write blanks into such a value without quoting it. */
static int
param_has_blanks(struct span name)
{
	return span_is(name, "filename") || span_is(name, "name") ||
	    span_is(name, "boundary");
}

/*
 * A value without quotes, without a comment at its end: to the ';', to a
 * parameter without one before it, or to a blank.
 */
static struct span
param_read_plain(struct span name, const char *from, const char *limit)
{
	const char *p = from, *searched = from;
	int blanks = param_has_blanks(name);

	while (p < limit && *p != ';') {
		if (*p == '(' && p >= searched && p > from &&
		    span_is_space(p[-1]) &&
		    param_is_last_comment(p, limit, &searched))
			break;
		if (span_is_space(*p) && p > from &&
		    (!blanks || param_is_known_next(p, limit)))
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

/*
 * The quote that a file name ends with, or the ';' before the next parameter,
 * or limit. File names are read in their order, so no byte is searched twice.
 */
static const char *
param_find_name_end(struct param_reader *r, const char *p)
{
	const char *limit = r->limit;

	if (p < r->name_end)
		p = r->name_end;
	while (p < limit && !(*p == '"' && param_is_end(p + 1, limit)) &&
	    !(*p == ';' && param_is_start(p + 1, limit, 1)))
		p++;
	r->name_end = p;
	return p;
}

/*
 * The end of a file name that opens at p. People name files 5" disk.pdf, and
 * programs put that into quotes as it is: a quote that something else than the
 * end of the parameter follows belongs to the name, if there is one that ends
 * it before the next parameter starts. Else what touches the quote belongs to
 * the name, as the extension in "scan".pdf does.
 */
static const char *
param_skip_file_name(struct param_reader *r, const char *p)
{
	const char *limit = r->limit, *end = param_skip_enclosed(p, limit);

	if (param_is_end(end, limit) || param_is_start(end, limit, 1))
		return end;
	p = param_find_name_end(r, end);
	if (p < limit && *p == '"')
		return p + 1;
	while (
	    end < limit && !span_is_space(*end) && *end != ';' && *end != '(')
		end++;
	return end;
}

static int
param_is_file_name(struct span name)
{
	return span_is(name, "filename") || span_is(name, "name");
}

static struct span
param_read_value(struct param_reader *r, struct span name, const char *p)
{
	const char *limit = r->limit, *end;

	p = param_skip_blank(p, limit);
	if (p == limit || *p != '"')
		return param_read_plain(name, p, limit);
	end = param_is_file_name(name) ? param_skip_file_name(r, p)
				       : param_skip_enclosed(p, limit);
	return span_trim(span_between(p, end));
}

/*
 * Where the next parameter is looked for: behind a value, at one that has no
 * ';' before it; or else at the ';'. Other text between them is passed over.
 */
static const char *
param_skip_rest(const char *p, const char *limit)
{
	const char *next = param_skip_blank(p, limit);

	return param_is_start(next, limit, 1) ? next
					      : param_find_semicolon(p, limit);
}

/*
 * To the ';' behind what is no parameter, whose value is passed as any other;
 * or to a parameter in it that has no ';' before it.
 */
static const char *
param_skip_junk(struct param_reader *r, struct span name, const char *p)
{
	const char *limit = r->limit;

	while (p < limit && *p != ';' && *p != '=') {
		if (span_is_space(*p) && param_is_known_next(p, limit))
			return p + 1;
		if (*p == '"')
			p = param_skip_enclosed(p, limit);
		else if (*p == '(')
			p = param_skip_enclosed(p, limit);
		else
			p++;
	}
	if (p < limit && *p == '=')
		p = span_end(param_read_value(r, name, p + 1));
	return param_skip_rest(p, limit);
}

int
param_next(struct param_reader *r, struct param *param)
{
	const char *p = r->next, *end;

	memset(param, 0, sizeof(*param));
	param->section = -1;
	for (;;) {
		while (p < r->limit && *p == ';') {
			param->separated = 1;
			p = param_skip_blank(p + 1, r->limit);
		}
		end = param_skip_name(p, r->limit);
		param->name = span_between(p, end);
		if (p == r->limit) {
			r->next = p;
			return 0;
		}
		p = param_skip_blank(end, r->limit);
		if (param->name.len > 0 && p < r->limit && *p == '=')
			break;
		param->separated = 0;
		p = param_skip_junk(r, param->name, end);
	}
	param_split_name(param);
	param->is_file_name = param_is_file_name(param->name);
	param->value = param_read_value(r, param->name, p + 1);
	end = span_end(param->value);
	param->whole = span_between(param->name.p, end);
	r->next = param_skip_rest(end, r->limit);
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
