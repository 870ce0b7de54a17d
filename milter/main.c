/*
 * main.c - msgraph-milter: options, signals, start and stop.
 *
 * The main thread takes the signals while libmilter runs in a second one. That
 * order matters: libmilter has a signal thread of its own, which waits for
 * SIGTERM, SIGINT and SIGHUP too, and Linux gives a signal to the main thread
 * if that does not block it. If libmilter's gets it all the same, the
 * milter stops too, only up to five seconds later and without waiting for
 * anybody. SIGHUP is left to libmilter, for which it means stop; so it is
 * SIGUSR1 that reloads.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cmdline.h"
#include "lib/base/log.h"
#include "lib/base/stdout.h"
#include "lib/base/version.h"
#include "lib/local/milter_hello.h"
#include "lib/local/sock.h"
#include "lib/local/standby.h"
#include "callbacks.h"
#include "milter_socket.h"
#include "settings.h"
#include "watchdog.h"

#define PROGRAM "msgraph-milter"

/*
 * libmilter hangs up on a command that is larger, and Postfix would then defer
 * the message for ever. Postfix keeps below libmilter's own limit of 64 kB by
 * cutting fields; an MTA that does not shall hear our answer.
 */
#define FIELD_MAX (32 * 1024 * 1024)

#define START_MS 10000 /* for libmilter's first answer */
#define DRAIN_MS 5000 /* for messages under way at the end */

static sem_t wakeup; /* posted after one of these was set */
static atomic_int reload_asked, stop_asked, milter_ended;
static int milter_failed; /* set before milter_ended is */

static const struct cmdline_option options[] = {
    {CONF_CMDLINE_FILE},
    {CMDLINE_HELP},
    {CONF_CMDLINE_CHANGED},
    {CONF_CMDLINE_TEST},
    {CMDLINE_VERSION},
    {0, NULL, NULL, NULL},
};

static const struct cmdline cmdline = {
    PROGRAM, "[-c file] [-n | -t]\n-h | -V", options, 0};

static int
milter_fail(const char *text)
{
	fprintf(stderr, PROGRAM ": %s\n", text);
	return 1;
}

static void
milter_wake(int sig)
{
	(void)sig;
}

/*
 * The end of a start that failed: exits, or stands by (lib/local/standby.h).
 * Nobody listens meanwhile, so Postfix tells clients to come back later.
 */
static int
milter_give_up(char **argv, const struct error *reason)
{
	struct error err;

	if (!standby_begin(reason))
		return 1;
	signal(SIGUSR1, milter_wake); /* a reload: tries at once */
	standby_announce(reason);
	sleep(STANDBY_SECONDS);
	standby_try_again(argv, &err);
	log_error("%s", err.text);
	return 1;
}

/*
 * libmilter writes to syslog alone. LOG_PERROR shows its lines where ours go
 * when that is stderr.
 */
static void
milter_open_log(const struct conf *conf)
{
	if (conf->log_destination == LOG_TO_STDERR)
		openlog(PROGRAM, LOG_PID | LOG_PERROR, LOG_MAIL);
	log_open(PROGRAM, (enum log_destination)conf->log_destination,
	    (enum log_level)conf->log_level);
}

/* Logs what conf_load() warned of. */
static void
milter_warn(const char *text)
{
	log_warning("%s", text);
}

static void
milter_reload(const char *file, const char *socket)
{
	struct settings *s;
	struct error err;

	if (settings_load(file, 1, &err) == -1) {
		log_error("not reloaded: %s", err.text);
		return;
	}
	s = settings_get();
	milter_open_log(&s->conf);
	if (strcmp(s->conf.milter_socket, socket) != 0)
		log_warning("milter_socket changes with a restart, not with a "
			    "reload; still listening on %s",
		    socket);
	conf_warn(&s->conf, milter_warn);
	log_info("reloaded %s", file);
	settings_put(&s);
}

/* --- signals and threads --- */

static void
milter_on_signal(int sig)
{
	int saved_errno = errno;

	if (sig == SIGUSR1)
		reload_asked = 1;
	else
		stop_asked = 1;
	sem_post(&wakeup);
	errno = saved_errno;
}

