/*
 * large_describe.c - what a part that is taken out is called: the words that
 * Graph wants for an attachment, made of the part's header.
 */
#include <stdio.h>

#include "lib/base/printable.h"
#include "lib/mail/charset.h"
#include "large_private.h"

/* What a file without a name is called, by its type. */
static const struct {
	const char *type, *name;
} names[] = {
    {"application/json", "attachment.json"},
    {"application/pdf", "attachment.pdf"},
    {"application/postscript", "attachment.ps"},
    {"application/xml", "attachment.xml"},
    {"application/zip", "attachment.zip"},
    {"audio/mpeg", "audio.mp3"},
    {"audio/wav", "audio.wav"},
    {"audio/x-wav", "audio.wav"},
    {"image/bmp", "image.bmp"},
    {"image/gif", "image.gif"},
    {"image/jpeg", "image.jpg"},
    {"image/png", "image.png"},
    {"image/tiff", "image.tif"},
    {"text/calendar", "attachment.ics"},
    {"text/csv", "attachment.csv"},
    {"text/html", "attachment.html"},
    {"text/plain", "attachment.txt"},
    {"text/xml", "attachment.xml"},
    {"video/mp4", "video.mp4"},
};

/* The charset that a text is in, where it is known, for Graph; else NULL. */
static const char *
large_describe_charset(const struct mime_part *part)
{
	enum charset_kind kind = charset_kind(
	    span_between(part->charset, part->charset + strlen(part->charset)));

	if (strcmp(part->type, "text") != 0 || kind == CHARSET_UNKNOWN)
		return NULL;
	return kind == CHARSET_ASCII ? "us-ascii" : part->charset;
}

static void
large_describe_type(const struct mime_part *part, struct large_part *found)
{
	const char *charset = large_describe_charset(part);

	/* text/plain by default, but a file is none for that */
	if (!part->type_read)
		snprintf(found->type, sizeof(found->type),
		    "application/octet-stream");
	else if (charset != NULL)
		snprintf(found->type, sizeof(found->type),
		    "text/%s; charset=%s", part->subtype, charset);
	else
		snprintf(found->type, sizeof(found->type), "%s/%s", part->type,
		    part->subtype);
}

/* Visible ASCII that is whole: anything else would name another part. */
static void
large_describe_id(const struct mime_part *part, struct large_part *found)
{
	struct span id = part->content_id;
	size_t i;

	if (id.len >= sizeof(found->id))
		return;
	for (i = 0; i < id.len; i++)
		if (!printable_is_visible(id.p[i]))
			return;
	if (id.len > 0)
		memcpy(found->id, id.p, id.len);
}

int
large_describe(const struct mime_part *part, int in_related,
    struct large_part *found, struct error *err)
{
	large_describe_type(part, found);
	large_describe_id(part, found);
	if (mime_filename(part, found->name, sizeof(found->name), err) == -1)
		return -1;
	/*
	 * Elsewhere "inline" is only how some programs mark a file that may be
	 * shown at once; Exchange's flag hides it from the list of files.
	 */
	found->is_inline = in_related && found->id[0] != '\0' &&
	    !mime_disposition_is(part, "attachment");
	return 0;
}

void
large_name(struct large_part *found)
{
	size_t i, len = strcspn(found->type, ";");

	if (found->name[0] != '\0')
		return;
	snprintf(found->name, sizeof(found->name), "attachment.bin");
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i].type) == len &&
		    memcmp(names[i].type, found->type, len) == 0)
			snprintf(found->name, sizeof(found->name), "%s",
			    names[i].name);
}
