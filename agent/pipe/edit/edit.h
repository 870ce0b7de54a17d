/*
 * edit.h - what is to change in a message: runs of its bytes, in their order,
 * and the bytes that take their place.
 *
 * Replacements go straight to the end of the spool file, so an edit
 * costs no memory however long its replacement is; a body part is re-encoded
 * by one edit_start() and as many edit_write() as it takes. What no
 * edit names is sent as it came, since it is sent from where it lies.
 */
#ifndef MSGRAPH_AGENT_EDIT_H
#define MSGRAPH_AGENT_EDIT_H

#include <sys/types.h>

#include "lib/base/buf.h"
#include "lib/base/error.h"
#include "spool.h"

/*
 * More edits than this are no mail but an attack. Kept well below what fits
 * into a record of wire.h: two segments an edit, some 20 bytes a segment.
 */
#define EDITS_MAX 4096

struct edit {
	long long from, len; /* of the message that is edited */
	long long at, new_len; /* of the spool file */
};

struct edits {
	struct spool *spool; /* borrowed */
	long long start, len; /* in its file: the message that is edited */
	struct edit *list; /* owned */
	size_t count, room;
	long long written; /* bytes of all replacements */
};

/*
 * Begins without edits of the message in the spool, which must live as long.
 * NULL: of nothing.
 */
void edits_init(struct edits *, struct spool *);

/* Frees the list, and leaves it empty, of no spool. */
void edits_free(struct edits *);

/*
 * Starts to replace len bytes at from (0 bytes: inserts). Edits come in the
 * order of the message and do not overlap; one right behind another becomes
 * part of it. -1 when there are too many, or on a mistake of the caller.
 */
int edit_start(struct edits *, long long from, long long len, struct error *);

/*
 * Starts an edit as edit_start() does, but from many edits on takes in what
 * lies between this one and the last, so that a message never needs too many.
 * read is pread(2) of what the edits are of.
 */
typedef ssize_t edit_read(void *ctx, void *bytes, size_t len, long long at);
int edit_start_near(struct edits *, long long from, long long len,
    edit_read *read, void *ctx, struct error *);

/*
 * Adds to the replacement of the edit that was started last. 0; or -1 with an
 * error that defers, or 5.3.4 past the spool's growth_max: no answer of Graph
 * could be a yes.
 */
int edit_write(struct edits *, const void *bytes, size_t len, struct error *);

/*
 * Returns -1 with *err: why this field could not be put together as a
 * replacement.
 */
int edit_refuse(const struct buf *failed, struct error *);

/* Appends the finished message as wire.h's "segment=" lines. */
int edits_segments(const struct edits *, struct buf *out);

#endif
