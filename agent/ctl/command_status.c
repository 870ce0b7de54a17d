/*
 * command_status.c - "msgraphctl status": how the daemons are, what was sent,
 * and what is wrong, as msgraphd tells it. With --watch, again every two
 * seconds.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "agent/ctl/base/admin_rows.h"
#include "agent/ctl/base/process.h"
#include "lib/conf/conf.h"
#include "lib/local/milter_hello.h"
#include "lib/local/sock.h"
#include "commands.h"

#define WATCH_SECONDS 2
#define CONNECT_MS 2000

/* A credential that ends in less is a warning, as in msgraphd's log. */
#define CREDENTIAL_SECONDS (30 * 86400LL)

/* Moves to the top of a terminal and clears it (ECMA-48 CUP, ED). */
#define CLEAR "\033[H\033[2J"

static const struct output_column command_status_daemons[] = {
    {"name", OUTPUT_TEXT},
    {"status", OUTPUT_STATUS},
    {"version", OUTPUT_TEXT},
    {"pid", OUTPUT_NUMBER},
    {"started", OUTPUT_TIME},
    {"uptime", OUTPUT_NUMBER},
    {"settings", OUTPUT_TEXT},
    {"note", OUTPUT_TEXT},
    {NULL, OUTPUT_TEXT},
};

static const struct output_column command_status_counts[] = {
    {"sent", OUTPUT_NUMBER},
    {"deferred", OUTPUT_NUMBER},
    {"bounced", OUTPUT_NUMBER},
    {"in_flight", OUTPUT_NUMBER},
    {"signed_in", OUTPUT_NUMBER},
    {"refused", OUTPUT_NUMBER},
    {"put_off", OUTPUT_NUMBER},
    {NULL, OUTPUT_TEXT},
};

static const struct output_column command_status_applications[] = {
    {"entry", OUTPUT_TEXT},
    {"status", OUTPUT_STATUS},
    {"signed_in", OUTPUT_TIME},
    {"sent", OUTPUT_TIME},
    {"token_until", OUTPUT_TIME},
    {"stored", OUTPUT_TEXT},
    {"accepted", OUTPUT_TIME},
    {"application", OUTPUT_TEXT},
    {NULL, OUTPUT_TEXT},
};

static const struct output_column command_status_credentials[] = {
    {"entry", OUTPUT_TEXT},
    {"status", OUTPUT_STATUS},
    {"credential_ends", OUTPUT_TIME},
    {"expires", OUTPUT_TIME},
    {"credential", OUTPUT_TEXT},
    {"credential_fault", OUTPUT_BELOW},
    {NULL, OUTPUT_TEXT},
};

static const struct output_column command_status_failing[] = {
    {"failing_since", OUTPUT_TIME},
    {"entry", OUTPUT_TEXT},
    {"application", OUTPUT_TEXT},
    {"failing", OUTPUT_BELOW},
    {NULL, OUTPUT_TEXT},
};

static const struct output_column command_status_throttled[] = {
    {"until", OUTPUT_TIME},
    {"scope", OUTPUT_TEXT},
    {"mailbox", OUTPUT_TEXT},
    {"application", OUTPUT_TEXT},
    {"tenant", OUTPUT_TEXT},
    {NULL, OUTPUT_TEXT},
};

static const struct output_column command_status_events[] = {
    {"last", OUTPUT_TIME},
    {"count", OUTPUT_NUMBER},
    {"what", OUTPUT_TEXT},
    {"text", OUTPUT_BELOW},
    {"remedy", OUTPUT_BELOW},
    {NULL, OUTPUT_TEXT},
};

enum {
	DAEMONS,
	COUNTS,
	APPLICATIONS,
	CREDENTIALS,
	FAILING,
	THROTTLED,
	EVENTS,
	TABLES
};

