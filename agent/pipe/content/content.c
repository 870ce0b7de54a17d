/*
 * content.c - walks the parts of a message and has each edited as it needs.
 *
 * Edits are made in the order of the bytes: what lies between parts, then a
 * part's fields, then its body. Nothing inside multipart/signed,
 * multipart/encrypted or a message with a DKIM-Signature that still fits is
 * touched, since the signature covers the bytes as they are; S/MIME's
 * application/pkcs7-mime is a leaf, and content_plan() leaves it.
 */
#include <stdlib.h>
#include <string.h>

#include "content_private.h"

int
content_start(
    struct content *c, long long from, long long len, struct error *err)
{
	return edit_start_near(&c->edits, from, len, view_read, &c->view, err);
}

/* --- parts --- */

int
content_is_signed(struct span fields)
{
	struct header_reader r;
	struct header_field f;

	header_init(&r, fields.p, fields.len);
	while (header_next(&r, &f))
		if (span_is(f.name, "DKIM-Signature"))
			return 1;
	return 0;
}

static int
content_is_signed_message(const struct content *c, const struct mime_part *part)
{
	return part->is_message &&
	    !(part->depth == 0 && c->rules->signature_broken) &&
	    content_is_signed(part->fields);
}

static int
content_is_protected(const struct mime_part *part)
{
	return mime_is(part, "multipart", "signed") ||
	    mime_is(part, "multipart", "encrypted");
}

static int
content_leaf(struct content *c, const struct mime_part *part, struct error *err)
{
	struct body_plan plan;

	if (content_plan(c, part, &plan, err) == -1 ||
	    content_head(c, part, &plan, err) == -1 ||
	    content_line_ends(c, part->body.from, err) == -1)
		return -1;
	c->done = part->body.to;
	if (!plan.change)
		return 0;
	return content_transform(c, part->body, plan.transform, err);
}

/* A message in it may get fields, which must not become its own. */
static int
content_container(
    struct content *c, const struct mime_part *part, struct error *err)
{
	struct body_plan plan = {.change = part->kind == MIME_KIND_MESSAGE};

	if (content_head(c, part, &plan, err) == -1)
		return -1;
	if (!content_is_protected(part))
		return 0;
	c->protected = part->depth;
	return content_line_ends(c, part->body.from, err);
}

/* A part that nothing in it may be changed of, its header included. */
static void
content_protect(
    struct content *c, const struct mime_part *part, enum mime_event event)
{
	if (event == MIME_OPEN)
		c->protected = part->depth;
	else
		c->done = part->body.to;
}

static int
content_take_part(struct content *c, const struct mime_part *part,
    enum mime_event event, struct error *err)
{
	if (c->protected != -1) {
		if (event == MIME_CLOSE && part->depth == c->protected) {
			c->protected = -1;
			c->done = part->body.to;
		}
		return 0;
	}
	if (event == MIME_CLOSE)
		return 0;
	if (content_line_ends(c, part->header.from, err) == -1)
		return -1;
	if (content_is_signed_message(c, part) ||
	    part->header_end == HEADER_OPEN) {
		content_protect(c, part, event);
		return 0;
	}
	if (event == MIME_LEAF)
		return content_leaf(c, part, err);
	return content_container(c, part, err);
}

/* Reads the next part, with the charset that its fields are in. */
static enum mime_event
content_next_part(struct content *c, struct mime_reader *r,
    struct mime_part *part, struct error *err)
{
	enum mime_event event = mime_next(r, part, err);

	if (event > MIME_END && event != MIME_CLOSE)
		content_charset_enter(c, part);
	return event;
}

/* The first part is the message itself, whose header tells whether to go on. */
static int
content_walk(struct content *c, struct mime_reader *r, struct error *err)
{
	struct mime_part part;
	enum mime_event event;

	event = content_next_part(c, r, &part, err);
	if (event == MIME_ERROR)
		return -1;
	if (!scan_found(&c->found) || content_is_signed_message(c, &part))
		return content_head_client(c, &part, err);
	while (event > MIME_END) {
		if (content_take_part(c, &part, event, err) == -1)
			return -1;
		event = content_next_part(c, r, &part, err);
	}
	if (event == MIME_ERROR)
		return -1;
	return content_line_ends(c, c->view.spool.raw, err);
}

static int
content_with_reader(struct content *c,
    int (*work)(struct content *, struct mime_reader *, struct error *),
    struct error *err)
{
	struct mime_source source = view_source(&c->view);
	struct mime_reader *r = mime_new(&source);
	int result;

	if (r == NULL)
		return error_no_memory(err);
	result = work(c, r, err);
	mime_free(&r);
	return result;
}

int
content_edit(struct edits *edits, const struct scan *found,
    const struct content_rules *rules, struct error *err)
{
	struct content c = {.rules = rules, .found = *found, .protected = -1};
	int result;

	if (found->nul)
		return error_set(err, ERROR_PERMANENT, "5.6.0",
		    "the message holds a NUL byte, which mail cannot carry");
	if (!scan_found(found) && !rules->hide_client)
		return 0;
	result = view_init(&c.view, edits, err);
	edits_init(&c.edits, &c.view.spool);
	if (result == 0 && found->eight_bit)
		result = content_with_reader(&c, content_charsets_find, err);
	if (result == 0)
		result = content_with_reader(&c, content_walk, err);
	if (result == 0 && c.edits.count > 0)
		view_apply(&c.view, &c.edits);
	free(c.charsets);
	edits_free(&c.edits);
	view_free(&c.view);
	return result;
}
