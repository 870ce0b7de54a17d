/*
 * check_postfix.c - Postfix itself: is it there, does it run, are our services
 * in it once each, and does it have their ports.
 */
#include <dirent.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/ctl/base/ports.h"
#include "checks.h"

#define CHECK_POSTFIX_OLDEST "3.7" /* that is tried */
#define CHECK_GROUPS_MAX 256

/* --- users --- */

static int
check_postfix_is_member(const struct passwd *user, gid_t group)
{
	gid_t groups[CHECK_GROUPS_MAX];
	int count = CHECK_GROUPS_MAX, i;

	if (getgrouplist(user->pw_name, user->pw_gid, groups, &count) == -1)
		return 0;
	for (i = 0; i < count; i++)
		if (groups[i] == group)
			return 1;
	return 0;
}

void
check_users(const struct host *host, struct report *report)
{
	static const char *const ours[] = {"msgraph", "msgraphd"};
	const struct passwd *user;
	const struct group *found;
	gid_t group;
	size_t i;

	(void)host;
	for (i = 0; i < 2; i++)
		if (getpwnam(ours[i]) == NULL) {
			check_say(report, CHECK_CRITICAL, "there is no user %s",
			    ours[i]);
			check_remedy(report, "systemd-sysusers msgraph.conf");
		}
	if ((found = getgrnam("msgraph")) == NULL) {
		check_say(report, CHECK_CRITICAL, "there is no group msgraph");
		check_remedy(report, "systemd-sysusers msgraph.conf");
		return;
	}
	group = found->gr_gid;
	user = getpwnam("postfix");
	if (user != NULL && !check_postfix_is_member(user, group)) {
		check_say(report, CHECK_CRITICAL,
		    "user postfix is not in group msgraph, so no sign-in and "
		    "no message gets in");
		check_remedy(
		    report, "gpasswd -a postfix msgraph && postfix reload");
	}
}

/* --- the program --- */

/* Compares as numbers: "3.10.5" is after "3.7". */
static int
check_postfix_is_before(const char *version, const char *other)
{
	char *end;
	long a, b;

	do {
		a = strtol(version, &end, 10);
		version = *end == '.' ? end + 1 : end;
		b = strtol(other, &end, 10);
		other = *end == '.' ? end + 1 : end;
	} while (a == b && *version != '\0' && *other != '\0');
	return a < b;
}

void
check_postfix(const struct host *host, struct report *report)
{
	const char *text = host->postfix_error.text, *version;

	if (host->postfix == NULL) {
		check_say(report, CHECK_CRITICAL, "%s", text);
		if (strstr(text, "not installed") != NULL)
			check_remedy(report, "apt install postfix");
		else if (strstr(text, "main.cf: No such file") != NULL)
			check_remedy(report, "dpkg-reconfigure postfix");
		else
			check_remedy(report,
			    "mend the file that is named; postconf says when "
			    "it is right");
		return;
	}
	version = postfix_get(host->postfix, NULL, "mail_version");
	if (check_postfix_is_before(version, CHECK_POSTFIX_OLDEST)) {
		check_say(report, CHECK_WARNING,
		    "Postfix %s is older than any that was tried (%s)", version,
		    CHECK_POSTFIX_OLDEST);
		check_remedy(report, "upgrade Postfix");
		return;
	}
	check_say(report, CHECK_OK, "Postfix %s", version);
}

/* --- the process --- */

pid_t
check_master(const struct host *host)
{
	char path[512], name[32] = "";
	FILE *in;
	int pid = -1;

	snprintf(path, sizeof(path), "%s/pid/master.pid",
	    postfix_queue(host->postfix));
	if ((in = fopen(path, "re")) == NULL)
		return -1;
	if (fscanf(in, "%d", &pid) != 1 || pid < 1)
		pid = -1;
	fclose(in);
	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	if (pid == -1 || (in = fopen(path, "re")) == NULL)
		return -1;
	if (fgets(name, sizeof(name), in) == NULL)
		name[0] = '\0';
	fclose(in);
	/* the pid of one that is gone may be another program's */
	return strcmp(name, "master\n") == 0 ? pid : -1;
}

void
check_running(const struct host *host, struct report *report)
{
	if (check_master(host) != -1)
		return;
	check_say(report, CHECK_CRITICAL, "Postfix does not run");
	check_remedy(report, "postfix start");
}

/* --- services --- */

