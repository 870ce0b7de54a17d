/*
 * edit.c - the list of edits. See edit.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/array.h"
#include "lib/local/wire.h"
#include "edit.h"

/* So a header leaves room for the edits of the body. */
#define MANY_EDITS (EDITS_MAX / 4)

void
edits_init(struct edits *edits, struct spool *spool)
{
	memset(edits, 0, sizeof(*edits));
	edits->spool = spool;
	if (spool != NULL) {
		edits->start = spool->start;
		edits->len = spool->raw;
	}
}

void
edits_free(struct edits *edits)
{
	free(edits->list);
	edits_init(edits, NULL);
}

static struct edit *
edit_add(struct edits *edits, struct error *err)
{
	struct edit *list;

	if (edits->count == EDITS_MAX) {
		error_set(err, ERROR_PERMANENT, "5.6.0",
		    "more than %d places of the message would have to be "
		    "changed",
		    EDITS_MAX);
		return NULL;
	}
	list =
	    array_room(edits->list, edits->count, &edits->room, sizeof(*list));
	if (list == NULL) {
		error_no_memory(err);
		return NULL;
	}
	edits->list = list;
	return &list[edits->count++];
}

int
edit_start(
    struct edits *edits, long long from, long long len, struct error *err)
{
	struct edit *last = NULL, *next;
	long long end = 0;

	if (edits->count > 0) {
		last = &edits->list[edits->count - 1];
		end = last->from + last->len;
	}
	if (from < end || len < 0 || from > edits->len - len)
		return error_set(
		    err, ERROR_OURS, "4.3.0", "bug: edits out of order");
	if (last != NULL && from == end) {
		last->len += len;
		return 0;
	}
	if ((next = edit_add(edits, err)) == NULL)
		return -1;
	*next =
	    (struct edit){.from = from, .len = len, .at = edits->spool->end};
	return 0;
}

static int
edit_take_in(struct edits *edits, long long from, long long to, edit_read *read,
    void *ctx, struct error *err)
{
	char bytes[16384];
	size_t len;
	ssize_t n;

	if (edit_start(edits, from, to - from, err) == -1)
		return -1;
	for (; from < to; from += n) {
		len = to - from < (long long)sizeof(bytes) ? (size_t)(to - from)
							   : sizeof(bytes);
		n = read(ctx, bytes, len, from);
		if (n <= 0)
			return error_set(err, ERROR_TEMPORARY, "4.3.0",
			    "cannot read the message again: %s",
			    strerror(errno));
		if (edit_write(edits, bytes, (size_t)n, err) == -1)
			return -1;
	}
	return 0;
}

int
edit_start_near(struct edits *edits, long long from, long long len,
    edit_read *read, void *ctx, struct error *err)
{
	const struct edit *last;

	if (edits->count >= MANY_EDITS) {
		last = &edits->list[edits->count - 1];
		if (edit_take_in(edits, last->from + last->len, from, read, ctx,
			err) == -1)
			return -1;
	}
	return edit_start(edits, from, len, err);
}

int
edit_refuse(const struct buf *failed, struct error *err)
{
	if (failed->failed == BUF_NO_MEMORY)
		return error_no_memory(err);
	return error_set(err, ERROR_PERMANENT, "5.6.0",
	    "a header field would have more than %zu bytes as it must be "
	    "written for Graph",
	    failed->limit);
}

int
edit_write(
    struct edits *edits, const void *bytes, size_t len, struct error *err)
{
	long long more = edits->spool->growth_max;

	if (more > 0 && edits->written + (long long)len > edits->len + more)
		return error_set(err, ERROR_PERMANENT, "5.3.4",
		    "the message is too large: as it must be written for "
		    "Graph, it has more than %lld bytes",
		    more);
	if (spool_append(edits->spool, bytes, len, err) == -1)
		return -1;
	edits->written += (long long)len;
	edits->list[edits->count - 1].new_len += (long long)len;
	return 0;
}

static void
edit_add_segment(struct buf *out, long long at, long long len)
{
	char value[64];

	if (len == 0)
		return;
	snprintf(value, sizeof(value), "%lld,%lld", at, len);
	wire_field(out, "segment", value);
}

int
edits_segments(const struct edits *edits, struct buf *out)
{
	const struct edit *e = edits->list;
	long long at = 0;
	size_t i;

	for (i = 0; i < edits->count; i++, e++) {
		edit_add_segment(out, edits->start + at, e->from - at);
		edit_add_segment(out, e->at, e->new_len);
		at = e->from + e->len;
	}
	edit_add_segment(out, edits->start + at, edits->len - at);
	return out->failed ? -1 : 0;
}
