/*
 * stops.c - see stops.h.
 */
#include <stddef.h>

#include "stops.h"

void
stops_add(sigset_t *set)
{
	static const int stops[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
	struct sigaction now;
	size_t i;

	for (i = 0; i < sizeof(stops) / sizeof(stops[0]); i++)
		if (sigaction(stops[i], NULL, &now) == 0 &&
		    now.sa_handler == SIG_DFL)
			sigaddset(set, stops[i]);
}

void
stops_hold(sigset_t *old)
{
	sigset_t stops;

	sigemptyset(&stops);
	stops_add(&stops);
	sigprocmask(SIG_BLOCK, &stops, old);
}

void
stops_release(const sigset_t *old)
{
	sigprocmask(SIG_SETMASK, old, NULL);
}