/* Returns 1 where both would have one address and port, or one socket. */
static int
check_postfix_collide(
    const struct postconf_service *a, const struct postconf_service *b)
{
	if (postfix_is_inet(a) && postfix_is_inet(b))
		return ports_collide(postfix_name(a), postfix_name(b));
	return strcmp(a->id, b->id) == 0;
}

static int
check_postfix_is_ours(const struct host *host, const struct postconf_service *s)
{
	return postfix_is_listener(host->postfix, s) ||
	    postfix_is_transport(s) ||
	    (strcmp(postfix_program(s), "cleanup") == 0 &&
		strncmp(postfix_name(s), "msgraph-", 8) == 0);
}

static void
check_postfix_twice(const struct host *host, struct report *report)
{
	const struct postconf_service *s;
	size_t i, j;

	s = host->postfix->services;
	for (i = 0; i < host->postfix->service_count; i++)
		for (j = i + 1; j < host->postfix->service_count; j++) {
			if (!check_postfix_collide(&s[i], &s[j]) ||
			    (!check_postfix_is_ours(host, &s[i]) &&
				!check_postfix_is_ours(host, &s[j])))
				continue;
			check_say(report, CHECK_CRITICAL,
			    "master.cf has %s and %s for one place, and "
			    "Postfix takes the last",
			    s[i].id, s[j].id);
			check_remedy(report,
			    "remove all but one of them from %s/master.cf, "
			    "then: postfix reload",
			    postfix_get(
				host->postfix, NULL, "config_directory"));
		}
}

void
check_services(const struct host *host, struct report *report)
{
	const struct postconf_service *s;
	size_t i, listeners = 0, transports = 0;

	s = host->postfix->services;
	for (i = 0; i < host->postfix->service_count; i++) {
		listeners += (size_t)postfix_is_listener(host->postfix, &s[i]);
		transports += (size_t)postfix_is_transport(&s[i]);
	}
	if (listeners == 0)
		check_say(report, CHECK_CRITICAL,
		    "no smtpd of master.cf takes mail for Microsoft Graph");
	else if (transports == 0)
		check_say(report, CHECK_CRITICAL,
		    "master.cf has no transport msgraph");
	if (listeners == 0 || transports == 0)
		check_remedy(report, CHECK_SETUP);
	check_postfix_twice(host, report);
}

/* --- ports --- */

/* Returns 1 when the process has this socket open. */
static int
check_postfix_holds(pid_t pid, unsigned long inode)
{
	char path[64], wanted[64], target[64];
	const struct dirent *entry;
	int held = 0;
	ssize_t n;
	DIR *fds;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
	if ((fds = opendir(path)) == NULL)
		return 1; /* nobody can say */
	while (!held && (entry = readdir(fds)) != NULL) {
		n = readlinkat(
		    dirfd(fds), entry->d_name, target, sizeof(target) - 1);
		if (n > 0) {
			target[n] = '\0';
			held = strcmp(target, wanted) == 0;
		}
	}
	closedir(fds);
	return held;
}

int
check_is_postfixs(
    const struct host *host, const struct postconf_service *service)
{
	pid_t master = check_master(host);
	unsigned long inode;

	if (master == -1)
		return 0;
	inode = ports_listener(master, postfix_name(service));
	return inode != 0 && check_postfix_holds(master, inode);
}

static void
check_postfix_port(const struct host *host,
    const struct postconf_service *service, struct report *report)
{
	char address[INET6_ADDRSTRLEN];
	int port = ports_parse(postfix_name(service), address);
	pid_t master = check_master(host);
	unsigned long inode;

	if (!postfix_is_inet(service))
		return;
	if (port == -1) {
		check_say(report, CHECK_CRITICAL,
		    "no port is known by the name of %s",
		    postfix_name(service));
		check_remedy(report, "write its number into master.cf");
		return;
	}
	inode = ports_listener(master, postfix_name(service));
	if (inode == 0) {
		check_say(
		    report, CHECK_CRITICAL, "nobody listens on port %d", port);
		check_remedy(report, "postfix reload");
	} else if (!check_postfix_holds(master, inode)) {
		check_say(report, CHECK_CRITICAL,
		    "port %d is another program's, not Postfix's", port);
		check_remedy(report,
		    "see which one by \"ss -ltnp sport = :%d\", and stop it "
		    "or use another port; then: postfix reload",
		    port);
	}
}

void
check_ports(const struct host *host, struct report *report)
{
	check_each_listener(host, report, check_postfix_port);
}
