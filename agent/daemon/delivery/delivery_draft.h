/*
 * delivery_draft.h - the requests that make the draft of a large message.
 */
#ifndef MSGRAPHD_DELIVERY_DRAFT_H
#define MSGRAPHD_DELIVERY_DRAFT_H

#include "delivery_private.h"

/*
 * Returns 1 for a large message, whose draft is loaded: when the draft is not
 * whole yet (is_due), when it must be made from its beginning (is_new), when
 * the next request begins one or sends it (decides). Else 0, as for a message
 * that is not large.
 */
int delivery_draft_is_due(const struct delivery *d);
int delivery_draft_is_new(const struct delivery *d);
int delivery_draft_decides(const struct delivery *d);

/* Makes the next request for the draft. */
void delivery_draft_request(struct delivery *d);

/* Deletes a draft that could not be written into the state, and ends unsent. */
void delivery_draft_take_back(struct delivery *d);

/*
 * Returns 1 when the answer says that there is no such draft. Then the next
 * phase is chosen.
 */
int delivery_draft_is_missing(
    struct delivery *d, const struct http_answer *answer);

#endif
