/*
 * large.h - what becomes of a message that is longer than one request of Graph
 * may be: attachments are taken out of it, the largest first, until the rest
 * fits. msgraphd makes a draft of the rest and adds them again.
 */
#ifndef MSGRAPH_AGENT_LARGE_H
#define MSGRAPH_AGENT_LARGE_H

#include "agent/pipe/edit/edit.h"
#include "lib/base/buf.h"
#include "lib/base/error.h"
#include "lib/conf/conf.h"

struct large_part;

/* What was taken out, in the order of the message. */
struct large {
	struct large_part *list; /* owned */
	size_t count;
};

/*
 * Takes out of the message, as the edits make it, what must be, and adds that
 * to the edits; after all other edits. 0, with nothing in *large where nothing
 * had to be taken out; or -1 when the message cannot be sent (5.3.4) or read.
 * large_free() takes what either leaves.
 */
int large_edit(
    struct edits *, const struct conf *, struct large *, struct error *);
void large_free(struct large *);

/* Appends wire.h's "attachment" lines. -1 when a value cannot be written. */
int large_fields(const struct large *, struct buf *record);

#endif
