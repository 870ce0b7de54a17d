/*
 * view.c - layers of edits. See view.h.
 *
 * Where the layer below changes something, the message as it makes it is copied
 * behind all that is in the spool file, and the next layer is edits of that
 * copy. Most messages need one layer, so they are never copied.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "view.h"

#define CHUNK (64 * 1024)

static ssize_t
view_pread(const struct spool *s, void *bytes, size_t len, long long at)
{
	ssize_t n;

	do
		n = pread(s->fd, bytes, len, at);
	while (n == -1 && errno == EINTR);
	return n;
}

/* Copies len bytes of the spool file to its end. */
static int
view_copy(struct spool *s, long long at, long long len, struct error *err)
{
	char chunk[CHUNK];
	ssize_t n;

	for (; len > 0; at += n, len -= n) {
		n = view_pread(
		    s, chunk, len < CHUNK ? (size_t)len : sizeof(chunk), at);
		if (n <= 0)
			return error_set(err, ERROR_TEMPORARY, "4.3.0",
			    "cannot read the message again: %s",
			    n == 0 ? "it has become shorter" : strerror(errno));
		if (spool_append(s, chunk, (size_t)n, err) == -1)
			return -1;
	}
	return 0;
}

int
view_init(struct view *v, struct edits *below, struct error *err)
{
	const struct edit *e = below->list;
	long long at = 0;
	size_t i;

	v->below = below;
	v->spool = *below->spool;
	v->spool.start = below->start;
	v->spool.raw = below->len;
	if (below->count == 0)
		return 0;
	v->spool.start = v->spool.end;
	for (i = 0; i < below->count; i++, e++) {
		if (view_copy(&v->spool, below->start + at, e->from - at,
			err) == -1 ||
		    view_copy(&v->spool, e->at, e->new_len, err) == -1)
			return -1;
		at = e->from + e->len;
	}
	if (view_copy(&v->spool, below->start + at, below->len - at, err) == -1)
		return -1;
	v->spool.raw = v->spool.end - v->spool.start;
	return 0;
}

void
view_free(struct view *v)
{
	v->below->spool->end = v->spool.end;
}

struct mime_source
view_source(struct view *v)
{
	return (struct mime_source){view_read, v, v->spool.raw};
}

ssize_t
view_read(void *context, void *bytes, size_t len, long long at)
{
	const struct spool *s = &((const struct view *)context)->spool;

	if (at < 0 || at >= s->raw)
		return 0;
	if ((long long)len > s->raw - at)
		len = (size_t)(s->raw - at);
	return view_pread(s, bytes, len, s->start + at);
}

void
view_apply(struct view *v, struct edits *above)
{
	struct spool *spool = v->below->spool;

	edits_free(v->below);
	*v->below = *above;
	v->below->spool = spool;
	edits_init(above, &v->spool);
}
