/*
 * turn_wait.h - lets a turn wait for what is throttled, or tells it not to.
 */
#ifndef MSGRAPHD_TURN_WAIT_H
#define MSGRAPHD_TURN_WAIT_H

#include "turn_private.h"

/* Returns for how many ms Graph must not be asked for this turn's mailbox. */
long long turn_throttled_for(struct turn *turn);

/* Returns 1 when this turn may wait for so many ms. */
int turn_may_wait(const struct turn *turn, long long left);

/* Waits for so many ms and then begins anew. */
void turn_wait(struct turn *turn, long long left);

/* Goes on when the mailbox may be asked; else waits, or answers TURN_LATER. */
void turn_check(struct turn *turn);

#endif
