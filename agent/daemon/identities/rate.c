/*
 * rate.c - see rate.h.
 */
#include "agent/daemon/base/clock.h"
#include "rate.h"

static int
rate_is_over(const struct rate *rate, long seconds)
{
	return rate->count == 0 || clock_ms() >= rate->began + seconds * 1000LL;
}

long
rate_wait(const struct rate *rate, long limit, long seconds)
{
	if (limit == 0 || rate_is_over(rate, seconds) || rate->count < limit)
		return 0;
	return (
	    long)((rate->began + seconds * 1000LL - clock_ms() + 999) / 1000);
}

void
rate_count(struct rate *rate, long seconds)
{
	if (rate_is_over(rate, seconds)) {
		rate->began = clock_ms();
		rate->count = 0;
	}
	rate->count++;
}
