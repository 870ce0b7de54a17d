/*
 * mime.c - the MIME structure of a message. See mime.h.
 *
 * A loop over a stack of open containers, so that the depth of hostile nesting
 * costs no stack of the process. The message is seen through a window of WINDOW
 * bytes. In bodies only "--" at the start of a line is of interest: the search
 * goes from one '-' to the next, and each line that starts so is compared with
 * the boundaries that are open, MIME_DEPTH_MAX at most. So the time is in
 * proportion to the message.
 */
#include <errno.h>
#include <stdlib.h>

#include "mime_head.h"

#define WINDOW (64 * 1024)

enum state {
	AT_PART, /* the header of a part starts here */
	AT_TEXT, /* what comes before the first part and after the last */
	AT_BOUNDARY, /* the line in reader->line was found */
	AT_END
};

struct level {
	enum mime_kind kind;
	unsigned int inside; /* for what is in it */
	int digest;
	int ended; /* "--boundary--" was there */
	struct mime_range header;
	long long body_from;
	struct mime_boundary boundary; /* len 0 for a message */
};

struct line {
	long long before; /* where the text before it ends */
	long long after; /* the line after it */
	int level; /* whose boundary it is */
	int ending; /* it is "--boundary--" */
};

struct mime_reader {
	struct mime_source source;
	enum state state;
	long long at; /* what is read next */
	struct line line;
	int count; /* of levels that are open */
	struct level levels[MIME_DEPTH_MAX];
	struct buf header; /* of the part read last */
	int failed; /* errno of the source */
	long long window_at;
	size_t window_len;
	char window[WINDOW];
};

struct mime_reader *
mime_new(const struct mime_source *source)
{
	struct mime_reader *r = malloc(sizeof(*r));

	if (r == NULL)
		return NULL;
	r->source = *source;
	r->state = AT_PART;
	r->at = 0;
	r->count = 0;
	r->failed = 0;
	r->window_len = 0;
	r->window_at = 0;
	buf_init(&r->header, MIME_HEADER_MAX);
	return r;
}

void
mime_free(struct mime_reader **rp)
{
	if (*rp == NULL)
		return;
	buf_free(&(*rp)->header);
	free(*rp);
	*rp = NULL;
}

/* --- the window --- */

static void
mime_fill(struct mime_reader *r, long long at)
{
	long long rest = r->source.size - at;
	size_t want = rest < WINDOW ? (size_t)rest : WINDOW;
	ssize_t n;

	r->window_at = at;
	r->window_len = 0;
	while (r->window_len < want && !r->failed) {
		n = r->source.read(r->source.context, r->window + r->window_len,
		    want - r->window_len, at + (long long)r->window_len);
		if (n > 0)
			r->window_len += (size_t)n;
		else
			r->failed = n == 0 ? EIO : errno;
	}
}

/*
 * The bytes at this place, at least want of them where the message is that
 * long; *len says how many there are.
 */
static const char *
mime_peek(struct mime_reader *r, long long at, size_t want, size_t *len)
{
	long long end = r->window_at + (long long)r->window_len;

	if (at < r->window_at || at > end ||
	    (end - at < (long long)want && end < r->source.size))
		mime_fill(r, at);
	*len = r->window_len - (size_t)(at - r->window_at);
	return r->window + (at - r->window_at);
}

/* Length of the line end at p: 0 where there is none. */
static size_t
mime_line_end(const char *p, size_t len)
{
	if (len == 0 || (*p != '\r' && *p != '\n'))
		return 0;
	return *p == '\r' && len > 1 && p[1] == '\n' ? 2 : 1;
}

/* --- boundary lines --- */

static int
mime_match(struct mime_reader *r, const char *text, size_t len)
{
	const struct mime_boundary *b;
	int i;

	for (i = r->count - 1; i >= 0; i--) {
		b = &r->levels[i].boundary;
		if (b->len == 0 || r->levels[i].ended ||
		    (b->len != len && b->len + 2 != len) ||
		    memcmp(b->text, text, b->len) != 0)
			continue;
		if (b->len != len && memcmp(text + b->len, "--", 2) != 0)
			continue;
		r->line.level = i;
		r->line.ending = b->len != len;
		return 1;
	}
	return 0;
}

/* From at on: nothing but blanks up to a line end, which is passed. */
static int
mime_blank_to_end(struct mime_reader *r, long long at)
{
	const char *p;
	size_t i, len;

	for (;; at += (long long)len) {
		p = mime_peek(r, at, 2, &len);
		for (i = 0; i < len && (p[i] == ' ' || p[i] == '\t');)
			i++;
		if (i < len || len == 0)
			break;
	}
	at += (long long)i;
	p = mime_peek(r, at, 2, &len);
	if (len > 0 && mime_line_end(p, len) == 0)
		return 0;
	r->line.after = at + (long long)mime_line_end(p, len);
	return 1;
}

