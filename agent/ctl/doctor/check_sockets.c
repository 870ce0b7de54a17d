/*
 * check_sockets.c - the folders of the sockets, and whether msgraphd and the
 * milter answer on them, asked as each user and in each place that asks.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/local/milter_hello.h"
#include "lib/local/policy.h"
#include "lib/local/sock.h"
#include "lib/local/wire.h"
#include "checks.h"

#define CHECK_SOCKETS_MODE 03770
#define CHECK_SOCKETS_STOPPED \
	"systemctl status msgraphd says why; systemctl restart msgraphd"

/* --- folders --- */

static void
check_sockets_remedy(struct report *report, const char *folder)
{
	if (strcmp(folder, "/var/spool/postfix/msgraph") == 0 ||
	    strcmp(folder, "/run/msgraph") == 0)
		check_remedy(report,
		    "systemd-tmpfiles --create msgraph.conf && systemctl "
		    "restart msgraphd msgraph-milter");
	else
		check_remedy(report, "install -d -o root -g msgraph -m %o %s",
		    CHECK_SOCKETS_MODE, folder);
}

static void
check_sockets_folder(const char *socket_path, struct report *report)
{
	const struct group *group = getgrnam("msgraph");
	char path[PATH_MAX], *folder;
	struct stat st;

	snprintf(path, sizeof(path), "%s", socket_path);
	folder = dirname(path);
	if (stat(folder, &st) == -1) {
		check_say(report, CHECK_CRITICAL, "folder %s of a socket: %s",
		    folder, strerror(errno));
	} else if (group == NULL || st.st_gid != group->gr_gid ||
	    (st.st_mode & 0070) != 0070) {
		check_say(report, CHECK_CRITICAL,
		    "folder %s of a socket is not open to group msgraph (mode "
		    "%04o)",
		    folder, (unsigned int)st.st_mode & 07777);
	} else if (st.st_uid != 0 || (st.st_mode & 01007) != 01000) {
		check_say(report, CHECK_WARNING,
		    "folder %s of a socket lets others put a socket in the "
		    "place of ours (mode %04o)",
		    folder, (unsigned int)st.st_mode & 07777);
	} else {
		return;
	}
	check_sockets_remedy(report, folder);
}

void
check_folders(const struct host *host, struct report *report)
{
	const char *milter = milter_hello_path(host->conf.milter_socket);

	check_sockets_folder(host->conf.auth_socket, report);
	check_sockets_folder(host->conf.submit_socket, report);
	/* one folder is one finding */
	if (milter != NULL && report->count == 0)
		check_sockets_folder(milter, report);
}

/* --- msgraphd --- */

void
check_msgraphd(const struct host *host, struct report *report)
{
	const struct policy_question question = {.stage = POLICY_MAIL,
	    .user = CHECK_NOBODY,
	    .client_address = "192.0.2.1",
	    .sender = "nobody@example.invalid",
	    .mailbox = "nobody@example.invalid"};
	struct policy_answer answer;
	struct error err;

	if (check_become(report, "msgraph", NULL) == -1)
		return;
	if (policy_ask(host->conf.submit_socket, &question,
		sock_now() + CHECK_WAIT_MS, &answer, &err) == -1)
		check_say(report, CHECK_CRITICAL, "%s", err.text);
	else if (answer.status == POLICY_LATER)
		check_say(report, CHECK_CRITICAL, "%s", answer.text);
	else
		return;
	check_remedy(report, CHECK_SOCKETS_STOPPED);
}

/* Asks as libentra.so does. Returns what was answered; NULL with *err. */
static const char *
check_sockets_ask(const char *path, const char *suffix,
    char reply[WIRE_AUTH_REPLY_MAX + 3], struct error *err)
{
	long long deadline = sock_now() + CHECK_WAIT_MS;
	char name[128];
	struct buf request;
	ssize_t n = -1;
	int fd;

	if ((fd = sock_connect(path, deadline, err)) == -1)
		return NULL;
	snprintf(name, sizeof(name), "%s@%s", CHECK_NOBODY, suffix);
	buf_init(&request, WIRE_AUTH_REQUEST_MAX);
	wire_auth_string(&request, name, strlen(name));
	wire_auth_string(&request, "no-secret", 9);
	wire_auth_string(&request, "smtp", 4);
	wire_auth_string(&request, "", 0);
	if (!request.failed &&
	    sock_write_all(fd, request.bytes, request.len, -1, deadline, err) ==
		0)
		n = sock_read_all(
		    fd, reply, WIRE_AUTH_REPLY_MAX + 2, deadline, err);
	buf_free(&request);
	close(fd);
	if (n == -1)
		return NULL;
	reply[n] = '\0';
	return n < 2 ? "" : reply + 2;
}

void
check_auth(const struct host *host, struct report *report)
{
	const struct postconf_service *service = check_listener(host);
	const char *root = postfix_root(host->postfix, service);
	const char *path =
	    place_for(host->postfix, service, host->conf.auth_socket);
	char reply[WIRE_AUTH_REPLY_MAX + 3];
	const char *said;
	struct error err;

	if (path == NULL) {
		check_say(report, CHECK_CRITICAL,
		    "smtpd's chroot %s does not hold auth_socket (%s)", root,
		    host->conf.auth_socket);
		check_remedy_reach(host, report);
		return;
	}
	if (check_become(report, "postfix", root) == -1)
		return;
	said = check_sockets_ask(
	    path, host->conf.identity_lookup_suffix, reply, &err);
	if (said == NULL)
		check_say(report, CHECK_CRITICAL, "as user postfix%s: %s",
		    root != NULL ? ", in its chroot" : "", err.text);
	else if (strncmp(said, "NO", 2) != 0)
		check_say(report, CHECK_CRITICAL,
		    "msgraphd does not refuse a name that nobody has on %s, "
		    "but %s%.100s",
		    path,
		    said[0] == '\0' ? "closes: it cannot tell now" : "says ",
		    said);
	else
		return;
	check_remedy(report, CHECK_SOCKETS_STOPPED);
}

/* --- the milter --- */

/* As smtpd reaches it, whatever msgraph.conf says of the path. */
void
check_milter(const struct host *host, struct report *report)
{
	const struct postconf_service *service = check_listener(host);
	char path[PATH_MAX];
	struct error err;

	if (milter_hello_path(host->conf.milter_socket) == NULL) {
		check_say(report, CHECK_OK, "not asked: %s is no unix socket",
		    host->conf.milter_socket);
		return;
	}
	if (check_milter_path(host, service, path) == -1 ||
	    check_become(report, "postfix",
		postfix_root(host->postfix, service)) == -1 ||
	    milter_hello(path, sock_now() + CHECK_WAIT_MS, NULL, &err) == 0)
		return;
	check_say(report, CHECK_CRITICAL, "msgraph-milter: %s", err.text);
	check_remedy(report,
	    "systemctl status msgraph-milter says why; systemctl restart "
	    "msgraph-milter");
}
