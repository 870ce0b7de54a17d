/*
 * clock.h - the two clocks of the daemon.
 *
 * clock_ms() only goes forward and counts suspended time (CLOCK_BOOTTIME):
 * every cache and deadline is on it, so that no step of the wall clock can
 * stretch or cut one. clock_wall() is seconds since 1970, for times that are
 * written to disk and must mean something after a reboot: the wall clock at the
 * start, and from then on the time that has passed. A host without a battery
 * starts with a wrong wall clock. When that is set right, clock_watch.c sets
 * clock_wall() and the times on disk right too.
 */
#ifndef MSGRAPHD_CLOCK_H
#define MSGRAPHD_CLOCK_H

/* Returns the milliseconds since some time, going forward alone. */
long long clock_ms(void);

/* Returns the seconds since 1970. */
long long clock_wall(void);

/* A difference of so many seconds is followed; a smaller one evens out. */
#define CLOCK_STEP_SECONDS 3600

/*
 * Lets clock_wall() follow the system's clock when that was set meanwhile.
 * Returns the seconds that it has moved by, or 0.
 */
long long clock_follow(void);

/* Moves both clocks forward; for tests that simulate hours. */
void clock_advance(long long ms);

#endif