/* Whether the line that starts here is a boundary line; r->line says which. */
static int
mime_is_boundary(struct mime_reader *r, long long at)
{
	char text[MIME_BOUNDARY_MAX + 2];
	size_t i, len, trimmed = 0;
	const char *p;

	p = mime_peek(r, at, 2 + sizeof(text), &len);
	if (len < 3 || p[0] != '-' || p[1] != '-')
		return 0;
	for (i = 0; i < sizeof(text) && i + 2 < len; i++) {
		text[i] = p[i + 2];
		if (text[i] == '\r' || text[i] == '\n')
			break;
		if (text[i] != ' ' && text[i] != '\t')
			trimmed = i + 1;
	}
	return trimmed > 0 && mime_match(r, text, trimmed) &&
	    mime_blank_to_end(r, at + 2 + (long long)trimmed);
}

/* The next '-' at the start of a line that is in the window, or NULL. */
static const char *
mime_find_dash(const char *p, const char *limit, int at_start)
{
	const char *dash = p;

	while ((dash = memchr(dash, '-', (size_t)(limit - dash))) != NULL) {
		if (dash == p ? at_start || dash[-1] == '\n' || dash[-1] == '\r'
			      : dash[-1] == '\n' || dash[-1] == '\r')
			return dash;
		if (++dash == limit)
			return NULL;
	}
	return NULL;
}

/*
 * Searches the text that starts here, at the start of a line, for the next
 * boundary line. 1 with r->line set; 0 at the end of the message.
 */
static int
mime_find_boundary(struct mime_reader *r, long long from)
{
	long long at = from;
	const char *p, *dash;
	size_t len, back;

	while (at < r->source.size && r->count > 0 && !r->failed) {
		/* what stands before a '-' must be in the window as well */
		back = at - from < 2 ? (size_t)(at - from) : 2;
		p = mime_peek(r, at - (long long)back, back + 1, &len);
		if (len <= back)
			break;
		dash = mime_find_dash(p + back, p + len, at == from);
		if (dash == NULL) {
			at += (long long)(len - back);
			continue;
		}
		at += dash - (p + back);
		back = dash - p < 2 ? (size_t)(dash - p) : 2;
		if (back == 2 && (dash[-2] != '\r' || dash[-1] != '\n'))
			back = 1;
		r->line.before = at - (long long)back;
		if (mime_is_boundary(r, at))
			return 1;
		at++;
	}
	return 0;
}

/* --- headers --- */

/* Whether the line that starts here is a field. */
static int
mime_is_field(struct mime_reader *r, long long at)
{
	enum header_name_state state = HEADER_NAME_GOES_ON;
	struct header_name name = {0, 0};
	const char *p;
	size_t i, len;

	do {
		p = mime_peek(r, at, 1, &len);
		for (i = 0; i < len && state == HEADER_NAME_GOES_ON; i++)
			state = header_name_next(&name, p[i]);
		at += (long long)len;
	} while (len > 0 && state == HEADER_NAME_GOES_ON);
	return state == HEADER_NAME_ENDS;
}

/* Puts the line at *at to the header and passes it. -1 when it is too long. */
static int
mime_take_line(struct mime_reader *r, long long *at)
{
	const char *p, *lf;
	size_t len;

	do {
		p = mime_peek(r, *at, 1, &len);
		lf = len == 0 ? NULL : memchr(p, '\n', len);
		if (lf != NULL)
			len = (size_t)(lf + 1 - p);
		if (len > MIME_HEADER_MAX - r->header.len)
			return -1;
		if (buf_add(&r->header, p, len) == -1) {
			r->failed = ENOMEM;
			return -1;
		}
		*at += (long long)len;
	} while (lf == NULL && len > 0);
	return 0;
}

/*
 * What ends the header at this place, or HEADER_OPEN. Blanks make a line
 * belong to the field before it.
 */
static enum header_end
mime_header_end(struct mime_reader *r, long long at, size_t *empty_line)
{
	const char *p;
	size_t len;

	p = mime_peek(r, at, 2, &len);
	*empty_line = 0;
	if (len == 0)
		return HEADER_INPUT_END;
	if (*p == '\n' || (*p == '\r' && len > 1 && p[1] == '\n')) {
		*empty_line = *p == '\n' ? 1 : 2;
		return HEADER_EMPTY_LINE;
	}
	if (r->header.len > 0 && (*p == ' ' || *p == '\t'))
		return HEADER_OPEN;
	if (!mime_is_field(r, at) || mime_is_boundary(r, at))
		return HEADER_BAD_LINE;
	return HEADER_OPEN;
}

