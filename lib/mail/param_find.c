/*
 * param_find.c - what a parameter means, in all forms of RFC 2231. See param.h.
 *
 * A parameter has at most SECTIONS_MAX sections, so a hostile one costs no more
 * than others. Pure functions, for any thread.
 */
#include "lib/base/codec.h"
#include "charset.h"
#include "param.h"

#define SECTIONS_MAX 64

static int
param_find_percent(char *text, int len)
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
param_find_take_charset(char *text, int len, char *charset)
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

/* What one section, or the only one, says. */
static int
param_find_decode(const struct param *p, char *text, size_t size, char *charset)
{
	int len = param_text(p, text, size);

	if (len == -1 || !p->extended)
		return len;
	if (p->section <= 0)
		len = param_find_take_charset(text, len, charset);
	return param_find_percent(text, len);
}

/* The sections from 0 up to the first that lacks. */
static int
param_find_join(
    const struct param *sections, char *text, size_t size, char *charset)
{
	int i, len, used = 0;

	for (i = 0; i < SECTIONS_MAX && sections[i].name.len > 0; i++) {
		len = param_find_decode(
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
		return param_find_decode(&plain, text, size, charset);
	if (extended.name.len > 0)
		return param_find_decode(&extended, text, size, charset);
	if (sections[0].name.len > 0)
		return param_find_join(sections, text, size, charset);
	if (plain.name.len > 0)
		return param_find_decode(&plain, text, size, charset);
	return -1;
}
