/*
 * content_charset.c - the charset of 8-bit bytes in the fields of a part: its
 * own, where it declares one that has such bytes, else that of the message it
 * stands in.
 *
 * A message's charset is what its header declares, or the first of its parts
 * that declares one, up to the first text. That text comes after the header, so
 * the message is walked twice: the first walk notes what it finds, by the
 * number of the message among all that stand in this one. A message inside a
 * message neither gives its charset to the outer one nor takes it.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/utf8.h"
#include "content_private.h"

/* Of more messages than these the others have none. */
#define MESSAGES_MAX 1024

struct charsets {
	struct {
		char name[CHARSET_NAME_MAX + 1];
		int settled;
	} messages[MESSAGES_MAX];
	size_t count; /* of messages that the walk has seen */
	/* by depth: the number of the message that a part stands in */
	size_t number[MIME_DEPTH_MAX + 1];
};

/* A message's header is part of what is in it. */
static size_t
content_charset_number_of(struct charsets *all, const struct mime_part *part)
{
	size_t *number = &all->number[part->depth];

	*number = part->is_message ? all->count++ : number[-1];
	return *number;
}

static void
content_charset_note(struct charsets *all, const struct mime_part *part)
{
	struct span own =
	    span_between(part->charset, part->charset + strlen(part->charset));
	size_t number = content_charset_number_of(all, part);

	if (number >= MESSAGES_MAX || all->messages[number].settled)
		return;
	strcpy(all->messages[number].name, part->charset);
	all->messages[number].settled =
	    charset_kind(own) > CHARSET_ASCII || mime_is(part, "text", NULL);
}

int
content_charsets_find(
    struct content *c, struct mime_reader *r, struct error *err)
{
	struct mime_part part;
	enum mime_event event;

	c->charsets = calloc(1, sizeof(*c->charsets));
	if (c->charsets == NULL)
		return error_no_memory(err);
	while ((event = mime_next(r, &part, err)) > MIME_END)
		if (event != MIME_CLOSE)
			content_charset_note(c->charsets, &part);
	c->charsets->count = 0;
	return event == MIME_ERROR ? -1 : 0;
}

void
content_charset_enter(struct content *c, const struct mime_part *part)
{
	struct span own =
	    span_between(part->charset, part->charset + strlen(part->charset));
	size_t number;

	c->charset = part->charset;
	if (c->charsets == NULL)
		return;
	number = content_charset_number_of(c->charsets, part);
	if (charset_kind(own) > CHARSET_ASCII)
		return;
	c->charset =
	    number < MESSAGES_MAX ? c->charsets->messages[number].name : "";
}

const char *
content_charset_of_message(const struct content *c)
{
	return c->charsets->messages[0].name;
}

int
content_charset_convert(
    struct span value, const char *charset, struct buf *utf8, struct error *err)
{
	struct span name = span_between(charset, charset + strlen(charset));

	if (charset_kind(name) <= CHARSET_SINGLE || utf8_is(value))
		return 0;
	return charset_convert(name, value, utf8, err);
}
