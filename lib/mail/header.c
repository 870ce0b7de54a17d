/*
 * header.c - header fields as spans of the input. See header.h.
 *
 * Pure functions over bytes, used by the milter's threads and the agent alike.
 * Each line is found with one memchr() and looked at once more for its name, so
 * that a header of any size and shape costs time in proportion to its length.
 */
#include "lib/base/printable.h"
#include "header.h"

void
header_init(struct header_reader *r, const char *bytes, size_t len)
{
	r->next = bytes;
	r->limit = bytes + len;
	r->end = HEADER_OPEN;
	r->fields = span_between(bytes, bytes);
	r->body = span_between(bytes, bytes);
}

/* RFC 5322 section 2.2: printable ASCII, so no blank, but ':'. */
static int
header_is_name_byte(char c)
{
	return printable_is_visible(c) && c != ':';
}

int
header_name_valid(struct span name)
{
	size_t i;

	for (i = 0; i < name.len; i++)
		if (!header_is_name_byte(name.p[i]))
			return 0;
	return name.len > 0;
}

/* The line after this one, or limit. */
static const char *
header_line_next(const char *line, const char *limit)
{
	const char *lf;

	if (line == limit)
		return limit;
	lf = memchr(line, '\n', (size_t)(limit - line));
	return lf == NULL ? limit : lf + 1;
}

/* Without its line end, if it has one. */
static struct span
header_line_text(struct span line)
{
	if (line.len > 0 && line.p[line.len - 1] == '\n') {
		line.len--;
		if (line.len > 0 && line.p[line.len - 1] == '\r')
			line.len--;
	}
	return line;
}

enum header_name_state
header_name_next(struct header_name *n, char c)
{
	if (c == ':')
		return n->len > 0 ? HEADER_NAME_ENDS : HEADER_NAME_NONE;
	if (header_is_name_byte(c) && !n->blank)
		n->len++;
	else if (c == ' ' || c == '\t')
		n->blank = 1;
	else
		return HEADER_NAME_NONE;
	return HEADER_NAME_GOES_ON;
}

/* The name before the colon, and *value right after it. Empty: no field. */
static struct span
header_field_name(const char *line, const char *limit, const char **value)
{
	enum header_name_state state = HEADER_NAME_GOES_ON;
	struct header_name n = {0, 0};
	const char *p = line;

	while (p < limit && state == HEADER_NAME_GOES_ON)
		state = header_name_next(&n, *p++);
	*value = p;
	return span_between(
	    line, state == HEADER_NAME_ENDS ? line + n.len : line);
}

static int
header_finish(struct header_reader *r, enum header_end end, const char *body)
{
	r->end = end;
	r->fields = span_between(r->fields.p, r->next);
	r->body = span_between(body, r->limit);
	r->next = r->limit;
	return 0;
}

int
header_next(struct header_reader *r, struct header_field *field)
{
	const char *line = r->next, *next, *value;
	struct span text;

	if (r->end != HEADER_OPEN)
		return 0;
	if (line == r->limit)
		return header_finish(r, HEADER_INPUT_END, r->limit);
	next = header_line_next(line, r->limit);
	text = header_line_text(span_between(line, next));
	if (text.len == 0)
		return header_finish(r, HEADER_EMPTY_LINE, next);
	field->name = header_field_name(line, span_end(text), &value);
	if (field->name.len == 0)
		return header_finish(r, HEADER_BAD_LINE, line);
	field->folded = 0;
	while (next < r->limit && (*next == ' ' || *next == '\t')) {
		next = header_line_next(next, r->limit);
		field->folded = 1;
	}
	field->whole = span_between(line, next);
	text = header_line_text(field->whole);
	field->value = span_between(value, span_end(text));
	r->next = next;
	return 1;
}

int
header_has_stray_line_end(struct span value)
{
	const char *p = value.p, *end = span_end(value);

	for (; p < end; p++) {
		if (*p != '\r' && *p != '\n')
			continue;
		if (*p == '\r' && p + 1 < end && p[1] == '\n')
			p++;
		if (*p == '\r' || p + 1 == end || (p[1] != ' ' && p[1] != '\t'))
			return 1;
	}
	return 0;
}
