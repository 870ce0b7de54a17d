/*
 * large_find.c - which parts of a message may be taken out of it: all that is
 * no text, since many devices name no file, and text that is marked as a file.
 * What is signed, encrypted or inside an attached message stays, since it would
 * not be what it was, and so does the part that a multipart/related is about.
 */
#include <errno.h>
#include <stdlib.h>

#include "lib/mail/param.h"
#include "large_private.h"

/* A boundary line with blanks at its end may be longer; then we pass. */
#define LINE_BACK_MAX 1024

/* In a bounce; the reason behind it must fit as well. */
#define NAME_SHOWN_MAX 120

struct level {
	long number; /* of the multipart */
	unsigned long parts;
	int found; /* some of them may be taken out */
	int plain; /* nothing that it is in, nor it, must stay whole */
	int takes; /* parts may be taken out of it */
	int related;
	char root[LARGE_TEXT_MAX]; /* Content-ID of its root, or "" */
};

struct walk {
	struct view *view;
	struct large *large;
	struct large_rest *rest;
	struct level levels[MIME_DEPTH_MAX];
	long multiparts;
	size_t smallest; /* index; only where the list is full */
};

/* --- what may be taken --- */

static int
large_find_is_attachment(
    const struct mime_part *part, const struct large_part *found)
{
	return strcmp(part->type, "text") != 0 || found->name[0] != '\0' ||
	    mime_disposition_is(part, "attachment");
}

/*
 * RFC 2387 section 3.2: the part that start names, else the first. Not all
 * readers know of start, so where it names another, both stay.
 */
static int
large_find_is_root(const struct mime_part *part, const struct level *in)
{
	if (in == NULL || !in->related)
		return 0;
	return in->parts == 1 ||
	    (in->root[0] != '\0' && part->content_id.len == strlen(in->root) &&
		memcmp(part->content_id.p, in->root, part->content_id.len) ==
		    0);
}

/* NULL, or why a part must stay. */
static const char *
large_find_why_not(const struct mime_part *part, const struct level *in,
    const struct large_part *found)
{
	if (part->inside & MIME_IN_SIGNED)
		return "is signed";
	if ((part->inside & MIME_IN_ENCRYPTED) || mime_is_pkcs7(part))
		return "is encrypted or signed";
	if (part->inside & MIME_IN_MESSAGE)
		return "is part of an attached message";
	if (part->opaque || part->encoding == MIME_OTHER ||
	    strcmp(part->type, "message") == 0 ||
	    strcmp(part->type, "multipart") == 0)
		return "cannot be taken apart";
	if (large_find_is_root(part, in))
		return "is what the other parts of a multipart/related belong "
		       "to";
	if (!large_find_is_attachment(part, found))
		return "is text of the message and no attachment";
	if (in != NULL && !in->takes)
		return "is part of something that must stay whole";
	return NULL;
}

/* --- where it stands --- */

static int
large_find_is_line_end(char c)
{
	return c == '\r' || c == '\n';
}

static int
large_find_cannot_read(ssize_t n, struct error *err)
{
	return error_set(err, ERROR_TEMPORARY, "4.3.0",
	    "cannot read the message again: %s",
	    n == 0 ? "it has become shorter" : strerror(errno));
}

/* 1 with the byte at this place, 0 where there is none; -1. */
static int
large_find_read_byte(
    struct view *view, long long at, char *c, struct error *err)
{
	ssize_t n = at < 0 ? 0 : view_read(view, c, 1, at);

	return n == -1 ? large_find_cannot_read(n, err) : (int)n;
}

/*
 * Finds the start of the line that ends where the header starts, which is a
 * boundary line; -1 there when it is out of sight.
 */
static int
large_find_line_before(
    struct view *view, long long header, long long *start, struct error *err)
{
	char back[LINE_BACK_MAX] = {0};
	long long from = header > LINE_BACK_MAX ? header - LINE_BACK_MAX : 0;
	size_t len = 0, want = (size_t)(header - from);
	ssize_t n;