static void
mime_read_header(struct mime_reader *r, struct mime_part *part)
{
	long long at = r->at;
	size_t empty_line;

	r->header.len = 0;
	if (buf_add(&r->header, "", 0) == -1)
		r->failed = ENOMEM;
	while ((part->header_end = mime_header_end(r, at, &empty_line)) ==
	    HEADER_OPEN) {
		if (mime_take_line(r, &at) == -1) {
			part->opaque = 1;
			at = r->at + (long long)r->header.len;
			break;
		}
	}
	part->header.from = r->at;
	part->header.to = at;
	part->body.from = at + (long long)empty_line;
	part->fields.p = r->header.bytes;
	part->fields.len = r->header.len;
}

/* --- parts --- */

static void
mime_push(struct mime_reader *r, const struct mime_part *part,
    const struct mime_boundary *boundary)
{
	struct level *l = &r->levels[r->count++];

	l->kind = part->kind;
	l->inside = part->inside;
	if (part->kind == MIME_KIND_MESSAGE)
		l->inside |= MIME_IN_MESSAGE;
	else if (strcmp(part->subtype, "signed") == 0)
		l->inside |= MIME_IN_SIGNED;
	else if (strcmp(part->subtype, "encrypted") == 0)
		l->inside |= MIME_IN_ENCRYPTED;
	l->digest = part->kind == MIME_KIND_MULTIPART &&
	    strcmp(part->subtype, "digest") == 0;
	l->ended = 0;
	l->header = part->header;
	l->body_from = part->body.from;
	l->boundary.len = 0;
	if (part->kind == MIME_KIND_MULTIPART)
		l->boundary = *boundary;
}

static enum mime_event
mime_read_part(struct mime_reader *r, struct mime_part *part)
{
	const struct level *parent =
	    r->count > 0 ? &r->levels[r->count - 1] : NULL;
	struct mime_boundary boundary;

	part->depth = r->count;
	part->inside = parent != NULL ? parent->inside : 0;
	part->is_message = parent == NULL || parent->kind == MIME_KIND_MESSAGE;
	mime_read_header(r, part);
	mime_head(part, parent != NULL && parent->digest, &boundary);
	if (r->count == MIME_DEPTH_MAX && part->kind != MIME_KIND_LEAF)
		part->opaque = 1;
	if (part->opaque)
		part->kind = MIME_KIND_LEAF;
	r->at = part->body.from;
	if (part->kind != MIME_KIND_LEAF) {
		mime_push(r, part, &boundary);
		r->state =
		    part->kind == MIME_KIND_MULTIPART ? AT_TEXT : AT_PART;
		return MIME_OPEN;
	}
	r->state = mime_find_boundary(r, r->at) ? AT_BOUNDARY : AT_END;
	part->body.to =
	    r->state == AT_BOUNDARY ? r->line.before : r->source.size;
	return MIME_LEAF;
}

/* Takes the innermost container off; it ends here. */
static enum mime_event
mime_close_level(struct mime_reader *r, struct mime_part *part, long long end)
{
	const struct level *l = &r->levels[--r->count];

	part->depth = r->count;
	part->kind = l->kind;
	part->header = l->header;
	part->body.from = l->body_from;
	part->body.to = end;
	return MIME_CLOSE;
}

static void
mime_pass_boundary(struct mime_reader *r)
{
	r->at = r->line.after;
	r->state = r->line.ending ? AT_TEXT : AT_PART;
	if (r->line.ending)
		r->levels[r->line.level].ended = 1;
}

static enum mime_event
mime_step(struct mime_reader *r, struct mime_part *part)
{
	for (;;) {
		switch (r->state) {
		case AT_PART:
			return mime_read_part(r, part);
		case AT_TEXT:
			r->state =
			    mime_find_boundary(r, r->at) ? AT_BOUNDARY : AT_END;
			break;
		case AT_BOUNDARY:
			if (r->count - 1 > r->line.level)
				return mime_close_level(
				    r, part, r->line.before);
			mime_pass_boundary(r);
			break;
		case AT_END:
			if (r->count == 0)
				return MIME_END;
			return mime_close_level(r, part, r->source.size);
		}
	}
}

enum mime_event
mime_next(struct mime_reader *r, struct mime_part *part, struct error *err)
{
	enum mime_event event;

	memset(part, 0, sizeof(*part));
	event = mime_step(r, part);
	if (!r->failed)
		return event;
	error_set(err, ERROR_TEMPORARY, "4.3.0",
	    "cannot read the message again: %s", strerror(r->failed));
	return MIME_ERROR;
}
