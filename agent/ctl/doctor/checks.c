/*
 * checks.c - the table of all checks. A check comes after those it depends on,
 * and what is found first is what the others suffer from.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "agent/ctl/base/installed.h"
#include "checks.h"

const struct check checks[] = {
    {"users", "", "users and groups are there", check_users},
    {"postfix", "", "Postfix is there", check_postfix},
    {"running", "postfix", "Postfix runs", check_running},
    {"services", "postfix", "our services are in master.cf, once each",
	check_services},
    {"ports", "running services", "Postfix listens on our ports", check_ports},
    {"settings", "", "msgraph.conf has no mistake", check_settings},
    {"readable", "users settings", "each user may read what it needs",
	check_readable},
    {"identities", "readable", "the table of identities has no mistake",
	check_identities},
    {"folders", "users settings", "the sockets' folders are right",
	check_folders},
    {"room", "settings postfix", "the disks have room", check_room},
    {"units", "readable", "systemd runs our units", check_units},
    {"msgraphd", "units readable folders", "msgraphd answers", check_msgraphd},
    {"loaded", "msgraphd", "msgraphd has loaded the file as it is",
	check_loaded},
    {"auth", "msgraphd services identities",
	"msgraphd answers smtpd, and refuses a name that nobody has",
	check_auth},
    {"milters", "services settings", "mail goes through msgraph-milter",
	check_milters},
    {"milter", "folders milters", "msgraph-milter answers smtpd", check_milter},
    {"sasl", "services", "libsasl2's settings name our plugin", check_sasl},
    {"plugin", "sasl", "libsasl2 loads libentra.so", check_plugin},
    {"sign-in", "plugin auth",
	"libentra.so asks msgraphd, which refuses a name that nobody has",
	check_sign_in},
    {"lookup", "settings sasl", "entra_lookup and identity_lookup_suffix agree",
	check_lookup},
    {"cleanup", "services", "a cleanup reads the milter's stamp",
	check_cleanup},
    {"stray-cr", "cleanup", "a CR alone stays one", check_stray_cr},
    {"route", "cleanup", "the route leads to our transports", check_route},
    {"transports", "users services", "the transports run msgraph-agent",
	check_transports},
    {"bounces", "msgraphd services",
	"bounces of our mailboxes go through Graph", check_bounces},
    {"secrecy", "services", "nobody signs in without TLS", check_secrecy},
    {"certificate", "services",
	"the certificate fits its key and is for this host", check_certificate},
    {"smtp", "ports secrecy certificate milter sasl",
	"smtpd offers STARTTLS and AUTH", check_smtp},
    {"times", "services settings", "pipe waits longer than the agent",
	check_times},
    {"sizes", "cleanup settings", "sizes of messages agree", check_sizes},
    {"recipients", "services settings", "numbers of recipients agree",
	check_recipients},
    {"concurrency", "services settings", "numbers of deliveries agree",
	check_concurrency},
    {"entra", "readable", "Entra can be reached", check_entra},
    {"graph", "entra", "Graph can be reached", check_graph},
    {"uploads", "graph", "the hosts for large attachments can be reached",
	check_uploads},
    {"clock", "entra", "the clock is right", check_clock},
    {"table", "msgraphd identities",
	"msgraphd has the table of identities as it is", check_table},
    {"authorities", "msgraphd services",
	"no public authority vouches for a client", check_authorities},
    {"credentials", "msgraphd identities", "every application gets its token",
	check_credentials},
    {"throttles", "msgraphd", "Microsoft throttles nobody", check_throttles},
    {"unrouted", "running", "no message waits for this host", check_unrouted},
    {"waiting", "running", "no message waits for somebody else", check_waiting},
    {"log", "postfix", "no client was refused of late", check_log},
    {"one-address", "postfix msgraphd", "clients of a network come one by one",
	check_one_address},
    {.name = NULL},
};

const struct postconf_service *
check_listener(const struct host *host)
{
	const struct postconf_service *s = host->postfix->services;
	size_t i;

	for (i = 0; i < host->postfix->service_count; i++)
		if (postfix_is_listener(host->postfix, &s[i]))
			return &s[i];
	return NULL;
}

void
check_each_listener(
    const struct host *host, struct report *report, check_service *call)
{
	const struct postconf_service *s = host->postfix->services;
	size_t i;

	for (i = 0; i < host->postfix->service_count; i++)
		if (postfix_is_listener(host->postfix, &s[i]))
			call(host, &s[i], report);
}

void
check_each_transport(
    const struct host *host, struct report *report, check_service *call)
{
	const struct postconf_service *s = host->postfix->services;
	size_t i;

	for (i = 0; i < host->postfix->service_count; i++)
		if (postfix_is_transport(&s[i]))
			call(host, &s[i], report);
}

void
check_remedy_option(struct report *report,
    const struct postconf_service *service, const char *name, const char *value)
{
	check_remedy(report, "postconf -P '%s/%s=%s' && postfix reload",
	    service->id, name, value);
}

void
check_remedy_route(const struct host *host,
    const struct postconf_service *cleanup, struct report *report)
{
	char table[PATH_MAX];

	snprintf(table, sizeof(table), "regexp:%s/msgraph_route",
	    postfix_get(host->postfix, NULL, "config_directory"));
	check_remedy_option(report, cleanup, "milter_header_checks", table);
}

const char *
check_fragment(const char *name)
{
	static char path[PATH_MAX];
	char share[PATH_MAX];

	installed_path(INSTALLED_SHARE, share);
	snprintf(path, sizeof(path), "%s/%s", share, name);
	return path;
}
