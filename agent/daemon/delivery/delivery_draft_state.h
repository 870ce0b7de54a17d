/*
 * delivery_draft_state.h - what the state knows of a large message's draft, and
 * when it is kept, forgotten or discarded.
 */
#ifndef MSGRAPHD_DELIVERY_DRAFT_STATE_H
#define MSGRAPHD_DELIVERY_DRAFT_STATE_H

#include "delivery_private.h"

/*
 * Fills d->large, from the draft that an earlier attempt has left, or anew. 0,
 * or -1 when the delivery is deferred for it.
 */
int delivery_draft_load(struct delivery *d);

/* Writes d->large into the state. 0, or -1 when the delivery is deferred. */
int delivery_draft_keep(struct delivery *d);

/* Does the same, but on -1 only the reply says why; the caller goes on. */
int delivery_draft_try_keep(struct delivery *d);

/* Notes that no order has sent the draft. */
void delivery_draft_note_unsent(struct delivery *d);

/* Notes that the draft will not be sent, and makes d->large new. */
void delivery_draft_discard(struct delivery *d);

/*
 * Appends the ids of the drafts that we have made in its mailbox, a line each.
 */
int delivery_draft_ids(
    const struct delivery *d, struct buf *ids, struct error *err);

/* Forgets, keeps or discards the draft, as the delivery ends with d->reply. */
void delivery_draft_end(struct delivery *d);

/* Frees d->large. */
void delivery_draft_free(struct delivery *d);

#endif
