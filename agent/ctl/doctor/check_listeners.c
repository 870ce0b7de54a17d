/*
 * check_listeners.c - the services that take mail for us: each must have the
 * milter, and the cleanup that reads its stamp, or mail goes past them.
 */
#include <stdio.h>
#include <string.h>

#include "lib/local/milter_hello.h"
#include "checks.h"

#define CHECK_LISTENERS_CLEANUP "msgraph-cleanup"

/* --- the milter --- */

/*
 * Writes our milter as the service should name it: libmilter has
 * "inet:port@host", and Postfix "inet:host:port".
 */
static void
check_listeners_milter(const struct host *host, char milter[512])
{
	const char *socket = host->conf.milter_socket;
	const char *path = milter_hello_path(socket), *tail;
	int kind = (int)strcspn(socket, ":"), port = (int)strcspn(socket, "@");

	if (path == NULL) {
		snprintf(milter, 512, "inet:%s:%.*s", socket + port + 1,
		    port - kind - 1, socket + kind + 1);
		return;
	}
	tail = place_in_queue(host->postfix, path);
	snprintf(milter, 512, "unix:%s", tail != NULL ? tail : path);
}

/* Returns 1 for two sockets "inet:host:port" of one port. */
static int
check_listeners_is_port(const char *ours, const char *milter)
{
	const char *port = strrchr(milter, ':');

	return port != NULL && strcmp(port, strrchr(ours, ':')) == 0;
}

/*
 * Takes the milter out of a word of smtpd_milters, which may have options
 * behind it in braces, and returns 1 when that is ours.
 */
static int
check_listeners_is_ours(const struct host *host,
    const struct postconf_service *service, const char *word, size_t len,
    char milter[PATH_MAX])
{
	const char *ours = milter_hello_path(host->conf.milter_socket), *path;
	size_t skip = strspn(word, "{ \t");
	char place[PATH_MAX], wanted[512];

	snprintf(milter, PATH_MAX, "%.*s", skip < len ? (int)(len - skip) : 0,
	    word + skip);
	milter[strcspn(milter, ", \t}")] = '\0';
	path = milter_hello_path(milter);
	if (ours == NULL || path == NULL) {
		check_listeners_milter(host, wanted);
		return ours == path && check_listeners_is_port(wanted, milter);
	}
	place_of(host->postfix, service, path, place);
	return place_is_same(place, ours);
}

/* Finds the word of smtpd_milters that is ours. NULL: there is none. */
static const char *
check_listeners_word(const struct host *host,
    const struct postconf_service *service, size_t *len, char milter[PATH_MAX])
{
	const char *at = postfix_get(host->postfix, service, "smtpd_milters");
	const char *word;

	while ((*len = postfix_word(&at, &word)) > 0)
		if (check_listeners_is_ours(host, service, word, *len, milter))
			return word;
	return NULL;
}

int
check_milter_path(const struct host *host,
    const struct postconf_service *service, char path[PATH_MAX])
{
	char milter[PATH_MAX];
	const char *found;
	size_t len;

	if (check_listeners_word(host, service, &len, milter) == NULL ||
	    (found = milter_hello_path(milter)) == NULL)
		return -1;
	strcpy(path, found);
	return 0;
}

/* What switches the milter off, or lets mail pass while it does not answer. */
static void
check_listeners_past(const struct host *host,
    const struct postconf_service *service, struct report *report)
{
	static const struct {
		const char *name;
		const char *right, *wrong; /* the value; or a word of it */
	} rows[] = {
	    {"smtpd_milter_maps", "", NULL},
	    {"milter_default_action", "tempfail", NULL},
	    {"receive_override_options", NULL, "no_milters"},
	    {"milter_macro_defaults", "", NULL},
	};
	const char *value;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		value = postfix_get(host->postfix, service, rows[i].name);
		if (rows[i].right != NULL
			? strcmp(value, rows[i].right) == 0
			: !postfix_has_word(value, rows[i].wrong))
			continue;
		check_say(report, CHECK_CRITICAL,
		    "%s has %s = %s, by which mail passes the milter",
		    service->id, rows[i].name, value);
		check_remedy_option(report, service, rows[i].name,
		    rows[i].right == NULL ? "" : rows[i].right);
	}
}

