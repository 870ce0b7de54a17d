/*
 * check_bounces.c - the hook by which bounces and delay notices for a mailbox
 * go through Graph. Half of it is worse than none, and so is one that nobody
 * answers: then all bounces of the host wait.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/local/sock.h"
#include "checks.h"

#define CHECK_BOUNCES_CLEANUP "msgraph-bounce"

static const char *const check_bounces_services[] = {
    "bounce/unix", "defer/unix", "trace/unix"};

#define CHECK_BOUNCES_COUNT 3

/* Copies PATH and NAME of "socketmap:unix:PATH:NAME". 0, or -1. */
static int
check_bounces_socket(const char *tables, char path[512], char name[64])
{
	const char *at = strstr(tables, "socketmap:unix:");
	size_t len;

	if (at == NULL)
		return -1;
	at += strlen("socketmap:unix:");
	len = strcspn(at, ": ,");
	snprintf(path, 512, "%.*s", (int)len, at);
	snprintf(name, 64, "%.*s",
	    at[len] == ':' ? (int)strcspn(at + len + 1, " ,") : 0,
	    at + len + (at[len] == ':'));
	return 0;
}

/* Asks by socketmap_table(5) about a mailbox that nobody has. */
static int
check_bounces_ask(const char *path, const char *name, struct error *err)
{
	long long deadline = sock_now() + CHECK_WAIT_MS;
	char key[256], request[300], answer[16];
	ssize_t n = -1;
	int fd;

	if ((fd = sock_connect(path, deadline, err)) == -1)
		return -1;
	snprintf(
	    key, sizeof(key), "%s To: %s@example.invalid", name, CHECK_NOBODY);
	snprintf(request, sizeof(request), "%zu:%s,", strlen(key), key);
	if (sock_write_all(fd, request, strlen(request), -1, deadline, err) ==
	    0)
		n = sock_read_all(fd, answer, 12, deadline, err);
	close(fd);
	if (n == -1)
		return -1;
	answer[n < 0 ? 0 : n] = '\0';
	if (strstr(answer, ":NOTFOUND") == NULL)
		return error_set(err, ERROR_TEMPORARY, "4.3.0",
		    "%s answers a look-up with \"%.12s\"", path, answer);
	return 0;
}

/* Returns the cleanup that the service uses, if that asks us; else NULL. */
static const struct postconf_service *
check_bounces_hook(const struct host *host, const char *service)
{
	const struct postconf_service *s =
	    postconf_service(host->postfix, service);
	const struct postconf_service *cleanup;
	char path[512], name[64];

	if (s == NULL || (cleanup = check_cleanup_of(host, s)) == NULL)
		return NULL;
	return check_bounces_socket(
		   postfix_get(host->postfix, cleanup, "header_checks"), path,
		   name) == 0
	    ? cleanup
	    : NULL;
}

/* What is missing of the hook at one of the three services. */
static void
check_bounces_whole(const struct host *host, const char *service,
    const char *cleanup, struct report *report)
{
	const struct postconf_service *s =
	    postconf_service(host->postfix, service);

	if (s == NULL)
		return; /* Postfix has them always, or cannot work at all */
	if (check_bounces_hook(host, service) == NULL) {
		check_say(report, CHECK_WARNING,
		    "%s has cleanup_service_name = %s, and others have %s: "
		    "some notices take another way",
		    service,
		    postfix_get(host->postfix, s, "cleanup_service_name"),
		    cleanup);
		check_remedy_option(report, s, "cleanup_service_name", cleanup);
	} else if (!postfix_has_word(postfix_get(host->postfix, s,
					 "internal_mail_filter_classes"),
		       "bounce")) {
		check_say(report, CHECK_WARNING,
		    "%s lacks internal_mail_filter_classes = bounce, without "
		    "which its notices are not looked at",
		    service);
		check_remedy_option(
		    report, s, "internal_mail_filter_classes", "bounce");
	}
}

/* A name that master.cf lacks stops every bounce of the host. */
static int
check_bounces_dangling(const struct host *host, struct report *report)
{
	const struct postconf_service *s;
	const char *name;
	size_t i;

	for (i = 0; i < CHECK_BOUNCES_COUNT; i++) {
		s = postconf_service(host->postfix, check_bounces_services[i]);
		if (s == NULL || check_cleanup_of(host, s) != NULL)
			continue;
		name = postfix_get(host->postfix, s, "cleanup_service_name");
		check_say(report, CHECK_CRITICAL,
		    "%s has cleanup_service_name = %s, which is not in "
		    "master.cf, so no bounce of this host gets out",
		    check_bounces_services[i], name);
		if (postconf_service(
			host->postfix, CHECK_BOUNCES_CLEANUP "/unix") != NULL)
			check_remedy_option(report, s, "cleanup_service_name",
			    CHECK_BOUNCES_CLEANUP);
		else
			check_remedy(report,
			    "postconf -PX '%s/cleanup_service_name' && postfix "
			    "reload",
			    s->id);
	}
	return report->count > 0;
}

/* Asks as the cleanup does. */
static void
check_bounces_answer(const struct host *host,
    const struct postconf_service *cleanup, struct report *report)
{
	const struct postconf *p = host->postfix;
	const char *ours = host->conf.bounce_socket;
	const char *right = place_for(p, cleanup, ours);
	char path[512], name[64], place[PATH_MAX], tables[PATH_MAX];
	struct error err;
	int is_ours;

	check_bounces_socket(
	    postfix_get(p, cleanup, "header_checks"), path, name);
	place_of(p, cleanup, path, place);
	is_ours = place_is_same(place, ours);
	if (check_become(report, "postfix", postfix_root(p, cleanup)) == -1 ||
	    check_bounces_ask(path, name, &err) == 0)
		return;
	check_say(report, CHECK_CRITICAL,
	    "%s asks nobody, so bounces of all mail wait: %s", cleanup->id,
	    err.text);
	snprintf(tables, sizeof(tables), "socketmap:unix:%s:%s",
	    right != NULL ? right : "", name);
	if (is_ours)
		check_remedy(report, "systemctl start msgraphd");
	else if (right == NULL)
		check_remedy_reach(host, report);
	else
		check_remedy_option(report, cleanup, "header_checks", tables);
}

void
check_bounces(const struct host *host, struct report *report)
{
	const struct postconf_service *cleanup = NULL;
	size_t i;

	if (check_bounces_dangling(host, report))
		return;
	for (i = 0; i < CHECK_BOUNCES_COUNT && cleanup == NULL; i++)
		cleanup = check_bounces_hook(host, check_bounces_services[i]);
	if (cleanup == NULL) {
		check_say(report, CHECK_OK,
		    "bounces take their usual way, not Graph's");
		return;
	}
	for (i = 0; i < CHECK_BOUNCES_COUNT; i++)
		check_bounces_whole(host, check_bounces_services[i],
		    postfix_name(cleanup), report);
	check_bounces_answer(host, cleanup, report);
}
