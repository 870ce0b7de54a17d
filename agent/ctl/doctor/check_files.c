/*
 * check_files.c - msgraph.conf, the files that our users must be able to read,
 * and room on their disks.
 */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "agent/ctl/base/installed.h"
#include "agent/ctl/base/run.h"
#include "checks.h"

/* --- settings --- */

static struct report *check_files_warned; /* conf_warn() passes no context */

static void
check_files_warn(const char *text)
{
	check_say(check_files_warned, CHECK_WARNING, "%s", text);
	check_remedy(check_files_warned, "mend that line; then: %s",
	    "systemctl reload msgraphd msgraph-milter");
}

void
check_settings(const struct host *host, struct report *report)
{
	if (!host->has_conf) {
		check_say(report, CHECK_CRITICAL, "%s", host->conf_error.text);
		check_remedy(report,
		    "mend what is named, until \"msgraphd -t\" is content; "
		    "then: systemctl restart msgraphd msgraph-milter");
		return;
	}
	check_files_warned = report;
	conf_warn(&host->conf, check_files_warn);
}

/*
 * msgraphd leaves a copy of what it has loaded beside its submit socket,
 * written after each start and reload.
 */
void
check_loaded(const struct host *host, struct report *report)
{
	char copy[PATH_MAX];
	struct stat file, loaded;

	snprintf(copy, sizeof(copy), "%s.conf", host->conf.submit_socket);
	if (stat(host->conf_file, &file) == -1 || stat(copy, &loaded) == -1 ||
	    file.st_mtime <= loaded.st_mtime)
		return;
	check_say(report, CHECK_WARNING,
	    "%s was changed after msgraphd has read it", host->conf_file);
	check_remedy(report, "systemctl reload msgraphd msgraph-milter");
}

/* --- what users may read --- */

#define CHECK_FILES_COMPLAINT "msgraphd: "
#define CHECK_FILES_WARNING "warning: "

static int
check_files_begins(const char *line, const char *begin)
{
	return strncmp(line, begin, strlen(begin)) == 0;
}

/*
 * Returns 1 for a complaint about a map of identities or an entry of it:
 * "msgraphd: as user NAME: MAP:LINE: text". The rest of the relay goes on with
 * it.
 */
static int
check_files_is_of_table(const struct host *host, const char *line)
{
	const char *maps = host->conf.identity_maps, *map;
	const char *text = strstr(line, ": as user ");
	size_t len;

	if (maps == NULL || text == NULL ||
	    (text = strstr(text + 2, ": ")) == NULL)
		return 0;
	text += 2;
	while ((len = postfix_word(&maps, &map)) > 0)
		if (strncmp(text, map, len) == 0 && text[len] == ':')
			return 1;
	return 0;
}

/* "msgraphd: as user NAME: text; run: COMMAND" */
static void
check_files_complain(const char *line, struct report *report)
{
	const char *text = line + strlen(CHECK_FILES_COMPLAINT), *run;

	run = strstr(text, "; run: ");
	check_say(report, CHECK_CRITICAL, "%.*s",
	    run != NULL ? (int)(run - text) : (int)strlen(text), text);
	if (run != NULL)
		check_remedy(report, "%s", run + strlen("; run: "));
	else if ((run = strstr(text, "chmod it to ")) != NULL)
		check_remedy(report, "%s", run);
	else if ((run = strstr(text, "restore it from")) != NULL)
		check_remedy(report, "%s", run);
	else
		check_remedy(report,
		    "mend what is named, until \"msgraphd -t\" is content");
}

static void
check_files_user(
    const struct host *host, const char *line, struct report *report)
{
	if (check_files_begins(line, CHECK_FILES_COMPLAINT) &&
	    !check_files_is_of_table(host, line))
		check_files_complain(line, report);
}

/* "warning: FILE:LINE: text", or a complaint */
static void
check_files_entry(
    const struct host *host, const char *line, struct report *report)
{
	if (check_files_begins(line, CHECK_FILES_COMPLAINT) &&
	    check_files_is_of_table(host, line)) {
		check_files_complain(line, report);
	} else if (check_files_begins(line, CHECK_FILES_WARNING)) {
		check_say(report, CHECK_WARNING, "%s",
		    line + strlen(CHECK_FILES_WARNING));
		check_remedy(report,
		    "if it is not meant, change that line; identities(5) says "
		    "how");
	}
}