static void
milter_catch_signals(void)
{
	struct sigaction sa = {.sa_handler = milter_on_signal};

	sigemptyset(&sa.sa_mask);
	sa.sa_flags = SA_RESTART;
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void *
milter_run_milter(void *unused)
{
	(void)unused;
	milter_failed = smfi_main() != MI_SUCCESS;
	milter_ended = 1;
	sem_post(&wakeup);
	return NULL;
}

/*
 * Messages under way end first. Then the process does, and libmilter's threads
 * with it: smfi_stop() would take up to five seconds to be noticed, and lets
 * them leave their sessions where they are too.
 */
static void
milter_stop(const char *socket)
{
	unsigned int left;

	left = callbacks_drain(DRAIN_MS);
	if (left > 0)
		log_warning("stopping with %u messages under way, which "
			    "Postfix will defer",
		    left);
	milter_socket_remove(socket);
}

/* libmilter's threads block all signals; this one only SIGHUP. */
static int
milter_start_milter(void)
{
	sigset_t all, hangup;
	pthread_t milter;
	int error;

	sigfillset(&all);
	sigemptyset(&hangup);
	sigaddset(&hangup, SIGHUP);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	error = pthread_create(&milter, NULL, milter_run_milter, NULL);
	pthread_sigmask(SIG_SETMASK, &hangup, NULL);
	return error;
}

/*
 * Waits until libmilter answers. 0; or -1 with *err when it did not within 10
 * seconds, as where there was no memory for one of its threads. A socket that
 * is no unix socket is not asked.
 */
static int
milter_wait_for_milter(const char *socket, struct error *err)
{
	const struct timespec pause = {.tv_nsec = 50000000};
	const char *path = milter_hello_path(socket);
	const long long deadline = sock_now() + START_MS;

	if (path == NULL)
		return 0;
	while (
	    milter_hello(path, sock_now() + START_MS / 10, NULL, err) == -1) {
		if (stop_asked || (milter_ended && !milter_failed))
			break;
		if (milter_ended || sock_now() >= deadline)
			return error_prefix(
			    err, "libmilter does not answer after its start");
		nanosleep(&pause, NULL); /* it may fail at once */
	}
	return 0;
}

static int
milter_serve(const char *file, const char *socket)
{
	struct error err;
	int error;

	sem_init(&wakeup, 0, 0);
	milter_catch_signals();
	if ((error = milter_start_milter()) != 0)
		return milter_fail(strerror(error));
	if (milter_wait_for_milter(socket, &err) == -1) {
		log_fatal(err.text);
		return 1;
	}
	log_info("version " MSGRAPH_VERSION " listening on %s", socket);
	standby_end();
	if ((error = watchdog_start(socket)) != 0)
		return milter_fail(strerror(error));
	while (!stop_asked && !milter_ended) {
		if (sem_wait(&wakeup) == 0 && reload_asked) {
			reload_asked = 0;
			milter_reload(file, socket);
		}
	}
	if (!milter_ended)
		milter_stop(socket);
	log_info("stopped");
	return milter_failed ? 1 : 0;
}

static int
milter_start(char **argv, const char *file, const struct conf *conf)
{
	struct error err;

	milter_open_log(conf);
	if (!standby_is_retry())
		conf_warn(conf, milter_warn);
	if (smfi_register(callbacks_filter) != MI_SUCCESS ||
	    smfi_setmaxdatasize(FIELD_MAX) == 0)
		return milter_fail("libmilter refuses to start");
	if (milter_socket_open(conf->milter_socket, &err) == -1)
		return milter_give_up(argv, &err);
	return milter_serve(file, conf->milter_socket);
}

/* Returns -1 to go on, else the exit status. *mode becomes 'n' or 't'. */
static int
milter_read_options(int argc, char **argv, const char **file, int *mode)
{
	const char *value;
	struct error err;
	int key;

	while ((key = cmdline_next(&cmdline, argc, argv, &value, &err)) > 0) {
		if (key == 'c')
			*file = value;
		else if (key == 'h' || key == 'V')
			break;
		else
			*mode = key;
	}
	if (key == 0)
		return -1;
	if (key == -1)
		return cmdline_fail(&cmdline, &err);
	cmdline_answer(&cmdline, key, stdout);
	return stdout_end(PROGRAM, 0);
}

int
main(int argc, char *argv[])
{
	const char *file = CONF_DEFAULT_FILE;
	struct settings *s;
	struct error err;
	int mode = 0, status;

	stdout_begin();
	if ((status = milter_read_options(argc, argv, &file, &mode)) != -1)
		return status;
	log_open(PROGRAM, LOG_TO_SYSLOG, LOG_LEVEL_INFO);
	if (settings_load(file, 0, &err) == -1)
		return mode == 0 ? milter_give_up(argv, &err)
				 : milter_fail(err.text);
	s = settings_get();
	if (mode != 0) {
		conf_answer(&s->conf, mode, PROGRAM, file);
		status = stdout_end(PROGRAM, 0);
	} else
		status = milter_start(argv, file, &s->conf);
	settings_put(&s);
	settings_clear();
	return status;
}
