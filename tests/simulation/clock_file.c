/*
 * clock_file.c - the system's clocks for tests that simulate hours, in the
 * place of clock_gettime().
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

#define SWEEP_SECONDS_MIN 5
#define SWEEP_MS 50

struct clock_file {
	long long passed_ms; /* both clocks are so far ahead */
	long long wall_ms; /* and the wall clock by so much more */
};

int __real_clock_gettime(clockid_t clock, struct timespec *ts);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ts);
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

/* The clocks that clock.c reads; what waits for a socket reads another. */
int
__wrap_clock_gettime(clockid_t clock, struct timespec *ts)
{
	long long ms;

	if (__real_clock_gettime(clock, ts) == -1)
		return -1;
	if (clock != CLOCK_BOOTTIME && clock != CLOCK_REALTIME)
		return 0;
	ms = ts->tv_sec * 1000LL + ts->tv_nsec / 1000000 + file()->passed_ms;
	if (clock == CLOCK_REALTIME)
		ms += file()->wall_ms;
	ts->tv_sec = (time_t)(ms / 1000);
	ts->tv_nsec = ms % 1000 * 1000000;
	return 0;
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
