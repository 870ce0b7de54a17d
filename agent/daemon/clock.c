/*
 * clock.c - see clock.h.
 */
#include <time.h>

#include "clock.h"

static long long advanced_ms;

long long
clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000 + advanced_ms;
}

long long
clock_wall(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec + advanced_ms / 1000;
}

void
clock_advance(long long ms)
{
	advanced_ms += ms;
}
