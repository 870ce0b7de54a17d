/*
 * backoff.h - how often a source that is out of reach is tried: after one
 * second, and then half as often each time, up to every ten seconds.
 *
 * When a time is over, one question alone is let through. The others hear that
 * the source is out of reach until that one has its answer, so that none of
 * them waits for a source that stalls.
 */
#ifndef MSGRAPHD_BACKOFF_H
#define MSGRAPHD_BACKOFF_H

#define BACKOFF_FIRST_MS 1000
#define BACKOFF_LAST_MS (10 * 1000)

/* Starts as all zeros: in reach. */
struct backoff {
	long long until; /* clock_ms(); 0: in reach */
	long long pause; /* ms, the last one */
	int is_trial; /* one question is let through, and has no answer yet */
};

/*
 * Asks whether a question may go to the source. 1 (then backoff_good(),
 * backoff_bad() or backoff_unknown() must follow), or 0.
 */
int backoff_may(struct backoff *backoff);

/* Notes that the source has answered, whatever the answer was. */
void backoff_good(struct backoff *backoff);

/* Notes that the source is out of reach. */
void backoff_bad(struct backoff *backoff);

/* Notes that the question was given up before it was clear. */
void backoff_unknown(struct backoff *backoff);

#endif
