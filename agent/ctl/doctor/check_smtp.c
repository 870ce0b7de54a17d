/*
 * check_smtp.c - a session with each service, as far as a client comes before it
 * signs in: connection, STARTTLS, what AUTH offers.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "checks.h"
#include "smtp.h"

#define CHECK_SMTP_WAIT_MS 4000

/* Copies the address at which the service listens, for somebody on this host. */
static void
check_smtp_address(const struct host *host,
    const struct postconf_service *service, char address[128])
{
	const char *name = postfix_name(service);
	const char *colon = strrchr(name, ':'), *word;
	const char *interfaces =
	    postfix_get(host->postfix, service, "inet_interfaces");
	size_t len;

	if (colon != NULL)
		snprintf(address, 128, "%.*s", (int)(colon - name), name);
	else if ((len = postfix_word(&interfaces, &word)) > 0)
		snprintf(address, 128, "%.*s", (int)len, word);
	if (address[0] == '[') {
		memmove(address, address + 1, strlen(address));
		address[strcspn(address, "]")] = '\0';
	}
	if (strcmp(address, "all") == 0 ||
	    strcmp(address, "loopback-only") == 0 ||
	    strcmp(address, "localhost") == 0 || address[0] == '\0')
		snprintf(address, 128, "127.0.0.1");
}

/* What clients are offered to sign in by must be ours, and nothing else. */
static void
check_smtp_auth(
    const char *service, const struct smtp *smtp, struct report *report)
{
	const char *offered = smtp_offered(smtp, "AUTH");
	char mechanisms[256];

	snprintf(mechanisms, sizeof(mechanisms), "%.*s",
	    offered == NULL ? 0 : (int)strcspn(offered, "\r\n"),
	    offered == NULL ? "" : offered);
	if (strcmp(mechanisms, " PLAIN LOGIN") == 0 ||
	    strcmp(mechanisms, " LOGIN PLAIN") == 0)
		return;
	check_say(report, CHECK_CRITICAL,
	    "%s offers %s%s, and not AUTH PLAIN LOGIN", service,
	    offered == NULL ? "no AUTH" : "AUTH", mechanisms);
	check_remedy(report,
	    "compare its options in master.cf with "
	    "%s/postfix/master.cf.msgraph: smtpd_sasl_*, "
	    "smtpd_discard_ehlo_keywords",
	    CHECK_EXAMPLES);
}

/* 0; or -1 with *err, which says what the service did not do. */
static int
check_smtp_talk(const struct host *host, const struct postconf_service *service,
    struct smtp *smtp, struct report *report, struct error *err)
{
	int wrapped =
	    postfix_is_yes(host->postfix, service, "smtpd_tls_wrappermode");
	static const char hello[] = "EHLO localhost";
	int code = smtp_ask(smtp, hello, err);

	if (code == 250 && !wrapped && check_has_tls(host, service)) {
		if (smtp_offered(smtp, "STARTTLS") == NULL)
			return error_set(
			    err, ERROR_OURS, "4.3.5", "it offers no STARTTLS");
		code = smtp_ask(smtp, "STARTTLS", err);
		if (code == 220)
			code = smtp_start_tls(smtp, err) == -1
			    ? -1
			    : smtp_ask(smtp, hello, err);
	}
	if (code == -1)
		return -1;
	if (code != 250)
		return error_set(err, ERROR_TEMPORARY, "4.3.0",
		    "it answers %.*s", (int)strcspn(smtp_reply(smtp), "\r\n"),
		    smtp_reply(smtp));
	if (postfix_is_yes(host->postfix, service, "smtpd_sasl_auth_enable"))
		check_smtp_auth(postfix_name(service), smtp, report);
	return 0;
}

static void
check_smtp_service(const struct host *host,
    const struct postconf_service *service, struct report *report)
{
	char address[128] = "";
	struct error err;
	struct smtp *smtp;

	check_smtp_address(host, service, address);
	smtp = smtp_open(address, check_port(postfix_name(service)),
	    postfix_is_yes(host->postfix, service, "smtpd_tls_wrappermode"),
	    CHECK_SMTP_WAIT_MS, &err);
	if (smtp == NULL ||
	    check_smtp_talk(host, service, smtp, report, &err) == -1) {
		check_say(report, CHECK_CRITICAL, "%s: %s",
		    postfix_name(service), err.text);
		check_remedy(report,
		    "the mail log says why: journalctl --facility=mail -S "
		    "-5min; compare the service with "
		    "%s/postfix/master.cf.msgraph",
		    CHECK_EXAMPLES);
	}
	smtp_close(&smtp);
}

void
check_smtp(const struct host *host, struct report *report)
{
	const struct postconf_service *s = host->postfix->services;
	size_t i;

	for (i = 0; i < host->postfix->service_count; i++) {
		/* one behind a load balancer waits for what that says first */
		if (!postfix_is_listener(host->postfix, &s[i]) ||
		    strcmp(postfix_type(&s[i]), "inet") != 0 ||
		    postfix_get(host->postfix, &s[i],
			"smtpd_upstream_proxy_protocol")[0] != '\0')
			continue;
		check_smtp_service(host, &s[i], report);
	}
}
