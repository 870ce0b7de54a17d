/*
 * mime_name.c - the file name of a part. See mime_filename() in mime.h.
 *
 * For people and for Graph's JSON, so it comes as UTF-8 whatever it was, and
 * without what could forge a line.
 */
#include "encoded_word.h"
#include "mime.h"
#include "param.h"

#define NAME_RAW_MAX 4096

static struct span
whole(const char *text)
{
	return span_between(text, text + strlen(text));
}

/* As bytes; returns the length or -1. */
static int
find_name(const struct mime_part *part, char *raw, char *charset)
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

/* Copies what fits and is no control character, and cuts no character. */
static size_t
copy_clean(char *name, size_t size, const struct buf *utf8)
{
	size_t i, n, used = 0;

	for (i = 0; i < utf8->len; i += n) {
		n = charset_char(CHARSET_UTF8,
		    span_between(utf8->bytes + i, utf8->bytes + utf8->len));
		if (n == 1 && (utf8->bytes[i] < 32 || utf8->bytes[i] == 127))
			continue;
		if (used + n >= size)
			break;
		memcpy(name + used, utf8->bytes + i, n);
		used += n;
	}
	name[used] = '\0';
	return used;
}

size_t
mime_filename(const struct mime_part *part, char *name, size_t size)
{
	char raw[NAME_RAW_MAX], charset[CHARSET_NAME_MAX + 1];
	struct buf utf8;
	size_t used;
	int len;

	name[0] = '\0';
	len = find_name(part, raw, charset);
	if (len <= 0)
		return 0;
	buf_init(&utf8, 8 * NAME_RAW_MAX);
	if (charset[0] != '\0')
		charset_to_utf8(
		    whole(charset), span_between(raw, raw + len), &utf8);
	else
		encoded_word_decode(
		    span_between(raw, raw + len), whole(part->charset), &utf8);
	used = copy_clean(name, size, &utf8);
	buf_free(&utf8);
	return used;
}
