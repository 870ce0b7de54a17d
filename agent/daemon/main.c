/*
 * main.c - msgraphd: holds the secrets and the connections to Microsoft.
 *
 * One process, one thread, one event loop. This file starts and stops the parts
 * (parts.c) and the sockets: SIGTERM closes these, defers what was not posted
 * and lets what was posted end; SIGHUP reads the configuration again.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "agent/daemon/base/limits.h"
#include "agent/daemon/base/msgraphd.h"
#include "agent/daemon/identities/identities.h"
#include "agent/daemon/net/http.h"
#include "agent/daemon/services/admin_service.h"
#include "agent/daemon/services/auth_service.h"
#include "agent/daemon/services/bounce_service.h"
#include "agent/daemon/services/listen.h"
#include "agent/daemon/services/standby_services.h"
#include "agent/daemon/services/submit_service.h"
#include "agent/daemon/store/state.h"
#include "agent/daemon/turn/turn.h"
#include "lib/base/cmdline.h"
#include "lib/base/log.h"
#include "lib/base/stdout.h"
#include "lib/base/version.h"
#include "lib/local/standby.h"
#include "check.h"
#include "observe.h"
#include "parts.h"
#include "protect.h"

/* How much longer than one request a stop may take. */
#define STOP_EXTRA_SECONDS 10

struct program {
	struct msgraphd daemon;
	const char *conf_file;
	struct service *auth, *submit, *bounce, *admin;
	struct event *signals[3];
	struct event *stop_check;
	long long stop_ticks; /* left; 0 while not stopping */
};

static const struct cmdline_option options[] = {
    {CONF_CMDLINE_FILE},
    {CMDLINE_HELP},
    {'M', NULL, NULL,
	"move a damaged state file aside, delete nothing, and exit"},
    {CONF_CMDLINE_CHANGED},
    {CONF_CMDLINE_TEST},
    {CMDLINE_VERSION},
    {0, NULL, NULL, NULL},
};

static const struct cmdline cmdline = {
    "msgraphd", "[-c file] [-M | -n | -t]\n-h | -V", options, 0};

/* --- log, reload and stop --- */

/* While it stands by to try again, lines that are no news are left out. */
static void
msgraphd_open_log(const struct conf *conf, int is_quiet)
{
	log_open("msgraphd", (enum log_destination)conf->log_destination,
	    is_quiet ? LOG_LEVEL_ERROR : (enum log_level)conf->log_level);
}

/* Logs what conf_load() warned of. */
static void
msgraphd_warn(const char *text)
{
	log_warning("%s", text);
}

/*
 * Writes the settings that were loaded for msgraph-agent, so that a later
 * mistake in the file does not matter to it.
 */
static void
msgraphd_write_copy(const struct program *p)
{
	struct error err;

	if (conf_copy_write(&p->daemon.conf, p->conf_file, &err) == -1)
		log_warning("%s; so msgraph-agent reads %s for each message, "
			    "and a mistake in it delays mail at once",
		    err.text, p->conf_file);
}

/* Settings that cannot change while msgraphd runs. */
static int
msgraphd_is_fixed(const struct conf *old, const struct conf *new)
{
	return strcmp(old->auth_socket, new->auth_socket) != 0 ||
	    strcmp(old->submit_socket, new->submit_socket) != 0 ||
	    strcmp(old->bounce_socket, new->bounce_socket) != 0 ||
	    strcmp(old->admin_socket, new->admin_socket) != 0 ||
	    strcmp(old->state_directory, new->state_directory) != 0 ||
	    strcmp(old->vault_key_file, new->vault_key_file) != 0;
}

/* Gives new settings to both pools, or to none. 0, or -1 with *err. */
static int
msgraphd_reload_http(
    struct msgraphd *d, const struct conf *fresh, struct error *err)
{
	if (http_configure(d->entra_http, fresh, err) == -1)
		return -1;
	if (http_configure(d->http, fresh, err) == 0)
		return 0;
	/* what cannot be set back keeps the new settings, which are valid */
	http_configure(d->entra_http, &d->conf, NULL);
	return -1;
}

