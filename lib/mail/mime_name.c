/*
 * mime_name.c - the file name of a part. See mime_filename() in mime.h.
 *
 * People read the name, and Graph gets it in JSON. So it is made UTF-8,
 * whatever it was, and loses characters that could forge a line.
 */
#include "lib/base/printable.h"
#include "encoded_word.h"
#include "mime.h"
#include "param.h"

#define NAME_RAW_MAX 4096
#define EXTENSION_MAX 16 /* bytes; what is longer is none */

static struct span
mime_name_whole(const char *text)
{
	return span_between(text, text + strlen(text));
}

/* As bytes; returns the length or -1. */
static int
mime_name_find_name(const struct mime_part *part, char *raw, char *charset)
{
	int len = -1;

	if (part->disposition.p != NULL)
		len = param_find(part->disposition, "filename", 1, raw,
		    NAME_RAW_MAX, charset);
	if (len <= 0 && part->content_type.p != NULL)
		len = param_find(
		    part->content_type, "name", 1, raw, NAME_RAW_MAX, charset);
	return len;
}

/* Takes control characters out, in place. */
static void
mime_name_clean(struct buf *utf8)
{
	size_t i, used = 0;

	for (i = 0; i < utf8->len; i++)
		if (!printable_is_control(utf8->bytes[i]))
			utf8->bytes[used++] = utf8->bytes[i];
	utf8->len = used;
}

/* With its dot; empty where there is none or no room for it. */
static struct span
mime_name_extension(struct span utf8, size_t size)
{
	const char *end = span_end(utf8), *dot;

	dot = memrchr(utf8.p, '.', utf8.len);
	if (dot == NULL || dot == utf8.p || end - dot > EXTENSION_MAX ||
	    (size_t)(end - dot) >= size)
		return span_between(end, end);
	return span_between(dot, end);
}

size_t
mime_name_fit(char *name, size_t size, struct span utf8)
{
	struct span end = span_between(span_end(utf8), span_end(utf8)), rest;
	size_t n, used = 0;

	if (utf8.len >= size)
		end = mime_name_extension(utf8, size);
	rest = span_between(utf8.p, end.p);
	while (rest.len > 0) {
		n = charset_char(CHARSET_UTF8, rest);
		if (used + n + end.len >= size)
			break;
		memcpy(name + used, rest.p, n);
		used += n;
		rest = span_between(rest.p + n, span_end(rest));
	}
	if (end.len > 0)
		memcpy(name + used, end.p, end.len);
	name[used + end.len] = '\0';
	return used + end.len;
}

struct span
mime_name_base(struct span name, enum charset_kind kind)
{
	const char *p, *limit = span_end(name), *base = name.p;
	size_t n;

	for (p = name.p; p < limit; p += n) {
		n = charset_char(kind, span_between(p, limit));
		if (*p == '\\' && p + 1 < limit)
			base = p + 1;
	}
	name = span_between(base, limit);
	if (name.len > 1 && name.p[name.len - 1] == '\\' &&
	    kind <= CHARSET_SINGLE)
		name.len--;
	return name;
}

int
mime_filename(
    const struct mime_part *part, char *name, size_t size, struct error *err)
{
	char raw[NAME_RAW_MAX], charset[CHARSET_NAME_MAX + 1];
	int len = mime_name_find_name(part, raw, charset), result;
	struct span text;
	struct buf utf8;

	name[0] = '\0';
	if (len <= 0)
		return 0;
	text = span_between(raw, raw + len);
	buf_init(&utf8, 8 * NAME_RAW_MAX);
	if (charset[0] != '\0')
		result =
		    charset_to_utf8(mime_name_whole(charset), text, &utf8, err);
	else
		result = encoded_word_decode(
		    text, mime_name_whole(part->charset), &utf8, err);
	if (result == 0) {
		mime_name_clean(&utf8);
		text = span_between(utf8.bytes, utf8.bytes + utf8.len);
		result = (int)mime_name_fit(
		    name, size, mime_name_base(text, CHARSET_UTF8));
	}
	buf_free(&utf8);
	return result;
}
