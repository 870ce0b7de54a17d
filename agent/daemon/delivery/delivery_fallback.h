/*
 * delivery_fallback.h - another mailbox sends, where the mailbox of a message
 * does not exist and its entry names one (fallback_mailbox, identities(5)).
 */
#ifndef MSGRAPHD_DELIVERY_FALLBACK_H
#define MSGRAPHD_DELIVERY_FALLBACK_H

#include "delivery_private.h"

/* Notes the fallback mailbox of a delivery that is permitted now. */
void delivery_fallback_note(struct delivery *d);

/*
 * Ends the delivery, which Graph has refused because there is no such mailbox,
 * by telling the agent to come again for the fallback mailbox. Returns 0, and
 * does nothing, where there is none.
 */
int delivery_fall_back(struct delivery *d);

/*
 * Does the same before any request, where an earlier attempt from the fallback
 * mailbox was not answered. That may be a former one, if it would be searched.
 */
int delivery_fall_back_again(struct delivery *d);

/*
 * Ends the delivery from a former fallback mailbox, which has not sent the
 * message and must not.
 */
void delivery_fallback_end(struct delivery *d);

/* Logs that the agent comes again, when the delivery ends so. */
void delivery_fallback_log(const struct delivery *d);

/* Returns 1 when the message has a fallback mailbox left. */
int delivery_has_fallback(const struct delivery *d);

#endif