/* The same of an option of ours: "{ unix:path, default_action = accept }". */
static void
check_listeners_options(const struct postconf_service *service,
    const char *word, size_t len, struct report *report)
{
	static const char name[] = "default_action";
	const char *at = memmem(word, len, name, sizeof(name) - 1);

	if (at == NULL)
		return;
	at += sizeof(name) - 1;
	at += strspn(at, " \t=");
	if (strncmp(at, "tempfail", 8) == 0)
		return;
	check_say(report, CHECK_CRITICAL,
	    "%s has %.*s in smtpd_milters, by which mail passes the milter "
	    "while it does not answer",
	    service->id, (int)len, word);
	check_remedy(report,
	    "write default_action=tempfail there, then: postfix reload");
}

/*
 * Our sockets go where the fragments of Postfix's files look for them: into the
 * folder "msgraph" of the queue.
 */
void
check_remedy_reach(const struct host *host, struct report *report)
{
	const char *auth = host->conf.auth_socket;
	const char *queue = postfix_queue(host->postfix);
	int len = (int)(strrchr(auth, '/') - auth);

	if (place_in_queue(host->postfix, auth) != NULL)
		check_remedy(report,
		    "set milter_socket = unix:%.*s/milter in msgraph.conf, "
		    "then: systemctl restart msgraph-milter",
		    len, auth);
	else
		check_remedy(report,
		    "install -d %s/msgraph && mount --bind %.*s %s/msgraph, "
		    "and the same into /etc/fstab: \"%.*s %s/msgraph none "
		    "bind\"",
		    queue, len, auth, queue, len, auth, queue);
}

static void
check_listeners_milters(const struct host *host,
    const struct postconf_service *service, struct report *report)
{
	const char *macros =
	    postfix_get(host->postfix, service, "milter_mail_macros");
	char milter[512], ours[PATH_MAX];
	const char *word;
	size_t len;

	word = check_listeners_word(host, service, &len, ours);
	if (word != NULL) {
		check_listeners_options(service, word, len, report);
	} else {
		check_listeners_milter(host, milter);
		check_say(report, CHECK_CRITICAL,
		    "%s has smtpd_milters = %s, which does not lead to "
		    "msgraph-milter (%s)",
		    service->id,
		    postfix_get(host->postfix, service, "smtpd_milters"),
		    host->conf.milter_socket);
		if (postfix_root(host->postfix, service) != NULL &&
		    strncmp(milter, "unix:/", 6) == 0)
			check_remedy_reach(host, report);
		else
			check_remedy_option(
			    report, service, "smtpd_milters", milter);
	}
	check_listeners_past(host, service, report);
	if (strstr(macros, "auth_authen") != NULL &&
	    strstr(macros, "mail_addr") != NULL)
		return;
	check_say(report, CHECK_CRITICAL,
	    "milter_mail_macros = %s lacks {auth_authen} or {mail_addr}",
	    macros);
	check_remedy(
	    report, "postconf -X milter_mail_macros && postfix reload");
}

void
check_milters(const struct host *host, struct report *report)
{
	check_each_listener(host, report, check_listeners_milters);
}

/* --- the cleanup --- */

const struct postconf_service *
check_cleanup_of(
    const struct host *host, const struct postconf_service *service)
{
	const struct postconf_service *cleanup;
	char name[256];

	snprintf(name, sizeof(name), "%s/unix",
	    postfix_get(host->postfix, service, "cleanup_service_name"));
	cleanup = postconf_service(host->postfix, name);
	return cleanup != NULL &&
		strcmp(postfix_program(cleanup), "cleanup") == 0
	    ? cleanup
	    : NULL;
}

