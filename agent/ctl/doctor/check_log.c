/*
 * check_log.c - what the mail log has said in the last minutes, of clients
 * above all: a refused sign-in is nowhere else.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/ctl/base/admin_ask.h"
#include "checks.h"
#include "log_line.h"

#define CHECK_LOG_MINUTES 15
#define CHECK_LOG_TAIL (256 * 1024L) /* of a file */
#define CHECK_LOG_CLIENTS 32
#define CHECK_LOG_MANY \
	20 /* messages of an entry, from which on a share says something */

/* How the reason begins; the first row that fits counts. */
static const struct {
	const char *begins, *remedy;
} check_log_rows[] = {
    {"AADSTS7000215",
	"give the device the Value of the secret as its password, not the "
	"Secret ID"},
    {"AADSTS7000222",
	"the secret has ended: make a new one in Entra and give it to the "
	"device"},
    {"AADSTS90002",
	"correct tenant and client in the device's user name; are they "
	"swapped?"},
    {"AADSTS700016",
	"correct tenant and client in the device's user name; are they "
	"swapped?"},
    {"AADSTS", "look the number up in docs/troubleshooting.md"},
    {"the name is neither tenant and client",
	"correct the device's user name: msgraphctl username TENANT CLIENT "
	"prints its forms"},
    {"neither allowed_tenants nor the table",
	"if the tenant is yours, add the line that the log names to "
	"msgraph.conf"},
    {"warning: it came past msgraph-milter",
	"run msgraphctl doctor milters cleanup route; when they are ok, "
	"restart Postfix"},
};

#define CHECK_LOG_ROWS (sizeof(check_log_rows) / sizeof(check_log_rows[0]))

struct check_log {
	struct {
		size_t count;
		char last[400]; /* reason */
	} rows[CHECK_LOG_ROWS];
	struct {
		char address[LOG_LINE_ADDRESS_SIZE], entry[ENTRY_NAME_SIZE];
		size_t count;
	} clients[CHECK_LOG_CLIENTS]; /* that an entry knows by network */
};

/* Counts a message of a client that has not signed in. */
static void
check_log_client(struct check_log *log, const char *address, const char *entry)
{
	size_t i;

	for (i = 0; i < CHECK_LOG_CLIENTS && log->clients[i].count > 0; i++)
		if (strcmp(log->clients[i].address, address) == 0 &&
		    strcmp(log->clients[i].entry, entry) == 0)
			break;
	if (i == CHECK_LOG_CLIENTS)
		return;
	strcpy(log->clients[i].address, address);
	strcpy(log->clients[i].entry, entry);
	log->clients[i].count++;
}

static void
check_log_line(struct check_log *log, const char *line)
{
	char address[LOG_LINE_ADDRESS_SIZE], entry[ENTRY_NAME_SIZE];
	const char *reason, *begins;
	size_t i;

	if (log_line_client(line, address, entry))
		check_log_client(log, address, entry);
	if ((reason = log_line_reason(line)) == NULL)
		return;
	for (i = 0; i < CHECK_LOG_ROWS; i++) {
		begins = check_log_rows[i].begins;
		if (strncmp(reason, begins, strlen(begins)) == 0) {
			log->rows[i].count++;
			snprintf(log->rows[i].last, sizeof(log->rows[i].last),
			    "%s", reason);
			return;
		}
	}
}

/* Returns 0 for a line whose time can be told and is long ago. */
static int
check_log_is_recent(const char *line, time_t now)
{
	struct tm when = {0}, today;
	time_t then;

	localtime_r(&now, &today);
	when.tm_isdst = -1;
	if (strptime(line, "%Y-%m-%dT%H:%M:%S", &when) == NULL) {
		when.tm_year = today.tm_year;
		if (strptime(line, "%b %e %H:%M:%S", &when) == NULL)
			return 1;
	}
	then = mktime(&when);
	return then == -1 || then > now || now - then < CHECK_LOG_MINUTES * 60;
}

static void
check_log_file(struct check_log *log, FILE *in)
{
	time_t now = time(NULL);
	char line[2048];

	if (fseek(in, -CHECK_LOG_TAIL, SEEK_END) == -1)
		rewind(in);
	while (fgets(line, sizeof(line), in) != NULL)
		if (check_log_is_recent(line, now))
			check_log_line(log, line);
}