	while (len < want) {
		n = view_read(
		    view, back + len, want - len, from + (long long)len);
		if (n <= 0)
			return large_find_cannot_read(n, err);
		len += (size_t)n;
	}
	if (len > 0 && back[len - 1] == '\n')
		len--;
	if (len > 0 && back[len - 1] == '\r')
		len--;
	while (len > 0 && !large_find_is_line_end(back[len - 1]))
		len--;
	*start = len == 0 && from > 0 ? -1 : from + (long long)len;
	return 0;
}

/* Passes the line end at this place, if there is one. */
static int
large_find_pass_line_end(struct view *view, long long *at, struct error *err)
{
	char c[2];
	int n = large_find_read_byte(view, *at, &c[0], err);

	if (n < 1 || !large_find_is_line_end(c[0]))
		return n;
	++*at;
	if (c[0] == '\n')
		return n;
	n = large_find_read_byte(view, *at, &c[1], err);
	if (n == 1 && c[1] == '\n')
		++*at;
	return n;
}

long long
large_back_line_end(struct view *view, long long at, struct error *err)
{
	char c[2];
	int n = large_find_read_byte(view, at - 1, &c[0], err);

	if (n == -1)
		return -1;
	if (n == 0 || !large_find_is_line_end(c[0]))
		return at;
	at--;
	if (c[0] == '\r')
		return at;
	n = large_find_read_byte(view, at - 1, &c[1], err);
	if (n == 1 && c[1] == '\r')
		at--;
	return n == -1 ? -1 : at;
}

/* Leaves whole.from at -1 where the part cannot be taken out. */
static int
large_find_place(struct walk *w, struct large_part *found, struct error *err)
{
	if (found->container == -1)
		return 0;
	found->whole.to = found->body.to;
	if (large_find_line_before(
		w->view, found->header.from, &found->whole.from, err) == -1)
		return -1;
	return large_find_pass_line_end(w->view, &found->whole.to, err) == -1
	    ? -1
	    : 0;
}

/* --- the list --- */

static long long
large_find_length(const struct large_part *p)
{
	return p->body.to - p->body.from;
}

static void
large_find_smallest(struct walk *w)
{
	size_t i;

	for (i = 0; i < w->large->count; i++)
		if (large_find_length(&w->large->list[i]) <
		    large_find_length(&w->large->list[w->smallest]))
			w->smallest = i;
}

/* Into the list, or into the place of the smallest one there. */
static void
large_find_add(struct walk *w, const struct large_part *found)
{
	struct large *large = w->large;

	if (large->count < LARGE_PARTS_MAX) {
		large->list[large->count++] = *found;
		if (large->count == LARGE_PARTS_MAX)
			large_find_smallest(w);
	} else if (large_find_length(found) >
	    large_find_length(&large->list[w->smallest])) {
		w->rest->too_many +=
		    large_find_length(&large->list[w->smallest]);
		large->list[w->smallest] = *found;
		large_find_smallest(w);
	} else
		w->rest->too_many += large_find_length(found);
}

void
large_stays(struct large_rest *rest, const struct large_part *p,
    const char *type, const char *why)
{
	char name[NAME_SHOWN_MAX];

	if (large_find_length(p) <= rest->len)
		return;
	rest->len = large_find_length(p);
	rest->why = why;
	mime_name_fit(name, sizeof(name),
	    span_between(p->name, p->name + strlen(p->name)));
	if (name[0] != '\0')
		snprintf(
		    rest->what, sizeof(rest->what), "\"%s\" (%s)", name, type);
	else
		snprintf(rest->what, sizeof(rest->what), "%s", type);
}

/* --- the walk --- */

static int
large_find_see_leaf(
    struct walk *w, const struct mime_part *part, struct error *err)
{
	struct level *in = part->depth > 0 ? &w->levels[part->depth - 1] : NULL;
	struct large_part found = {.container = in == NULL ? -1 : in->number,
	    .header = part->header,
	    .body = part->body,
	    .encoding = part->encoding};
	char type[2 * MIME_TYPE_MAX];
	const char *why;

