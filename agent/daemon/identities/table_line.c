/*
 * table_line.c - see table_line.h.
 */
#include <string.h>

#include "table_line.h"

static int
table_line_is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Returns the line end or the NUL. */
static char *
table_line_end(char *p)
{
	return p + strcspn(p, "\n");
}

/* A line that says nothing, which its blanks then show. */
static int
table_line_blank_out(char *p)
{
	char *end = table_line_end(p);
	size_t i, len = (size_t)(end - p);

	if (p[0] != '#')
		for (i = 0; i < len; i++)
			if (!table_line_is_space(p[i]))
				return 0;
	memset(p, ' ', len);
	return 1;
}

int
table_line_next(struct table_line *lines, struct table_line *line)
{
	char *end;

	while (*lines->at != '\0' && table_line_blank_out(lines->at)) {
		lines->at = table_line_end(lines->at);
		if (*lines->at == '\n') {
			lines->at++;
			lines->number++;
		}
	}
	if (*lines->at == '\0')
		return 0;
	*line = *lines;
	for (;;) {
		end = table_line_end(lines->at);
		lines->at = end;
		if (*end == '\0')
			return 1;
		lines->at++;
		lines->number++;
		if (!table_line_blank_out(lines->at) &&
		    !table_line_is_space(*lines->at)) {
			*end = '\0';
			return 1;
		}
	}
}

static void
table_line_skip_space(struct table_line *line)
{
	for (; table_line_is_space(*line->at); line->at++)
		if (*line->at == '\n')
			line->number++;
}

/* Ends the string at p, and goes behind it unless the line ends there. */
static void
table_line_cut(struct table_line *line, char *p)
{
	line->at = p;
	if (*p == '\0')
		return;
	if (*p == '\n')
		line->number++;
	*p = '\0';
	line->at++;
}

char *
table_line_word(struct table_line *line)
{
	char *word;

	table_line_skip_space(line);
	word = line->at;
	if (*word == '\0')
		return NULL;
	table_line_cut(line, word + strcspn(word, " \t\r\n"));
	return word;
}

static int
table_line_wrong(struct error *err, const char *what)
{
	return error_set(err, ERROR_OURS, "4.3.5", "%s", what);
}

static char *
table_line_trim(char *s)
{
	size_t len;

	while (table_line_is_space(*s))
		s++;
	len = strlen(s);
	while (len > 0 && table_line_is_space(s[len - 1]))
		s[--len] = '\0';
	return s;
}

/*
 * What stands between braces, which may hold others; NULL when they never end.
 */
static char *
table_line_braces(struct table_line *line)
{
	char *begin = ++line->at;
	int depth = 1;

	for (; *line->at != '\0'; line->at++) {
		if (*line->at == '\n') {
			line->number++;
			*line->at = ' ';
		}
		if (*line->at == '{')
			depth++;
		if (*line->at == '}' && --depth == 0) {
			*line->at++ = '\0';
			return begin;
		}
	}
	return NULL;
}

int
table_line_attribute(struct table_line *line, struct table_attribute *attribute,
    struct error *err)
{
	int has_braces;
	char *equals;

	table_line_skip_space(line);
	attribute->number = line->number;
	if (*line->at == '\0')
		return 0;
	has_braces = *line->at == '{';
	attribute->name =
	    has_braces ? table_line_braces(line) : table_line_word(line);
	if (attribute->name == NULL)
		return table_line_wrong(err, "a \"{\" without its \"}\"");
	if (has_braces && *line->at != '\0' && !table_line_is_space(*line->at))
		return table_line_wrong(err, "no blank behind a \"}\"");
	equals = strchr(attribute->name, '=');
	if (equals == NULL || (equals == attribute->name && !has_braces))
		return table_line_wrong(err,
		    "neither name=value without blanks nor { name = value }; "
		    "'#' begins a comment only as the first character of a "
		    "line");
	*equals = '\0';
	attribute->name = table_line_trim(attribute->name);
	attribute->value = table_line_trim(equals + 1);
	return 1;
}