static int
check_listeners_has_route(
    const struct host *host, const struct postconf_service *cleanup)
{
	return cleanup != NULL &&
	    postfix_get(host->postfix, cleanup, "milter_header_checks")[0] !=
	    '\0';
}

static void
check_listeners_cleanup(const struct host *host,
    const struct postconf_service *service, struct report *report)
{
	const char *name =
	    postfix_get(host->postfix, service, "cleanup_service_name");
	const struct postconf_service *cleanup =
	    check_cleanup_of(host, service);
	const struct postconf_service *ours =
	    postconf_service(host->postfix, CHECK_LISTENERS_CLEANUP "/unix");

	if (check_listeners_has_route(host, cleanup))
		return;
	check_say(report, CHECK_CRITICAL,
	    "%s has cleanup_service_name = %s, which %s", service->id, name,
	    cleanup == NULL
		? "is not in master.cf, so no mail gets in"
		: "does not read the milter's stamp (milter_header_checks)");
	if (strcmp(name, CHECK_LISTENERS_CLEANUP) != 0 && ours != NULL)
		check_remedy_option(report, service, "cleanup_service_name",
		    CHECK_LISTENERS_CLEANUP);
	else if (ours == NULL)
		check_remedy(report, CHECK_SETUP);
	else
		check_remedy_route(host, ours, report);
}

void
check_cleanup(const struct host *host, struct report *report)
{
	check_each_listener(host, report, check_listeners_cleanup);
}

void
check_each_cleanup(
    const struct host *host, struct report *report, check_service *call)
{
	const struct postconf_service *s = host->postfix->services;
	const struct postconf_service *cleanup, *last = NULL;
	size_t i;

	for (i = 0; i < host->postfix->service_count; i++) {
		if (!postfix_is_listener(host->postfix, &s[i]) ||
		    (cleanup = check_cleanup_of(host, &s[i])) == NULL)
			continue;
		if (cleanup != last)
			call(host, cleanup, report);
		last = cleanup;
	}
}

static void
check_listeners_stray_cr(const struct host *host,
    const struct postconf_service *cleanup, struct report *report)
{
	/* Postfix before 3.7.10 has no such parameter */
	if (!postfix_is_yes(
		host->postfix, cleanup, "cleanup_replace_stray_cr_lf"))
		return;
	check_say(report, CHECK_WARNING,
	    "%s/unix has cleanup_replace_stray_cr_lf = yes, which makes one "
	    "header line of a message whose lines end in CR",
	    postfix_name(cleanup));
	check_remedy_option(
	    report, cleanup, "cleanup_replace_stray_cr_lf", "no");
}

void
check_stray_cr(const struct host *host, struct report *report)
{
	check_each_cleanup(host, report, check_listeners_stray_cr);
}

/* --- secrets --- */

static void
check_listeners_secrecy(const struct host *host,
    const struct postconf_service *service, struct report *report)
{
	const struct postconf *p = host->postfix;
	const char *level = postfix_get(p, service, "smtpd_tls_security_level");
	int wrapped = postfix_is_yes(p, service, "smtpd_tls_wrappermode");

	if (!postfix_is_yes(p, service, "smtpd_sasl_auth_enable"))
		return;
	if (!postfix_has_tls(p, service)) {
		check_say(report, CHECK_CRITICAL,
		    "%s has no TLS (smtpd_tls_security_level), so nobody "
		    "should sign in",
		    service->id);
		check_remedy_option(
		    report, service, "smtpd_tls_security_level", "may");
	} else if (!wrapped && strcmp(level, "encrypt") != 0 &&
	    !postfix_is_yes(p, service, "smtpd_tls_auth_only")) {
		check_say(report, CHECK_WARNING,
		    "%s lets clients sign in without TLS, so secrets cross "
		    "the network in the clear",
		    service->id);
		check_remedy_option(
		    report, service, "smtpd_tls_auth_only", "yes");
	}
}

void
check_secrecy(const struct host *host, struct report *report)
{
	check_each_listener(host, report, check_listeners_secrecy);
}
