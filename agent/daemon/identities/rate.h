/*
 * rate.h - how many messages an entry has sent, for its rate_limit.
 */
#ifndef MSGRAPHD_RATE_H
#define MSGRAPHD_RATE_H

/*
 * The count of a period, which begins with its first message. Starts as all
 * zeros.
 */
struct rate {
	long long began; /* clock_ms() */
	long count;
};

/*
 * Returns for how many seconds no message may go where limit messages may in so
 * many seconds; 0: one may go now.
 */
long rate_wait(const struct rate *rate, long limit, long seconds);

/* Counts a message. */
void rate_count(struct rate *rate, long seconds);

#endif
