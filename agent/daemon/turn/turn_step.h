/*
 * turn_step.h - how a turn's step ends: with the choice of the next one.
 */
#ifndef MSGRAPHD_TURN_STEP_H
#define MSGRAPHD_TURN_STEP_H

#include "turn_private.h"

/* Runs the step from the event loop. */
void turn_next(struct turn *turn, enum turn_step step);

/* Runs the step when ms have passed, unless another is chosen before. */
void turn_next_in(struct turn *turn, enum turn_step step, long long ms);

/* Answers the caller of turn_ask(), from the event loop. */
void turn_answer(struct turn *turn, enum turn_result result, const char *dsn,
    const char *reason, const char *text);
void turn_answer_later(
    struct turn *turn, const char *dsn, const char *reason, const char *text);
void turn_answer_memory(struct turn *turn);

#endif
