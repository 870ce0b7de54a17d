/*
 * large.c - see large.h.
 *
 * An attachment that is taken out costs requests, so as few go as possible: the
 * largest part first, until the rest fits. What is taken out is decoded to the
 * end of the spool file, from where msgraphd sends it, so that msgraphd need
 * not know of MIME.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/pipe/codec/decode.h"
#include "lib/local/wire.h"
#include "lib/mail/header.h"
#include "large_private.h"

#define PIECE (16 * 1024)

void
large_free(struct large *large)
{
	free(large->list);
	large->list = NULL;
	large->count = 0;
}

static long long
large_finished_size(const struct edits *edits)
{
	long long size = edits->len;
	size_t i;

	for (i = 0; i < edits->count; i++)
		size += edits->list[i].new_len - edits->list[i].len;
	return size;
}

/* --- which --- */

/* Copies what the part holds, decoded, to the end of the spool file. */
static int
large_extract(struct view *view, struct large_part *p, struct error *err)
{
	char in[PIECE], out[PIECE + DECODE_HELD_MAX];
	long long at = p->body.from;
	struct decode d;
	size_t len;
	ssize_t n;

	decode_init(&d, p->encoding);
	p->at = view->spool.end;
	while (at < p->body.to) {
		len = sizeof(in);
		if (p->body.to - at < (long long)len)
			len = (size_t)(p->body.to - at);
		n = view_read(view, in, len, at);
		if (n <= 0)
			return error_set(err, ERROR_TEMPORARY, "4.3.0",
			    "cannot read the message again: %s",
			    n == 0 ? "it has become shorter" : strerror(errno));
		at += n;
		len = decode_update(&d, in, (size_t)n, out);
		if (spool_append(&view->spool, out, len, err) == -1)
			return -1;
	}
	len = decode_end(&d, out);
	if (spool_append(&view->spool, out, len, err) == -1)
		return -1;
	p->len = view->spool.end - p->at;
	return 0;
}

/* At least so much does the message lose without the part. */
static long long
large_saving(const struct large_part *p)
{
	if (p->container == -1)
		return p->body.to - p->body.from;
	return p->body.to - p->header.from - (long long)strlen(LARGE_STUB);
}

/* The largest part that was not tried yet, or NULL. */
static struct large_part *
large_next_largest(const struct large *large)
{
	struct large_part *best = NULL, *p;
	size_t i;

	for (i = 0; i < large->count; i++) {
		p = &large->list[i];
		if (!p->tried &&
		    (best == NULL || large_saving(p) > large_saving(best)))
			best = p;
	}
	return best;
}

/* Takes parts until the message has limit bytes or there are no more. */
static int
large_take(struct view *view, struct large *large, long long limit,
    long long *size, struct large_rest *rest, struct error *err)
{
	struct large_part *p;

	while (*size > limit && (p = large_next_largest(large)) != NULL) {
		p->tried = 1;
		if (large_extract(view, p, err) == -1)
			return -1;
		/* what holds nothing is no file that Graph would take */
		p->taken = p->len > 0;
		if (p->taken)
			*size -= large_saving(p);
		else
			large_stays(
			    rest, p, p->type, "holds nothing that can be read");
	}
	return 0;
}

/* --- out of the message --- */

/* Whether all parts of its multipart are taken, and it is the first of them. */
static int
large_leaves_nothing(const struct large *large, const struct large_part *p)
{
	unsigned long taken = 0;
	size_t i;

	for (i = 0; i < large->count; i++) {
		if (!large->list[i].taken ||
		    large->list[i].container != p->container)
			continue;
		if (taken++ == 0 && &large->list[i] != p)
			return 0;
	}
	return taken == p->siblings;
}

static int
large_cut(struct edits *edits, struct mime_range range, struct error *err)
{
	return edit_start(edits, range.from, range.to - range.from, err);
}

static int
large_replace_by_stub(
    struct edits *edits, const struct large_part *p, struct error *err)
{
	struct mime_range part = {p->header.from, p->body.to};

	if (large_cut(edits, part, err) == -1)
		return -1;
	return edit_write(edits, LARGE_STUB, strlen(LARGE_STUB), err);
}

/* The message is the file: what is left is its header, without what describes
 * the file, and no body. */
static int
large_empty_message(struct view *view, struct edits *edits,
    const struct large_part *p, struct error *err)
{
	size_t len = (size_t)(p->header.to - p->header.from), done = 0;
	char *fields = malloc(len + 1);
	struct header_reader r;
	struct header_field f;
	int result = 0;
	ssize_t n = 1;

	while (fields != NULL && done < len && n > 0) {
		n = view_read(view, fields + done, len - done,
		    p->header.from + (long long)done);
		done += n > 0 ? (size_t)n : 0;
	}
	if (fields == NULL || done < len)
		result = error_set(err, ERROR_TEMPORARY, "4.3.0",
		    "out of memory, or the message cannot be read again");
	header_init(&r, fields, result == 0 ? len : 0);
	while (result == 0 && header_next(&r, &f)) {
		if (f.name.len < strlen("Content-") ||
		    strncasecmp(f.name.p, "Content-", strlen("Content-")) != 0)
			continue;
		result =
		    edit_start(edits, p->header.from + (f.whole.p - fields),
			(long long)f.whole.len, err);
	}
	free(fields);
	return result == 0 ? large_cut(edits, p->body, err) : -1;
}

