/*
 * delivery_begin.h - the first step of a delivery: what the journal says of the
 * message.
 */
#ifndef MSGRAPHD_DELIVERY_BEGIN_H
#define MSGRAPHD_DELIVERY_BEGIN_H

#include "delivery_private.h"

/*
 * Ends the delivery where the message was accepted before, for all or some of
 * its recipients, or is under way by an earlier attempt; else goes on.
 */
void delivery_begin(struct delivery *d);

/*
 * Fills d->posted_to in for the next of the earlier attempts that were not
 * answered, in no order of time. 1; 0 when that is the first again, for all
 * have been; -1 with *err.
 */
int delivery_next_posted_to(struct delivery *d, struct error *err);

#endif
