/*
 * clock.c - see clock.h.
 */
#include <time.h>

#include "clock.h"

static long long advanced_ms, start_ms, start_wall;

long long
clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000 + advanced_ms;
}

static long long
clock_system_wall(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec + advanced_ms / 1000;
}

/*
 * Read once: a clock that is set while the daemon runs would otherwise end
 * graces early, or make the journal forget.
 */
long long
clock_wall(void)
{
	if (start_wall == 0) {
		start_wall = clock_system_wall();
		start_ms = clock_ms();
	}
	return start_wall + (clock_ms() - start_ms) / 1000;
}

long long
clock_follow(void)
{
	long long step = clock_system_wall() - clock_wall();

	if (step > -CLOCK_STEP_SECONDS && step < CLOCK_STEP_SECONDS)
		return 0;
	start_wall += step;
	return step;
}

void
clock_advance(long long ms)
{
	advanced_ms += ms;
}
