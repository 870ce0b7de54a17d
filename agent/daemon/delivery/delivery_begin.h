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

#endif
