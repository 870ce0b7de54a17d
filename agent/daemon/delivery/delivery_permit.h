/*
 * delivery_permit.h - the steps that get permission for a request: the entry's,
 * which may have been disabled while its mail waited, and a turn.
 */
#ifndef MSGRAPHD_DELIVERY_PERMIT_H
#define MSGRAPHD_DELIVERY_PERMIT_H

#include "delivery_private.h"

/*
 * Asks the maps outside about the entry. Where none need be asked, no time is
 * lost.
 */
void delivery_take_turn(struct delivery *d);

/* Asks whether the entry may still send, and for a turn. */
void delivery_permit(struct delivery *d);

#endif