/*
 * Parts that stand one after the other go as one. Where the message ends behind
 * them without a boundary line, the line end before them goes, since none after
 * them does. Returns the index behind the last, or -1.
 */
static long
large_cut_run(struct view *view, const struct large *large, size_t first,
    struct edits *edits, struct error *err)
{
	const struct large_part *list = large->list;
	struct mime_range run = list[first].whole;
	size_t i = first;

	while (i + 1 < large->count && list[i + 1].taken &&
	    list[i + 1].whole.from == run.to)
		run.to = list[++i].whole.to;
	if (run.to == list[i].body.to)
		run.from = large_back_line_end(view, run.from, err);
	if (run.from == -1)
		return -1;
	return large_cut(edits, run, err) == -1 ? -1 : (long)i + 1;
}

/* Cuts the part at this index, and says which is the next; -1. */
static long
large_cut_next(struct view *view, const struct large *large, size_t i,
    struct edits *edits, struct error *err)
{
	const struct large_part *p = &large->list[i];
	int result = 0;

	if (p->taken && p->container == -1)
		result = large_empty_message(view, edits, p, err);
	else if (p->taken && large_leaves_nothing(large, p))
		result = large_replace_by_stub(edits, p, err);
	else if (p->taken)
		return large_cut_run(view, large, i, edits, err);
	return result == -1 ? -1 : (long)i + 1;
}

static int
large_cut_all(struct view *view, const struct large *large, struct edits *edits,
    struct error *err)
{
	long i = 0;

	while (i != -1 && i < (long)large->count)
		i = large_cut_next(view, large, (size_t)i, edits, err);
	return i == -1 ? -1 : 0;
}

/* --- all of it --- */

static int
large_refuse(long long size, long long limit, const struct large_rest *rest,
    struct error *err)
{
	if (rest->too_many > 0 &&
	    (rest->why == NULL || size - rest->too_many <= limit))
		return error_set(err, ERROR_PERMANENT, "5.3.4",
		    "the message is too large: more than %d attachments would "
		    "have to be taken out of it, for %lld bytes go to Graph in "
		    "one request",
		    LARGE_PARTS_MAX, limit);
	if (rest->why == NULL)
		return error_set(err, ERROR_PERMANENT, "5.3.4",
		    "the message is too large: without its attachments it "
		    "still has %lld bytes, and %lld go to Graph in one request",
		    size, limit);
	return error_set(err, ERROR_PERMANENT, "5.3.4",
	    "the message is too large: %lld bytes must stay in one piece, and "
	    "%lld go to Graph in one request; the largest part that cannot go "
	    "by itself, %s with %lld bytes, %s",
	    size, limit, rest->what, rest->len, rest->why);
}

/* Only what was taken is of interest to anybody from here on. */
static void
large_keep_taken(struct large *large)
{
	size_t i, count = 0;

	for (i = 0; i < large->count; i++) {
		if (!large->list[i].taken)
			continue;
		if (count != i)
			large->list[count] = large->list[i];
		large_name(&large->list[count++]);
	}
	large->count = count;
}

static int
large_edit_view(
    struct view *view, long long limit, struct large *large, struct error *err)
{
	long long size = view->spool.raw;
	struct large_rest rest;
	struct edits edits;
	int result;

	if (large_find(view, large, &rest, err) == -1 ||
	    large_take(view, large, limit, &size, &rest, err) == -1)
		return -1;
	if (size > limit)
		return large_refuse(size, limit, &rest, err);
	edits_init(&edits, &view->spool);
	result = large_cut_all(view, large, &edits, err);
	if (result == 0)
		view_apply(view, &edits);
	edits_free(&edits);
	large_keep_taken(large);
	return result;
}

int
large_edit(struct edits *edits, const struct conf *conf, struct large *large,
    struct error *err)
{
	long long size = large_finished_size(edits),
		  limit = conf->sendmail_limit;
	struct view view;
	int result;

	large->list = NULL;
	large->count = 0;
	if (size <= limit)
		return 0;
	if (conf->large_messages == LARGE_MESSAGES_REFUSE)
		return error_set(err, ERROR_PERMANENT, "5.3.4",
		    "the message has %lld bytes, and no more than %lld may be "
		    "sent here (sendmail_limit)",
		    size, limit);
	result = view_init(&view, edits, err);
	if (result == 0)
		result = large_edit_view(&view, limit, large, err);
	view_free(&view);
	return result;
}

int
large_fields(const struct large *large, struct buf *record)
{
	const struct large_part *p;
	char where[64];
	size_t i;
	int bad = 0;

	for (i = 0; i < large->count; i++) {
		p = &large->list[i];
		snprintf(where, sizeof(where), "%lld,%lld", p->at, p->len);
		bad |= wire_field(record, "attachment", where);
		bad |= wire_field(record, "attachment-name", p->name);
		bad |= wire_field(record, "attachment-type", p->type);
		if (p->id[0] != '\0')
			bad |= wire_field(record, "attachment-id", p->id);
		bad |= wire_field(
		    record, "attachment-inline", p->is_inline ? "yes" : "no");
	}
	return bad;
}
