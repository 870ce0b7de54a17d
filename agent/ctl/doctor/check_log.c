/*
 * check_log.c - what the mail log has said in the last minutes, of clients above
 * all: a refused sign-in is nowhere else.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "checks.h"

#define CHECK_LOG_MINUTES 15
#define CHECK_LOG_TAIL (256 * 1024L) /* of a file */

/* The first row that a line has is its. */
static const struct {
	const char *words, *remedy;
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
    {"AADSTS900023",
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
    {"it came past msgraph-milter",
	"run msgraphctl doctor milters cleanup route; when they are ok, "
	"restart "
	"Postfix"},
};

#define CHECK_LOG_ROWS (sizeof(check_log_rows) / sizeof(check_log_rows[0]))

struct check_log {
	struct {
		size_t count;
		char last[400]; /* line */
	} rows[CHECK_LOG_ROWS];
};

static void
check_log_line(struct check_log *log, const char *line)
{
	const char *text = strstr(line, "]: ");
	size_t i;

	text = text == NULL ? line : text + 3;
	/* smtpd says of each failure by which plugin and why; one line counts */
	if (strstr(line, CHECK_NOBODY) != NULL ||
	    (strstr(line, "entra") == NULL &&
		strstr(line, "came past") == NULL))
		return;
	for (i = 0; i < CHECK_LOG_ROWS; i++)
		if (strstr(text, check_log_rows[i].words) != NULL) {
			log->rows[i].count++;
			snprintf(log->rows[i].last, sizeof(log->rows[i].last),
			    "%s", text);
			return;
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
	    "--output=cat", "--facility=mail", "--lines=2000", since, NULL};
	struct buf out;
	size_t at = 0;
	char *line;

	snprintf(since, sizeof(since), "--since=-%dmin", CHECK_LOG_MINUTES);
	if (check_run(report, argv, &out) != -1)
		while ((line = check_line(&out, &at)) != NULL)
			check_log_line(log, line);
	buf_free(&out);
}

void
check_log(const struct host *host, struct report *report)
{
	const char *file = postfix_get(host->postfix, NULL, "maillog_file");
	struct check_log log = {0};
	FILE *in;
	size_t i;

	in = fopen(file[0] == '/' ? file : "/var/log/mail.log", "re");
	if (in != NULL) {
		check_log_file(&log, in);
		fclose(in);
	} else {
		check_log_journal(&log, report);
	}
	for (i = 0; i < CHECK_LOG_ROWS; i++) {
		if (log.rows[i].count == 0)
			continue;
		check_say(report, CHECK_WARNING,
		    "%zu times in the last %d minutes: %s", log.rows[i].count,
		    CHECK_LOG_MINUTES, log.rows[i].last);
		check_remedy(report, "%s", check_log_rows[i].remedy);
	}
}
