/*
 * mime_head.c - the MIME fields of one part. See mime_head.h.
 *
 * Pure functions over bytes, for any thread. Of a field that stands twice the
 * first one counts, as in Python's email; in GMime it is the last.
 */
#include <stdio.h>

#include "lib/base/printable.h"
#include "mime_head.h"
#include "param.h"

static void
mime_head_set_type(
    struct mime_part *part, const char *type, const char *subtype)
{
	strcpy(part->type, type);
	strcpy(part->subtype, subtype);
}

/* 0; -1 when it is too long to be a type. */
static int
mime_head_copy_lower(char to[MIME_TYPE_MAX], struct span from)
{
	size_t i;

	if (from.len >= MIME_TYPE_MAX)
		return -1;
	for (i = 0; i < from.len; i++)
		to[i] = from.p[i] >= 'A' && from.p[i] <= 'Z'
		    ? (char)(from.p[i] | 0x20)
		    : from.p[i];
	to[i] = '\0';
	return 0;
}

/* A value of this length names a charset before whatever else is in it. */
#define CHARSET_TEXT_MAX 256

static void
mime_head_read_charset(struct mime_part *part)
{
	char text[CHARSET_TEXT_MAX];
	struct span name;
	int len;

	len = param_find(
	    part->content_type, "charset", 0, text, sizeof(text), NULL);
	if (len == -1)
		return;
	name = charset_name_in(span_between(text, text + len));
	if (name.len <= CHARSET_NAME_MAX)
		snprintf(part->charset, sizeof(part->charset), "%.*s",
		    (int)name.len, name.p);
}

static void
mime_head_read_type(struct mime_part *part, int in_digest)
{
	struct span type, subtype;

	if (part->content_type.p == NULL) {
		if (in_digest)
			mime_head_set_type(part, "message", "rfc822");
		else
			mime_head_set_type(part, "text", "plain");
		return;
	}
	if (param_type(part->content_type, &type, &subtype) == 0 &&
	    mime_head_copy_lower(part->type, type) == 0 &&
	    mime_head_copy_lower(part->subtype, subtype) == 0)
		part->type_read = 1;
	else
		mime_head_set_type(part, "text", "plain");
	mime_head_read_charset(part);
}

/* RFC 2045 section 5.1. */
static int
mime_head_is_token(struct span word)
{
	size_t i;

	for (i = 0; i < word.len; i++)
		if (!printable_is_visible(word.p[i]) ||
		    strchr("()<>@,;:\\\"/[]?=", word.p[i]) != NULL)
			return 0;
	return word.len > 0;
}

/* The first word of the field; people write 8-bit as well as 8bit. */
static void
mime_head_read_encoding(struct mime_part *part, struct span value)
{
	static const struct {
		const char *name;
		enum mime_encoding encoding;
	} names[] = {
	    {"7bit", MIME_7BIT},
	    {"7-bit", MIME_7BIT},
	    {"8bit", MIME_8BIT},
	    {"8-bit", MIME_8BIT},
	    {"binary", MIME_BINARY},
	    {"quoted-printable", MIME_QUOTED_PRINTABLE},
	    {"base64", MIME_BASE64},
	};
	size_t i;

	part->encoding = MIME_UNDECLARED;
	if (span_trim(value).len == 0)
		return;
	part->encoding = MIME_OTHER;
	value = param_word(value);
	if (!mime_head_is_token(value))
		return;
	part->encoding_name = value;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (span_is(part->encoding_name, names[i].name))
			part->encoding = names[i].encoding;
}

static struct span
mime_head_without_angles(struct span id)
{
	id = span_trim(id);
	if (id.len >= 2 && id.p[0] == '<' && id.p[id.len - 1] == '>')
		id = span_between(id.p + 1, span_end(id) - 1);
	return id;
}

static void
mime_head_read_fields(struct mime_part *part)
{
	struct header_reader r;
	struct header_field f;
	int encodings = 0;

	header_init(&r, part->fields.p, part->fields.len);
	while (header_next(&r, &f)) {
		if (f.name.len < strlen("Content-ID") ||
		    (f.name.p[0] | 0x20) != 'c')
			continue;
		if (span_is(f.name, "Content-Type")) {
			if (part->content_type.p == NULL)
				part->content_type = f.value;
		} else if (span_is(f.name, "Content-Disposition")) {
			if (part->disposition.p == NULL)
				part->disposition = f.value;
		} else if (span_is(f.name, "Content-ID")) {
			if (part->content_id.p == NULL)
				part->content_id =
				    mime_head_without_angles(f.value);
		} else if (span_is(f.name, "Content-Transfer-Encoding")) {
			if (encodings++ == 0)
				mime_head_read_encoding(part, f.value);
		}
	}
}

/* 0; -1 when there is none that could be found in the text. */
static int
mime_head_read_boundary(const struct mime_part *part, struct mime_boundary *b)
{
	int len = param_find(
	    part->content_type, "boundary", 0, b->text, sizeof(b->text), NULL);

	while (len > 0 && span_is_space(b->text[len - 1]))
		len--;
	b->len = len > 0 ? (size_t)len : 0;
	return b->len > 0 ? 0 : -1;
}

static int
mime_head_is_identity(const struct mime_part *part)
{
	return part->encoding <= MIME_BINARY;
}

void
mime_head(struct mime_part *part, int in_digest, struct mime_boundary *boundary)
{
	mime_head_read_fields(part);
	mime_head_read_type(part, in_digest);
	part->kind = MIME_KIND_LEAF;
	if (strcmp(part->type, "multipart") == 0) {
		if (mime_head_read_boundary(part, boundary) == 0)
			part->kind = MIME_KIND_MULTIPART;
		else
			part->opaque = 1;
	} else if (mime_is(part, "message", "rfc822")) {
		if (mime_head_is_identity(part))
			part->kind = MIME_KIND_MESSAGE;
		else
			part->opaque = 1;
	}
}

int
mime_is(const struct mime_part *part, const char *type, const char *subtype)
{
	return strcmp(part->type, type) == 0 &&
	    (subtype == NULL || strcmp(part->subtype, subtype) == 0);
}

int
mime_is_pkcs7(const struct mime_part *part)
{
	return mime_is(part, "application", "pkcs7-mime") ||
	    mime_is(part, "application", "x-pkcs7-mime");
}

int
mime_disposition_is(const struct mime_part *part, const char *disposition)
{
	return part->disposition.len > 0 &&
	    span_is(param_word(part->disposition), disposition);
}
