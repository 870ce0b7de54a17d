/*
 * delivery_answer.h - what an answer of Graph means for a delivery.
 */
#ifndef MSGRAPHD_DELIVERY_ANSWER_H
#define MSGRAPHD_DELIVERY_ANSWER_H

#include "delivery_private.h"

/*
 * Returns what all requests of a delivery have in common. id is sent as
 * client-request-id.
 */
struct graph_call delivery_call(
    struct delivery *d, const char *id, http_done done);

/*
 * Copies an answer into the report, without any secret, and returns its
 * meaning.
 */
struct outcome delivery_read_answer(
    struct delivery *d, const struct http_answer *answer);

/*
 * Returns 1 for a 404 that is about the mailbox, and not about what is looked
 * for in it.
 */
int delivery_answer_lacks_mailbox(const struct http_answer *answer);

/*
 * Chooses the phase that follows from an outcome other than OUTCOME_SENT. The
 * turn of the request has ended.
 */
void delivery_settle(struct delivery *d, const struct outcome *outcome);

#endif
