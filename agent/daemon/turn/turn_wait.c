/*
 * turn_wait.c - see turn_wait.h.
 *
 * Any number may wait for a short time. Only a few of one mailbox, one
 * application and in all may wait for longer: the others are better off in
 * Postfix's queue, so that their processes are free for other mail.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "agent/daemon/base/clock.h"
#include "agent/daemon/base/reason.h"
#include "turn_step.h"
#include "turn_wait.h"

/* A longer wait for what is throttled is for few at a time. */
#define SHORT_MS (5 * 1000LL)

/* So many: of one mailbox; and in per cent of process_limit. */
#define LONG_OF_MAILBOX 2
#define LONG_OF_APPLICATION 8
#define LONG_OF_ALL 30

long long
turn_throttled_for(struct turn *turn)
{
	return throttle_left_graph(
	    turn->all->throttles, &turn->identity, turn->mailbox);
}

static long
turn_wait_room(const struct turns *turns, long percent)
{
	long count = turns->conf->process_limit * percent / 100;

	return count > 0 ? count : 1;
}

/* Returns 1 when there is room for one more of this kind that waits long. */
static int
turn_wait_has_room(const struct turn *turn)
{
	const struct turns *all = turn->all;
	const struct turn *other;
	long mailbox = 0, application = 0, count = 0;

	for (other = LIST_FIRST(&all->list); other != NULL;
	     other = LIST_NEXT(other, entry)) {
		if (!other->is_long || other == turn)
			continue;
		count++;
		if (strcmp(other->identity.client, turn->identity.client) !=
			0 ||
		    strcmp(other->identity.tenant, turn->identity.tenant) != 0)
			continue;
		application++;
		/* one mailbox may be spelled in two ways */
		if (strcasecmp(other->mailbox, turn->mailbox) == 0)
			mailbox++;
	}
	return mailbox < LONG_OF_MAILBOX &&
	    application < turn_wait_room(all, LONG_OF_APPLICATION) &&
	    count < turn_wait_room(all, LONG_OF_ALL);
}

int
turn_may_wait(const struct turn *turn, long long left)
{
	return left <= turn->patience && clock_ms() + left <= turn->deadline &&
	    (left <= SHORT_MS || turn_wait_has_room(turn));
}

void
turn_wait(struct turn *turn, long long left)
{
	turn->patience -= left;
	if (left > SHORT_MS) {
		turn->is_long = turn->is_delivery;
		place_leave(&turn->place);
	}
	turn_next_in(turn, STEP_CHECK, left);
}

void
turn_check(struct turn *turn)
{
	long long left = turn_throttled_for(turn);
	char text[160];

	turn->is_long = 0;
	if (left > 0 && !turn_may_wait(turn, left)) {
		snprintf(text, sizeof(text),
		    "Graph asked to slow down; nothing is sent for this "
		    "mailbox for %lld more seconds",
		    left / 1000 + 1);
		turn_answer(
		    turn, TURN_THROTTLED, "4.4.5", REASON_THROTTLED, text);
	} else if (left <= SHORT_MS && turn->is_delivery &&
	    turn->place == NULL) {
		turn_next(turn, STEP_PLACE);
	} else if (left > 0) {
		turn_wait(turn, left);
	} else {
		turn_next(turn, STEP_TOKEN);
	}
}