static void
msgraphd_reload(struct program *p)
{
	struct conf fresh;
	struct error err;

	if (conf_load_running(&fresh, p->conf_file, &err) == -1) {
		log_error("not reloaded, the old settings stay: %s", err.text);
		return;
	}
	if (check_ca_file(&fresh, &err) == -1 ||
	    msgraphd_reload_http(&p->daemon, &fresh, &err) == -1) {
		log_error("not reloaded, the old settings stay: %s", err.text);
		conf_free(&fresh);
		return;
	}
	if (msgraphd_is_fixed(&p->daemon.conf, &fresh))
		log_warning("sockets, state_directory and vault_key_file "
			    "change only with a restart");
	conf_free(&p->daemon.conf);
	p->daemon.conf = fresh;
	msgraphd_open_log(&p->daemon.conf, 0);
	conf_warn(&p->daemon.conf, msgraphd_warn);
	identities_refresh(p->daemon.identities, 1);
	msgraphd_write_copy(p);
	log_info("configuration reloaded from %s", p->conf_file);
}

static int
msgraphd_is_quiet(const struct program *p)
{
	return LIST_EMPTY(&p->daemon.deliveries) &&
	    service_connections(p->submit) == 0;
}

static void
msgraphd_on_stop_check(evutil_socket_t fd, short what, void *ctx)
{
	struct program *p = ctx;

	(void)fd;
	(void)what;
	if (--p->stop_ticks > 0 && !msgraphd_is_quiet(p))
		return;
	if (!msgraphd_is_quiet(p))
		log_warning("stopping with requests under way");
	event_base_loopbreak(p->daemon.base);
}

static void
msgraphd_begin_stop(struct program *p)
{
	const struct timeval tick = {.tv_usec = 20000};

	if (p->stop_ticks > 0)
		return;
	log_info("stopping, finishing requests that are under way");
	service_close(p->submit);
	turns_stop(p->daemon.turns);
	/* who waits to sign in is told "not now" by that */
	service_free(&p->auth);
	/* its connections are Postfix's to keep, and hold no work */
	service_free(&p->bounce);
	service_free(&p->admin);
	p->stop_ticks =
	    (p->daemon.conf.request_timeout + STOP_EXTRA_SECONDS) * 50;
	if (event_add(p->stop_check, &tick) == -1)
		event_base_loopbreak(p->daemon.base);
}

static void
msgraphd_on_signal(evutil_socket_t signo, short what, void *ctx)
{
	(void)what;
	if (signo == SIGHUP)
		msgraphd_reload(ctx);
	else
		msgraphd_begin_stop(ctx);
}

/* --- start --- */

static int
msgraphd_watch_signals(struct program *p, struct error *err)
{
	static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
	size_t i;

	for (i = 0; i < 3; i++) {
		p->signals[i] = evsignal_new(
		    p->daemon.base, numbers[i], msgraphd_on_signal, p);
		if (p->signals[i] == NULL ||
		    event_add(p->signals[i], NULL) == -1)
			return error_set(
			    err, ERROR_OURS, "4.3.0", "libevent: signals");
	}
	p->stop_check = event_new(
	    p->daemon.base, -1, EV_PERSIST, msgraphd_on_stop_check, p);
	return p->stop_check != NULL
	    ? 0
	    : error_set(err, ERROR_OURS, "4.3.0", "libevent: out of memory");
}

static struct service *
msgraphd_serve(struct program *p, const struct service_kind *kind,
    const char *path, struct error *err)
{
	/* a socket of its own cannot be given to the group: peers are asked */
	int fd = listen_get(
	    kind->name, path, kind->group != NULL ? 0666 : 0660, err);

	return fd == -1 ? NULL : service_new(&p->daemon, kind, fd, err);
}

static int
msgraphd_start(struct program *p, struct error *err)
{
	const struct conf *conf = &p->daemon.conf;

	p->daemon.conf_file = p->conf_file;
	if (check_ca_file(conf, err) == -1 ||
	    observe_begin(&p->daemon, err) == -1 ||
	    parts_start(&p->daemon, err) == -1 ||
	    msgraphd_watch_signals(p, err) == -1)
		return -1;
	p->auth = msgraphd_serve(p, &auth_service, conf->auth_socket, err);
	if (p->auth == NULL)
		return -1;
	p->bounce =
	    msgraphd_serve(p, &bounce_service, conf->bounce_socket, err);
	if (p->bounce == NULL)
		return -1;
	/* mail goes without it */
	p->admin = msgraphd_serve(p, &admin_service, conf->admin_socket, err);
	if (p->admin == NULL)
		log_error("msgraphctl gets no answers: %s", err->text);
	p->submit =
	    msgraphd_serve(p, &submit_service, conf->submit_socket, err);
	if (p->submit == NULL)
		return -1;
	msgraphd_open_log(conf, 0);
	msgraphd_write_copy(p);
	log_info("version %s started, auth_socket=%s, bounce_socket=%s, "
		 "submit_socket=%s, admin_socket=%s",
	    MSGRAPH_VERSION, conf->auth_socket, conf->bounce_socket,
	    conf->submit_socket, conf->admin_socket);
	return 0;
}

