/*
 * seldom.c - see seldom.h.
 */
#include <stdio.h>
#include <string.h>

#include "agent/daemon/base/clock.h"
#include "seldom.h"

#define SELDOM_SAID                           \
	(sizeof(((struct seldom *)0)->said) / \
	    sizeof(((struct seldom *)0)->said[0]))

static int
seldom_was_said(const struct seldom *seldom, const char *what, long long now)
{
	size_t i, len = sizeof(seldom->said[0].what) - 1;

	for (i = 0; i < SELDOM_SAID; i++)
		if (seldom->said[i].until > now &&
		    strncmp(seldom->said[i].what, what, len) == 0)
			return 1;
	return 0;
}

int
seldom_may(struct seldom *seldom, const char *what, unsigned long *left_out)
{
	long long now = clock_ms();
	unsigned int place = seldom->next;

	if (now >= seldom->period_ends) {
		seldom->period_ends = now + SELDOM_SECONDS * 1000LL;
		seldom->lines = 0;
	}
	if (seldom->lines == SELDOM_LINES ||
	    seldom_was_said(seldom, what, now)) {
		seldom->left_out++;
		return 0;
	}
	seldom->lines++;
	*left_out = seldom->left_out;
	seldom->left_out = 0;
	snprintf(seldom->said[place].what, sizeof(seldom->said[place].what),
	    "%s", what);
	seldom->said[place].until = now + SELDOM_SAME_SECONDS * 1000LL;
	seldom->next = (place + 1) % SELDOM_SAID;
	return 1;
}