static void
check_log_journal(struct check_log *log, struct report *report)
{
	char since[32];
	const char *argv[] = {"journalctl", "--quiet", "--no-pager",
	    "--output=short", "--facility=mail", "--lines=2000", since, NULL};
	struct buf out;
	size_t at = 0;
	char *line;

	snprintf(since, sizeof(since), "--since=-%dmin", CHECK_LOG_MINUTES);
	if (check_run(report, argv, &out) != -1)
		while ((line = check_line(&out, &at)) != NULL)
			check_log_line(log, line);
	buf_free(&out);
}

static void
check_log_read(
    const struct host *host, struct check_log *log, struct report *report)
{
	const char *file = postfix_get(host->postfix, NULL, "maillog_file");
	FILE *in;

	memset(log, 0, sizeof(*log));
	in = fopen(file[0] == '/' ? file : "/var/log/mail.log", "re");
	if (in != NULL) {
		check_log_file(log, in);
		fclose(in);
	} else {
		check_log_journal(log, report);
	}
}

void
check_log(const struct host *host, struct report *report)
{
	struct check_log log;
	size_t i;

	check_log_read(host, &log, report);
	for (i = 0; i < CHECK_LOG_ROWS; i++) {
		if (log.rows[i].count == 0)
			continue;
		check_say(report, CHECK_WARNING,
		    "%zu %s in the last %d minutes: %s", log.rows[i].count,
		    log.rows[i].count == 1 ? "time" : "times",
		    CHECK_LOG_MINUTES, log.rows[i].last);
		check_remedy(report, "%s", check_log_rows[i].remedy);
	}
}

/* Returns 1 when the entry is open to a network, and not to hosts alone. */
static int
check_log_has_network(const struct host *host, const char *entry)
{
	const struct admin_record *record = NULL;
	struct admin_reply *reply;
	const char *at = NULL;
	struct error err;

	reply = admin_ask_for(host->conf_file, "identities", &err);
	while (reply != NULL && (record = admin_next(reply, record)) != NULL)
		if (strcmp(admin_value(record, "entry"), entry) == 0)
			at = strstr(
			    admin_value(record, "attributes"), "clients=");
	while (at != NULL && *at != '\0' && *at != ' ') {
		at += strcspn(at, "/ ");
		if (*at == '/' && strtol(at + 1, NULL, 10) != 32 &&
		    strtol(at + 1, NULL, 10) != 128)
			break;
		at += *at == '/';
	}
	if (at != NULL && *at != '/')
		at = NULL;
	admin_reply_free(&reply);
	return at != NULL;
}

/* Returns the messages of all clients of the entry. */
static size_t
check_log_messages(const struct check_log *log, const char *entry)
{
	size_t i, messages = 0;

	for (i = 0; i < CHECK_LOG_CLIENTS; i++)
		if (strcmp(log->clients[i].entry, entry) == 0)
			messages += log->clients[i].count;
	return messages;
}

/*
 * Of clients that bring no secret, the address is all that is known: one that
 * sends for nearly all of a network may be a proxy or a router that hides the
 * others, and then everybody behind it may send as the entry.
 */
void
check_one_address(const struct host *host, struct report *report)
{
	const char *entry;
	struct check_log log;
	size_t i, messages;

	check_log_read(host, &log, report);
	for (i = 0; i < CHECK_LOG_CLIENTS && log.clients[i].count > 0; i++) {
		entry = log.clients[i].entry;
		messages = check_log_messages(&log, entry);
		if (messages < CHECK_LOG_MANY ||
		    log.clients[i].count * 10 < messages * 9 ||
		    !check_log_has_network(host, entry))
			continue;
		check_say(report, CHECK_WARNING,
		    "%zu of %zu messages of entry %s came from %s alone: is it "
		    "a proxy or a router, behind which anybody may send?",
		    log.clients[i].count, messages, entry,
		    log.clients[i].address);
		check_remedy(report,
		    "if it is, have its clients sign in, or let it say who "
		    "they are (%s); else name this "
		    "address alone in clients=",
		    check_fragment("postfix/services/haproxy"));
	}
}
