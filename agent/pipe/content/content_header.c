/*
 * content_header.c - the header of the message in UTF-8, before anybody reads
 * addresses in it.
 *
 * In Big5, Shift_JIS, GBK and their like the second byte of a character may be
 * a '\\', '@' or '[', and a reader of bytes would find the end of a name or of
 * an address where there is none. So a field that is raw in such a charset is
 * converted first. The charset is that of the message, which may stand in one
 * of its parts. A field that is UTF-8 stays.
 */
#include <stdlib.h>

#include "lib/base/utf8.h"
#include "content_private.h"

/* No character gets longer than from two bytes to three. */
#define CONTENT_HEADER_MAX (2 * SPOOL_HEAD_MAX)

/* 1 when some field is neither ASCII nor UTF-8. */
static int
content_header_is_raw(struct span head)
{
	struct header_reader r;
	struct header_field f;
	int raw = 0;

	header_init(&r, head.p, head.len);
	while (header_next(&r, &f))
		raw |= !utf8_is(f.value);
	return raw;
}

/* Writes one field, converted where it must be. 1 then; 0; -1. */
static int
content_header_add_field(struct buf *out, const struct header_field *f,
    const char *charset, struct error *err)
{
	size_t before = out->len;
	int result;

	buf_add(out, f->whole.p, (size_t)(f->value.p - f->whole.p));
	result = content_charset_convert(f->value, charset, out, err);
	if (result == 0) {
		out->len = before;
		buf_add(out, f->whole.p, f->whole.len);
	} else if (result == 1)
		buf_add(out, span_end(f->value),
		    (size_t)(span_end(f->whole) - span_end(f->value)));
	return result;
}

/* Replaces all from the first field that changes to the last, as one edit. */
static int
content_header_convert(struct edits *edits, struct span head,
    const char *charset, struct error *err)
{
	const char *from = NULL, *to = NULL;
	struct header_reader r;
	struct header_field f;
	size_t keep = 0;
	struct buf out;
	int result = 0;

	buf_init(&out, CONTENT_HEADER_MAX);
	header_init(&r, head.p, head.len);
	while (result != -1 && header_next(&r, &f)) {
		result = content_header_add_field(&out, &f, charset, err);
		if (result == 1) {
			from = from == NULL ? f.whole.p : from;
			to = span_end(f.whole);
			keep = out.len;
		} else if (from == NULL)
			out.len = 0;
	}
	if (result != -1 && out.failed)
		result = edit_refuse(&out, err);
	if (result != -1 && from != NULL)
		result = edit_start(edits, from - head.p, to - from, err);
	if (result != -1 && from != NULL)
		result = edit_write(edits, out.bytes, keep, err);
	buf_free(&out);
	return result == -1 ? -1 : 0;
}

/* Walks the parts for the charset; "" where the message declares none. */
static int
content_header_find_charset(
    struct edits *edits, char charset[CHARSET_NAME_MAX + 1], struct error *err)
{
	struct content c = {.protected = -1};
	struct mime_source source;
	struct mime_reader *r;
	int result;

	if (view_init(&c.view, edits, err) == -1)
		return -1;
	source = view_source(&c.view);
	r = mime_new(&source);
	result = r == NULL ? error_no_memory(err)
			   : content_charsets_find(&c, r, err);
	if (result == 0)
		strcpy(charset, content_charset_of_message(&c));
	mime_free(&r);
	free(c.charsets);
	view_free(&c.view);
	return result;
}

int
content_header(struct edits *edits, int signature_broken, struct error *err)
{
	struct span head = {edits->spool->head, edits->spool->head_len};
	char charset[CHARSET_NAME_MAX + 1];

	if (!edits->spool->found.eight_bit || !content_header_is_raw(head) ||
	    (!signature_broken && content_is_signed(head)))
		return 0;
	if (content_header_find_charset(edits, charset, err) == -1)
		return -1;
	return content_header_convert(edits, head, charset, err);
}