static const struct output_list command_status_tables[TABLES + 1] = {
    [DAEMONS] = {"daemons", command_status_daemons},
    [COUNTS] = {"counts", command_status_counts},
    [APPLICATIONS] = {"applications", command_status_applications},
    [CREDENTIALS] = {"credentials", command_status_credentials},
    [FAILING] = {"failing", command_status_failing},
    [THROTTLED] = {"throttled", command_status_throttled},
    [EVENTS] = {"events", command_status_events},
};

/* What msgraphd has said; all NULL where it does not answer, and why. */
struct command_status {
	struct admin_reply *status, *applications, *throttles, *events;
	struct error err;
};

/* --- the daemons --- */

/* Returns 1 when only others may connect there. */
static int
command_status_is_closed(const char *path)
{
	return access(path, W_OK) == -1 && errno == EACCES;
}

/* The status of a msgraphd that has not answered: this user may be why. */
static const char *
command_status_silent(struct ctl *ctl)
{
	struct conf conf;
	int is_shut = 0, fd;

	if (conf_load_tolerant(&conf, ctl->conf_file, NULL) == 0 &&
	    geteuid() != 0) {
		fd = sock_connect(
		    conf.admin_socket, sock_now() + CONNECT_MS, NULL);
		/* it has hung up before, or the path is closed */
		is_shut =
		    fd != -1 || command_status_is_closed(conf.admin_socket);
		if (fd != -1)
			close(fd);
	}
	conf_free(&conf);
	return is_shut ? "unknown" : "critical";
}

static void
command_status_msgraphd(
    struct ctl *ctl, struct output *output, const struct command_status *status)
{
	const struct admin_record *r =
	    status->status == NULL ? NULL : admin_next(status->status, NULL);
	char uptime[32];

	if (r == NULL) {
		output_row(output,
		    (const char *[]){"msgraphd", command_status_silent(ctl),
			NULL, NULL, NULL, NULL, NULL, status->err.text});
		return;
	}
	snprintf(uptime, sizeof(uptime), "%lld",
	    admin_value_number(r, "now") - admin_value_number(r, "started"));
	output_row(output,
	    (const char *[]){"msgraphd", "ok", admin_value(r, "version"),
		admin_value(r, "pid"), admin_value(r, "started"), uptime,
		admin_value(r, "settings"), NULL});
}

/* The milter is asked as Postfix asks, and /proc about its process. */
static void
command_status_milter(struct ctl *ctl, struct output *output)
{
	struct error err;
	char number[32] = "", started[32] = "", uptime[32] = "";
	char version[PROCESS_VERSION_SIZE] = "";
	const char *status = "unknown", *path = NULL;
	struct conf conf;
	pid_t pid = 0;
	long long since;

	if (conf_load_tolerant(&conf, ctl->conf_file, &err) == 0 &&
	    (path = milter_hello_path(conf.milter_socket)) == NULL)
		error_set(&err, ERROR_OURS, "4.3.5",
		    "milter_socket is not a local path");
	if (path != NULL) {
		status = "critical";
		if (milter_hello(path, sock_now() + CONNECT_MS, &pid, &err) ==
		    0) {
			err.text[0] = '\0';
			status = "ok";
		} else if (pid == 0 && command_status_is_closed(path))
			status = "unknown";
	}
	if ((since = process_started(pid)) != 0) {
		snprintf(number, sizeof(number), "%ld", (long)pid);
		snprintf(started, sizeof(started), "%lld", since);
		snprintf(uptime, sizeof(uptime), "%lld",
		    (long long)time(NULL) - since);
		process_version(pid, version);
	}
	output_row(output,
	    (const char *[]){"msgraph-milter", status, version, number, started,
		uptime, NULL, err.text});
	conf_free(&conf);
}

/* --- what msgraphd says --- */

static const char *
command_status_of(const struct admin_record *record, const char *column)
{
	long long ends = admin_value_number(record, "credential-ends");
	long long expires = admin_value_number(record, "expires");

	if (strcmp(column, "status") != 0)
		return NULL;
	if (ends == 0 || (expires != 0 && expires < ends))
		ends = expires;
	if (admin_value(record, "failing")[0] != '\0' ||
	    admin_value(record, "credential-fault")[0] != '\0')
		return "critical";
	return ends > 0 && ends - time(NULL) < CREDENTIAL_SECONDS ? "warning"
								  : "ok";
}

