/*
 * seldom.h - bounds log lines that anybody could ask for at will.
 *
 * The same is said once in ten minutes, and no more than ten lines in a minute.
 */
#ifndef MSGRAPHD_SELDOM_H
#define MSGRAPHD_SELDOM_H

#define SELDOM_SAME_SECONDS 600
#define SELDOM_SECONDS 60
#define SELDOM_LINES 10

/* Starts as all zeros. */
struct seldom {
	struct {
		char what[128];
		long long until; /* clock_ms() */
	} said[64]; /* a ring */
	unsigned int next;
	long long period_ends; /* clock_ms() */
	unsigned int lines; /* in the period */
	unsigned long left_out; /* since the last line */
};

/*
 * Asks whether a line may be written. what names its matter and is cut at 127
 * bytes. 1 with *left_out, the number of lines that were not written since the
 * last one; or 0.
 */
int seldom_may(
    struct seldom *seldom, const char *what, unsigned long *left_out);

#endif
