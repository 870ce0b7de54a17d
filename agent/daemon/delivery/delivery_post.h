/*
 * delivery_post.h - the request that sends the message.
 */
#ifndef MSGRAPHD_DELIVERY_POST_H
#define MSGRAPHD_DELIVERY_POST_H

#include "delivery_private.h"

/* Writes into the journal that the message is being posted. */
void delivery_intend(struct delivery *d);

/* Posts the message, or has its draft sent. */
void delivery_post(struct delivery *d);

#endif