/* Returns 1 where there is an end, or a file, to look after. */
static int
command_status_is_own(const struct admin_record *record)
{
	return admin_value(record, "credential")[0] != '\0' ||
	    admin_value(record, "expires")[0] != '\0';
}

static int
command_status_is_failing(const struct admin_record *record)
{
	return admin_value(record, "failing")[0] != '\0';
}

static void
command_status_rows(struct output *output, const struct command_status *status)
{
	admin_rows(output, &command_status_tables[COUNTS], status->status,
	    "status", NULL, NULL);
	admin_rows(output, &command_status_tables[APPLICATIONS],
	    status->applications, "application", NULL, command_status_of);
	admin_rows(output, &command_status_tables[CREDENTIALS],
	    status->applications, "application", command_status_is_own,
	    command_status_of);
	admin_rows(output, &command_status_tables[FAILING],
	    status->applications, "application", command_status_is_failing,
	    NULL);
	admin_rows(output, &command_status_tables[THROTTLED], status->throttles,
	    "throttle", NULL, NULL);
	admin_rows(output, &command_status_tables[EVENTS], status->events,
	    "event", NULL, NULL);
}

static int
command_status_ask(struct ctl *ctl, struct command_status *status)
{
	const char *file = ctl->conf_file;
	struct error *err = &status->err;

	status->status = admin_ask_for(file, "status", err);
	if (status->status != NULL)
		status->applications = admin_ask_for(file, "applications", err);
	if (status->applications != NULL)
		status->throttles = admin_ask_for(file, "throttles", err);
	if (status->throttles != NULL)
		status->events = admin_ask_for(file, "events", err);
	return status->events == NULL ? -1 : 0;
}

/* Asks and prints. Returns the exit status. */
static int
command_status_once(struct ctl *ctl, int is_repainted)
{
	struct command_status status = {0};
	struct output *output = output_new(stdout, ctl->is_json);
	int result = EX_OSERR;

	if (output != NULL) {
		result = command_status_ask(ctl, &status) == 0 ? EX_OK
							       : EX_UNAVAILABLE;
		if (result != EX_OK)
			admin_reply_free(&status.status);
		output_table(output, command_status_tables[DAEMONS].name,
		    command_status_tables[DAEMONS].columns);
		command_status_msgraphd(ctl, output, &status);
		command_status_milter(ctl, output);
		if (result == EX_OK)
			command_status_rows(output, &status);
		if (is_repainted)
			fputs(CLEAR, stdout);
		if (output_end(&output) == -1)
			result = EX_IOERR;
	}
	admin_reply_free(&status.status);
	admin_reply_free(&status.applications);
	admin_reply_free(&status.throttles);
	admin_reply_free(&status.events);
	return result;
}

static int
command_status_run(
    struct ctl *ctl, const struct command *command, int argc, char **argv)
{
	int key, status, is_watched = 0;
	const char *value;

	while (
	    (key = command_next(ctl, command, argc, argv, &value, &status)) > 0)
		is_watched |= key == 'w';
	if (key == -1)
		return status;
	while ((status = command_status_once(
		    ctl, is_watched && isatty(STDOUT_FILENO))) != EX_IOERR &&
	    is_watched)
		sleep(WATCH_SECONDS);
	return status;
}

static const struct cmdline_option command_status_options[] = {
    {CMDLINE_HELP},
    {COMMAND_JSON},
    {'w', "watch", NULL, "print it again every two seconds"},
    {0, NULL, NULL, NULL},
};

const struct command command_status = {
    .name = "status",
    .help = "print how the relay is and what is wrong",
    .cmdline = {"msgraphctl status", "[-jw]", command_status_options, 0},
    .tables = command_status_tables,
    .run = command_status_run,
};
