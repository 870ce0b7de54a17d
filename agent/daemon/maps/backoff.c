/*
 * backoff.c - see backoff.h.
 */
#include "agent/daemon/base/clock.h"
#include "backoff.h"

int
backoff_may(struct backoff *backoff)
{
	if (backoff->until == 0)
		return 1;
	if (backoff->is_trial || clock_ms() < backoff->until)
		return 0;
	backoff->is_trial = 1;
	return 1;
}

void
backoff_good(struct backoff *backoff)
{
	*backoff = (struct backoff){0};
}

void
backoff_bad(struct backoff *backoff)
{
	/* those that were under way together fail together, and count once */
	if (!backoff->is_trial && backoff->until > clock_ms())
		return;
	backoff->pause =
	    backoff->pause == 0 ? BACKOFF_FIRST_MS : backoff->pause * 2;
	if (backoff->pause > BACKOFF_LAST_MS)
		backoff->pause = BACKOFF_LAST_MS;
	backoff->until = clock_ms() + backoff->pause;
	backoff->is_trial = 0;
}

void
backoff_unknown(struct backoff *backoff)
{
	backoff->is_trial = 0;
}
