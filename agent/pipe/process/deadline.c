/*
 * deadline.c - one deadline for the whole run. See deadline.h.
 *
 * pipe(8) bounces a message whose command takes longer than the transport's
 * time limit, so the agent must be done, or give up, well before. A signal
 * does that wherever the process hangs: on a full pipe, a slow disk, a
 * socket. Only async-signal-safe calls are made in the handler; the line it
 * writes is made beforehand.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "deadline.h"

static char line[128];
static size_t line_len;
static time_t started; /* 0: not yet */

static void
deadline_expire(int sig)
{
	ssize_t n;

	(void)sig;
	n = write(STDOUT_FILENO, line, line_len);
	(void)n; /* the exit status defers by itself */
	_exit(EX_TEMPFAIL);
}

/* Since the first call. */
static unsigned int
deadline_passed(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (started == 0)
		started = now.tv_sec;
	return (unsigned int)(now.tv_sec - started);
}

void
deadline_start(unsigned int seconds)
{
	unsigned int gone = deadline_passed();
	struct sigaction action = {.sa_handler = deadline_expire};
	sigset_t set;

	alarm(0);
	snprintf(line, sizeof(line),
	    "4.4.2 no outcome within delivery_timeout (%us), will try again",
	    seconds);
	line_len = strlen(line);
	sigemptyset(&action.sa_mask);
	sigaction(SIGALRM, &action, NULL);
	/* pipe(8)'s parents may have left it blocked */
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	if (seconds > gone)
		alarm(seconds - gone);
	else
		raise(SIGALRM);
}

void
deadline_end(void)
{
	signal(SIGALRM, SIG_IGN);
	alarm(0);
}
