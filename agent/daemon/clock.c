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

/*
 * Read once: a clock that is set while the daemon runs would otherwise end
 * graces early, or make the journal forget.
 */
long long
clock_wall(void)
{
	static long long start_ms, start_wall;
	struct timespec ts;

	if (start_wall == 0) {
		clock_gettime(CLOCK_REALTIME, &ts);
		start_wall = ts.tv_sec;
		start_ms = clock_ms() - advanced_ms;
	}
	return start_wall + (clock_ms() - start_ms) / 1000;
}

void
clock_advance(long long ms)
{
	advanced_ms += ms;
}