	if (in != NULL)
		in->parts++;
	if (large_describe(part, in != NULL && in->related, &found, err) == -1)
		return -1;
	why = large_find_why_not(part, in, &found);
	if (why == NULL && large_find_length(&found) < LARGE_PART_MIN)
		why = "is one of very many small parts";
	if (why == NULL && large_find_place(w, &found, err) == -1)
		return -1;
	if (why == NULL && found.whole.from == -1)
		why = "cannot be taken apart";
	if (why != NULL) {
		snprintf(
		    type, sizeof(type), "%s/%s", part->type, part->subtype);
		large_stays(w->rest, &found, type, why);
		return 0;
	}
	if (in != NULL)
		in->found = 1;
	large_find_add(w, &found);
	return 0;
}

/* With <> around it or without. */
static void
large_find_root(const struct mime_part *part, char root[LARGE_TEXT_MAX])
{
	char text[LARGE_TEXT_MAX];
	int len = param_find(
	    part->content_type, "start", 0, text, sizeof(text), NULL);
	int angles = len >= 2 && text[0] == '<' && text[len - 1] == '>';

	if (len > 0)
		snprintf(root, LARGE_TEXT_MAX, "%.*s", angles ? len - 2 : len,
		    text + angles);
}

/*
 * Parts of these hang together. Any other, known or not, is as good as mixed
 * (RFC 2046 section 5.1.3).
 */
static int
large_find_is_whole(const struct mime_part *part)
{
	static const char *const subtypes[] = {
	    "signed", "encrypted", "report", "digest"};
	size_t i;

	for (i = 0; i < sizeof(subtypes) / sizeof(subtypes[0]); i++)
		if (mime_is(part, "multipart", subtypes[i]))
			return 1;
	return part->kind != MIME_KIND_MULTIPART;
}

static void
large_find_open_level(struct walk *w, const struct mime_part *part)
{
	struct level *l = &w->levels[part->depth];
	struct level *in = part->depth > 0 ? l - 1 : NULL;

	if (in != NULL)
		in->parts++;
	memset(l, 0, sizeof(*l));
	l->number = w->multiparts++;
	l->related = mime_is(part, "multipart", "related");
	l->plain = !large_find_is_whole(part) && (in == NULL || in->plain);
	l->takes = l->plain && !mime_is(part, "multipart", "alternative");
	if (l->related)
		large_find_root(part, l->root);
}

static void
large_find_close_level(struct walk *w, const struct mime_part *part)
{
	const struct level *l = &w->levels[part->depth];
	size_t i;

	for (i = 0; l->found && i < w->large->count; i++)
		if (w->large->list[i].container == l->number)
			w->large->list[i].siblings = l->parts;
}

static int
large_find_walk(struct walk *w, struct mime_reader *r, struct error *err)
{
	struct mime_part part;

	for (;;) {
		switch (mime_next(r, &part, err)) {
		case MIME_LEAF:
			if (large_find_see_leaf(w, &part, err) == -1)
				return -1;
			break;
		case MIME_OPEN:
			large_find_open_level(w, &part);
			break;
		case MIME_CLOSE:
			large_find_close_level(w, &part);
			break;
		case MIME_END:
			return 0;
		case MIME_ERROR:
			return -1;
		}
	}
}

static int
large_find_by_place(const void *a, const void *b)
{
	const struct large_part *pa = a, *pb = b;

	return pa->header.from < pb->header.from ? -1 : 1;
}

int
large_find(struct view *view, struct large *large, struct large_rest *rest,
    struct error *err)
{
	struct mime_source source = view_source(view);
	struct walk *w = calloc(1, sizeof(*w));
	struct mime_reader *r = mime_new(&source);
	int result;

	memset(rest, 0, sizeof(*rest));
	large->list = calloc(LARGE_PARTS_MAX, sizeof(*large->list));
	if (w == NULL || r == NULL || large->list == NULL) {
		result = error_no_memory(err);
	} else {
		w->view = view;
		w->large = large;
		w->rest = rest;
		result = large_find_walk(w, r, err);
		qsort(large->list, large->count, sizeof(*large->list),
		    large_find_by_place);
	}
	mime_free(&r);
	free(w);
	return result;
}
