/*
 * share_limit.c - how many places an application may have, and how long it is
 * until the next one.
 *
 * The time that a delivery of an application takes is the greater of two: the
 * average of the deliveries that have ended, and the average time that those
 * inside have been there so far. The second tells when Graph begins to hang.
 *
 * It takes a while to tell. What keeps others' mail from waiting meanwhile is
 * simpler: no process has become free for a second, hardly any is left, and
 * some are held by deliveries that only wait here.
 */
#include "agent/daemon/base/clock.h"
#include "agent/daemon/base/limits.h"
#include "share_private.h"

/* Of the places, in per cent: */
#define SHARE_OF_QUICK 95 /* for one application whose deliveries are quick */
#define SHARE_OF_OTHERS 60 /* for all together whose deliveries are not */
#define SHARE_OF_EACH 4 /* for each of these in any case */
#define SHARE_OF_RESERVE 5 /* and of processes, that those which wait leave */

/* For so long no process has become free, when those that wait have to go. */
#define SHARE_FULL_MS 1000LL

/* --- how many --- */

static long
share_part(long all, long percent)
{
	long part = all * percent / 100;

	return part > 0 ? part : 1;
}

/*
 * Returns how many deliveries may have a place, of so many processes: no more
 * than may have a request under way, else one application had all of these.
 */
static long
share_places(long processes)
{
	return processes < MSGRAPHD_REQUESTS_MAX ? processes
						 : MSGRAPHD_REQUESTS_MAX;
}

static long
share_of(const struct shares *shares, long percent)
{
	return share_part(share_places(shares->conf->process_limit), percent);
}

/* Returns what a delivery takes in ms. */
static long long
share_pace(const struct application *a)
{
	long long age = a->inside == 0 ? 0 : clock_ms() - a->since / a->inside;

	return age > a->average ? age : a->average;
}

static int
share_is_quick(const struct application *a)
{
	return a->average >= 0 && share_pace(a) <= SHARE_QUICK_MS;
}

/* Counts the applications that are not quick, and their places. */
static long
share_count_others(const struct shares *shares, long *inside)
{
	const struct application *a;
	long count = 0;

	*inside = 0;
	for (a = TAILQ_FIRST(&shares->busy); a != NULL;
	     a = TAILQ_NEXT(a, entry)) {
		if (share_is_quick(a))
			continue;
		count++;
		*inside += a->inside;
	}
	return count;
}

/*
 * Returns how many places the application may have at most for others' sake:
 * all that those leave, but for the reserve, and half of what is left where
 * that is hardly more. So several may begin to hang one after the other.
 */
static long
share_left(const struct application *a)
{
	const struct shares *shares = a->shares;
	long left =
	    share_places(shares->conf->process_limit - shares->resting) -
	    (shares->inside - a->inside);
	long half = (left + 1) / 2;

	left -= share_of(shares, SHARE_OF_RESERVE);
	if (left < half)
		left = half;
	return left > 1 ? left : 1;
}

/* Returns the same for the sake of its pace. */
static long
share_of_pace(const struct application *a)
{
	const struct shares *shares = a->shares;
	long each = share_of(shares, SHARE_OF_EACH);
	long count, inside, limit;

	if (share_is_quick(a))
		return share_of(shares, SHARE_OF_QUICK);
	count = share_count_others(shares, &inside);
	limit = share_of(shares, SHARE_OF_OTHERS);
	/* all of it is taken: no more than the application has */
	if (inside < limit || a->inside > limit / count)
		limit /= count > 0 ? count : 1;
	else
		limit = a->inside;
	return limit > each ? limit : each;
}

long
share_limit(const struct application *a)
{
	long left = share_left(a), limit = share_of_pace(a);

	return limit < left ? limit : left;
}

/* --- how long to wait --- */

long long
share_expect(const struct application *a, long limit, long position)
{
	long first = a->inside + position - limit; /* must end before */

	if (first <= 0)
		return 0;
	return first * share_pace(a) / (a->inside > limit ? a->inside : limit);
}

long long
share_patience(const struct application *a)
{
	long long wait = share_expect(a, share_limit(a), a->waiting);

	if (wait > SHARE_WAIT_MS)
		return 0;
	if (a->average < 0)
		return SHARE_WAIT_UNKNOWN_MS;
	wait = 2 * wait + SHARE_QUICK_MS; /* it is no more than a guess */
	return wait < SHARE_WAIT_MS ? wait : SHARE_WAIT_MS;
}

long
share_excess(const struct shares *shares)
{
	long processes = shares->conf->process_limit;

	return shares->inside + shares->waiting + shares->resting +
	    share_part(processes, SHARE_OF_RESERVE) - processes;
}

int
share_is_full(const struct application *a)
{
	const struct shares *shares = a->shares;
	long long full = SHARE_FULL_MS;

	/* where few are inside, a second in which none ends means nothing */
	if (a->inside > 0 && a->average <= SHARE_QUICK_MS &&
	    full < 2 * a->average / a->inside)
		full = 2 * a->average / a->inside;
	return share_excess(shares) > 0 && clock_ms() - shares->freed >= full;
}
