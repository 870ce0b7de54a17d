/*
 * delivery_search.h - finds out whether an earlier attempt, whose request was
 * never answered, has sent the message.
 */
#ifndef MSGRAPHD_DELIVERY_SEARCH_H
#define MSGRAPHD_DELIVERY_SEARCH_H

#include "delivery_private.h"

/* Asks whether the draft of an earlier attempt is a draft still. */
void delivery_search_look(struct delivery *d);

/* Asks for the message in Drafts, and after that in Sent Items. */
void delivery_search_drafts(struct delivery *d);
void delivery_search_sent(struct delivery *d);

#endif