static void
msgraphd_shut_down(struct program *p)
{
	sigset_t all;
	size_t i;

	/* a second SIGTERM must not end what the first one began */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	service_free(&p->auth);
	service_free(&p->submit);
	service_free(&p->bounce);
	service_free(&p->admin);
	parts_stop(&p->daemon);
	observe_end(&p->daemon);
	for (i = 0; i < 3; i++)
		if (p->signals[i] != NULL)
			event_free(p->signals[i]);
	if (p->stop_check != NULL)
		event_free(p->stop_check);
	if (p->daemon.base != NULL)
		event_base_free(p->daemon.base);
	conf_free(&p->daemon.conf);
}

/* The end of a start that failed: exits, or stands by (lib/local/standby.h). */
static int
msgraphd_give_up(
    struct program *p, char **argv, const struct error *reason, int status)
{
	struct error err;
	int result;

	msgraphd_shut_down(p);
	if (!standby_begin(reason))
		return status;
	result = standby_services_run(reason, STANDBY_SECONDS, &err);
	if (result == 1)
		return EX_OK;
	if (result == 0)
		standby_try_again(argv, &err);
	log_error("%s", err.text);
	return EX_OSERR;
}

static int
msgraphd_run(struct program *p, char **argv)
{
	struct error err;

	if (protect_process(&err) == -1)
		return msgraphd_give_up(p, argv, &err, EX_OSERR);
	if (msgraphd_start(p, &err) == -1)
		return msgraphd_give_up(p, argv, &err, EX_CONFIG);
	standby_end();
	event_base_dispatch(p->daemon.base);
	log_info("stopped");
	msgraphd_shut_down(p);
	return EX_OK;
}

static int
msgraphd_move_aside(const struct conf *conf)
{
	struct error err;
	char name[4200];

	if (state_move_aside(conf->state_directory, name, sizeof(name), &err) ==
	    -1) {
		fprintf(stderr, "msgraphd: %s\n", err.text);
		return EX_CONFIG;
	}
	printf("moved to %s; clients must sign in again before their mail "
	       "goes on\n",
	    name);
	return EX_OK;
}

/*
 * Returns -1 to go on, else the exit status. *mode becomes 'M', 'n' or 't', or
 * stays.
 */
static int
msgraphd_read_options(struct program *p, int argc, char **argv, int *mode)
{
	const char *value;
	struct error err;
	int key;

	p->conf_file = CONF_DEFAULT_FILE;
	while ((key = cmdline_next(&cmdline, argc, argv, &value, &err)) > 0) {
		if (key == 'c')
			p->conf_file = value;
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
	return stdout_end(cmdline.program, EX_OK);
}

int
main(int argc, char **argv)
{
	struct program program = {0};
	struct conf *conf = &program.daemon.conf;
	struct error err;
	int status, mode = 0;

	stdout_begin();
	if ((status = msgraphd_read_options(&program, argc, argv, &mode)) != -1)
		return status;
	log_open("msgraphd", LOG_TO_SYSLOG, LOG_LEVEL_INFO);
	if (conf_load(conf, program.conf_file, &err) == -1) {
		if (mode == 0)
			return msgraphd_give_up(
			    &program, argv, &err, EX_CONFIG);
		fprintf(stderr, "msgraphd: %s\n", err.text);
		return EX_CONFIG;
	}
	if (mode != 0) {
		status = EX_OK;
		if (mode == 'M')
			status = msgraphd_move_aside(conf);
		else
			conf_answer(conf, mode, "msgraphd", program.conf_file);
		if (mode == 't' && check_access(conf, program.conf_file) > 0)
			status = EX_CONFIG;
		conf_free(conf);
		return stdout_end(cmdline.program, status);
	}
	msgraphd_open_log(conf, standby_is_retry());
	conf_warn(conf, msgraphd_warn);
	return msgraphd_run(&program, argv);
}
