/*
 * watchdog.c - see watchdog.h.
 *
 * A thread that lives says nothing of the one that takes connections. So this
 * one comes as Postfix does, and libmilter has to take its connection, make a
 * thread for it and answer. The milter's callbacks hear of it at its end alone,
 * and nothing is logged. It stands in the queue of the socket like all others,
 * which is why it may take so long as until the next question.
 *
 * Of a socket that is no unix socket systemd hears only that the process lives.
 */
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "lib/base/log.h"
#include "lib/local/milter_hello.h"
#include "lib/local/notify.h"
#include "lib/local/sock.h"
#include "watchdog.h"

#define WATCHDOG_QUESTIONS 4 /* in what systemd waits */

/* The settings may be gone before the thread is, at the process's end. */
static char watchdog_path[PATH_MAX]; /* "" for other kinds of sockets */

static void *
watchdog_run(void *unused)
{
	const long long wait = notify_watchdog_ms() / WATCHDOG_QUESTIONS;
	const struct timespec pause = {
	    .tv_sec = wait / 1000, .tv_nsec = wait % 1000 * 1000000};
	struct error err;

	(void)unused;
	pthread_setname_np(pthread_self(), "watchdog");
	for (;;) {
		if (watchdog_path[0] == '\0' ||
		    milter_hello(
			watchdog_path, sock_now() + wait, NULL, &err) == 0)
			notify_systemd("WATCHDOG=1");
		else
			log_warning("the milter does not answer itself on %s, "
				    "and systemd will end it: %s",
			    watchdog_path, err.text);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

int
watchdog_start(const char *socket)
{
	const char *path = milter_hello_path(socket);
	sigset_t all, before;
	pthread_t thread;
	int error;

	if (notify_watchdog_ms() == 0)
		return 0;
	snprintf(watchdog_path, sizeof(watchdog_path), "%s",
	    path == NULL ? "" : path);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&thread, NULL, watchdog_run, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}
