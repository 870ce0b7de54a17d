/*
 * watchdog.c - see watchdog.h.
 *
 * A thread that lives says nothing of the one that takes connections. So this one
 * comes as Postfix does, and libmilter has to take its connection, make a thread
 * for it and answer. The milter's callbacks hear of it at its end alone, and
 * nothing is logged. It stands in the queue of the socket like all others, which
 * is why it may take so long as until the next question.
 *
 * Of a socket that is no unix socket systemd hears only that the process lives.
 */
#include <pthread.h>
#include <time.h>

#include "lib/base/log.h"
#include "lib/local/milter_hello.h"
#include "lib/local/notify.h"
#include "lib/local/sock.h"
#include "watchdog.h"

#define WATCHDOG_QUESTIONS 4 /* in what systemd waits */

static void *
watchdog_run(void *socket)
{
	const long long wait = notify_watchdog_ms() / WATCHDOG_QUESTIONS;
	const struct timespec pause = {
	    .tv_sec = wait / 1000, .tv_nsec = wait % 1000 * 1000000};
	const char *path = milter_hello_path(socket);
	struct error err;

	pthread_setname_np(pthread_self(), "watchdog");
	for (;;) {
		if (path == NULL ||
		    milter_hello(path, sock_now() + wait, NULL, &err) == 0)
			notify_systemd("WATCHDOG=1");
		else
			log_warning("the milter does not answer itself on %s, "
				    "and systemd will end it: %s",
			    path, err.text);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

int
watchdog_start(const char *socket)
{
	pthread_t thread;

	return notify_watchdog_ms() == 0
	    ? 0
	    : pthread_create(&thread, NULL, watchdog_run, (void *)socket);
}
