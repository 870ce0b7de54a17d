/*
 * turn_step.c - see turn_step.h.
 */
#include <stdio.h>

#include "agent/daemon/base/reason.h"
#include "turn_step.h"

void
turn_next(struct turn *turn, enum turn_step step)
{
	turn->step = step;
	wake_up(&turn->wake);
}

void
turn_next_in(struct turn *turn, enum turn_step step, long long ms)
{
	turn->step = step;
	if (wake_in(&turn->wake, ms) == -1)
		wake_up(&turn->wake);
}

void
turn_answer(struct turn *turn, enum turn_result result, const char *dsn,
    const char *reason, const char *text)
{
	turn->answer.result = result;
	turn->answer.dsn = dsn;
	turn->answer.reason = reason;
	snprintf(turn->answer.text, sizeof(turn->answer.text), "%s", text);
	turn_next(turn, STEP_ANSWER);
}

void
turn_answer_later(
    struct turn *turn, const char *dsn, const char *reason, const char *text)
{
	turn_answer(turn, TURN_LATER, dsn, reason, text);
}

void
turn_answer_memory(struct turn *turn)
{
	turn_answer_later(turn, "4.3.0", REASON_CONFIGURATION, "out of memory");
}
