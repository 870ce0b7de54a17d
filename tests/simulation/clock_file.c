/*
 * clock_file.c - the daemon's two clocks for tests that simulate hours; linked
 * in the place of clock.c.
 *
 * A clock is the system's plus what stands in the file that MSGRAPH_TEST_CLOCK
 * names. The test changes it while the daemon runs: time that has passed for
 * both clocks (as it does while a host is suspended), and a step of the wall
 * clock alone (as NTP makes).
 *
 * The event loop's timers go on by the system's time. Those that sweep now and
 * then would hardly fire while a day passes in a minute, so they come
 * more often here; what they sweep is still decided by the clocks.
 */
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "agent/daemon/base/clock.h"

#define SWEEP_SECONDS_MIN 60
#define SWEEP_MS 50

struct clock_file {
	long long passed_ms; /* both clocks are so far ahead */
	long long wall_ms; /* and the wall clock by so much more */
};

int __real_event_add(struct event *event, const struct timeval *timeout);
int __wrap_event_add(struct event *event, const struct timeval *timeout);

static const volatile struct clock_file *
open_file(void)
{
	const char *path = getenv("MSGRAPH_TEST_CLOCK");
	int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	void *map = MAP_FAILED;

	if (fd != -1) {
		map = mmap(NULL, sizeof(struct clock_file), PROT_READ,
		    MAP_SHARED, fd, 0);
		close(fd);
	}
	if (map == MAP_FAILED) {
		perror("MSGRAPH_TEST_CLOCK");
		exit(70);
	}
	return map;
}

static const volatile struct clock_file *
file(void)
{
	static const volatile struct clock_file *opened;

	if (opened == NULL)
		opened = open_file();
	return opened;
}

static long long
now_ms(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

long long
clock_ms(void)
{
	return now_ms(CLOCK_BOOTTIME) + file()->passed_ms;
}

long long
clock_wall(void)
{
	return (now_ms(CLOCK_REALTIME) + file()->passed_ms + file()->wall_ms) /
	    1000;
}

/* It has followed already. */
long long
clock_follow(void)
{
	return 0;
}

void
clock_advance(long long ms)
{
	(void)ms;
	abort(); /* the test does that */
}

int
__wrap_event_add(struct event *event, const struct timeval *timeout)
{
	const struct timeval soon = {.tv_usec = SWEEP_MS * 1000};

	if (timeout != NULL && timeout->tv_sec >= SWEEP_SECONDS_MIN &&
	    event_get_fd(event) == -1 &&
	    (event_get_events(event) & EV_PERSIST) != 0)
		timeout = &soon;
	return __real_event_add(event, timeout);
}
