/*
 * view.c - layers of edits. See view.h.
 *
 * A message with edits done is a list of pieces of the spool file. Edits of it
 * cut that list; what they leave is a list of pieces again, in which the raw
 * message's still stand in their order, so it can be told as edits of the raw
 * message.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "view.h"

static void
view_add_piece(struct view *v, long long at, long long len)
{
	if (len == 0)
		return;
	v->list[v->count++] = (struct view_piece){v->spool.raw, at, len};
	v->spool.raw += len;
}

int
view_init(struct view *v, struct edits *below, struct error *err)
{
	long long at = 0;
	const struct edit *e;
	size_t i;

	memset(v, 0, sizeof(*v));
	v->below = below;
	v->spool = *below->spool;
	v->spool.raw = 0;
	v->list = calloc(2 * below->count + 1, sizeof(*v->list));
	if (v->list == NULL)
		return error_no_memory(err);
	for (i = 0; i < below->count; i++) {
		e = &below->list[i];
		view_add_piece(v, at, e->from - at);
		view_add_piece(v, e->at, e->new_len);
		at = e->from + e->len;
	}
	view_add_piece(v, at, below->spool->raw - at);
	return 0;
}

void
view_free(struct view *v)
{
	v->below->spool->end = v->spool.end;
	free(v->list);
	v->list = NULL;
}

struct mime_source
view_source(struct view *v)
{
	return (struct mime_source){view_read, v, v->spool.raw};
}

/* The piece that holds this byte, by halving. */
static const struct view_piece *
view_find_piece(const struct view *v, long long at)
{
	size_t low = 0, high = v->count, middle;

	while (high - low > 1) {
		middle = low + (high - low) / 2;
		if (v->list[middle].start <= at)
			low = middle;
		else
			high = middle;
	}
	return &v->list[low];
}

ssize_t
view_read(void *context, void *bytes, size_t len, long long at)
{
	const struct view *v = context;
	const struct view_piece *p;
	long long inside;
	ssize_t n;

	if (at < 0 || at >= v->spool.raw)
		return 0;
	p = view_find_piece(v, at);
	inside = at - p->start;
	if ((long long)len > p->len - inside)
		len = (size_t)(p->len - inside);
	do
		n = pread(v->spool.fd, bytes, len, p->at + inside);
	while (n == -1 && errno == EINTR);
	return n;
}

/* --- two layers into one --- */

struct merge {
	struct edits out;
	long long raw; /* so much of the raw message is dealt with */
};

static struct edit *
view_next_edit(struct merge *m, struct error *err)
{
	struct edit *next = edit_add(&m->out, err);

	if (next != NULL)
		*next = (struct edit){.from = m->raw};
	return next;
}

/* Drops the raw bytes up to here. */
static int
view_drop_to(struct merge *m, long long at, struct error *err)
{
	struct edit *last =
	    m->out.count > 0 ? &m->out.list[m->out.count - 1] : NULL;

	if (at == m->raw)
		return 0;
	if (last == NULL || last->from + last->len != m->raw)
		last = view_next_edit(m, err);
	if (last == NULL)
		return -1;
	last->len += at - m->raw;
	m->raw = at;
	return 0;
}

/* Takes over a piece of the spool file. */
static int
view_put(struct merge *m, long long at, long long len, struct error *err)
{
	struct edit *e;

	if (len == 0)
		return 0;
	if (at < m->out.spool->raw) {
		if (view_drop_to(m, at, err) == -1)
			return -1;
		m->raw = at + len;
		return 0;
	}
	e = view_next_edit(m, err);
	if (e == NULL)
		return -1;
	e->at = at;
	e->new_len = len;
	return 0;
}

/* Takes over what is shown from one place to another. *i goes forward. */
static int
view_put_shown(struct merge *m, const struct view *v, size_t *i, long long from,
    long long to, struct error *err)
{
	const struct view_piece *p;
	long long start, end;

	for (; *i < v->count; (*i)++) {
		p = &v->list[*i];
		start = p->start > from ? p->start : from;
		end = p->start + p->len < to ? p->start + p->len : to;
		if (start < end &&
		    view_put(m, p->at + start - p->start, end - start, err) ==
			-1)
			return -1;
		if (p->start + p->len > to)
			break;
	}
	return 0;
}

static int
view_merge_all(struct merge *m, const struct view *v, const struct edits *above,
    struct error *err)
{
	const struct edit *e = above->list;
	long long at = 0;
	size_t i, piece = 0;

	for (i = 0; i < above->count; i++, e++) {
		if (view_put_shown(m, v, &piece, at, e->from, err) == -1 ||
		    view_put(m, e->at, e->new_len, err) == -1)
			return -1;
		at = e->from + e->len;
	}
	if (view_put_shown(m, v, &piece, at, v->spool.raw, err) == -1)
		return -1;
	return view_drop_to(m, m->out.spool->raw, err);
}

int
view_apply(struct view *v, const struct edits *above, struct error *err)
{
	struct edits *below = v->below;
	struct merge m = {.raw = 0};

	edits_init(&m.out, below->spool);
	if (view_merge_all(&m, v, above, err) == -1) {
		edits_free(&m.out);
		return -1;
	}
	edits_free(below);
	*below = m.out;
	return 0;
}