/*
 * Runs msgraphd -t, which looks as each of the users does, and calls call() for
 * each line of its errors.
 */
static void
check_files_run(const struct host *host, struct report *report,
    void (*call)(
	const struct host *host, const char *line, struct report *report))
{
	char program[PATH_MAX];
	const char *argv[] = {installed_program("msgraphd", program), "-c",
	    host->conf_file, "-t", NULL};
	size_t at = 0;
	struct buf out;
	char *line;

	if (check_run(report, argv, &out) != -1)
		while ((line = check_line(&out, &at)) != NULL)
			call(host, line, report);
	buf_free(&out);
}

static int
check_files_open(void *file)
{
	return access(file, R_OK) == 0 ? 0 : 1;
}

/* Of the default file msgraphd -t says it; another might be a draft. */
static void
check_files_settings(
    const struct host *host, const char *user, struct report *report)
{
	struct error err;
	struct buf out;

	if (strcmp(host->conf_file, CONF_DEFAULT_FILE) == 0)
		return;
	buf_init(&out, 1024);
	if (run_as(user, NULL, check_files_open, (void *)host->conf_file, &out,
		&err) > 0) {
		check_say(report, CHECK_CRITICAL,
		    "as user %s: open %s: Permission denied", user,
		    host->conf_file);
		check_remedy(report, "chmod 0644 %s", host->conf_file);
	}
	buf_free(&out);
}

void
check_readable(const struct host *host, struct report *report)
{
	check_files_settings(host, "msgraphd", report);
	check_files_settings(host, "msgraph", report);
	check_files_run(host, report, check_files_user);
}

void
check_identities(const struct host *host, struct report *report)
{
	check_files_run(host, report, check_files_entry);
}

/* --- room --- */

#define CHECK_FILES_MB (1024.0 * 1024)

/*
 * need: bytes below which mail waits. Where twice as much is left, it soon
 * will.
 */
static void
check_files_room(
    const char *what, const char *folder, double need, struct report *report)
{
	struct statvfs fs;
	double room, files;

	if (statvfs(folder, &fs) == -1) {
		/* msgraphd's first start makes the one of the state */
		if (errno == ENOENT)
			return;
		check_say(report, CHECK_CRITICAL, "%s %s: %s", what, folder,
		    strerror(errno));
		check_remedy(report, "make the folder as it was");
		return;
	}
	room = (double)fs.f_bavail * (double)fs.f_frsize;
	files = fs.f_files == 0 ? 1e9 : (double)fs.f_favail;
	if (room >= 2 * need && files >= 2000)
		return;
	check_say(report,
	    room < need || files < 100 ? CHECK_CRITICAL : CHECK_WARNING,
	    "%s %s has room for %.0f MB and %.0f files, and needs %.0f MB",
	    what, folder, room / CHECK_FILES_MB, files, need / CHECK_FILES_MB);
	check_remedy(
	    report, "make room there: df -h %s; df -i %s", folder, folder);
}

/*
 * What a message may take, as smtpd counts (queue_minfree, or 1.5 times
 * message_size_limit); and twice its size for the agent, which appends what it
 * changes. Postfix's unit may have a /var/tmp of its own.
 */
void
check_room(const struct host *host, struct report *report)
{
	double size = (double)host->conf.max_message_size;
	char folder[PATH_MAX];
	int pid = (int)check_master(host);

	check_files_room("state_directory", host->conf.state_directory,
	    8 * CHECK_FILES_MB, report);
	check_files_room("queue_directory", postfix_queue(host->postfix),
	    1.5 * size, report);
	snprintf(folder, sizeof(folder), "/proc/%d/root/var/tmp", pid);
	check_files_room("/var/tmp, where the agent works, as Postfix sees it:",
	    pid == -1 || access(folder, F_OK) == -1 ? "/var/tmp" : folder,
	    2 * size, report);
}
