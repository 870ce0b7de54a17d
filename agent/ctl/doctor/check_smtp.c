/*
 * check_smtp.c - a session with each service, as far as a client comes before it
 * signs in: connection, STARTTLS, what AUTH offers.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "checks.h"
#include "listener.h"

#define CHECK_SMTP_WAIT_MS 4000

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
	    "%s: smtpd_sasl_*, "
	    "smtpd_discard_ehlo_keywords",
	    check_fragment("postfix/master.cf.msgraph"));
}

static void
check_smtp_service(const struct host *host,
    const struct postconf_service *service, struct report *report)
{
	struct error err;
	struct smtp *smtp =
	    listener_open(host->postfix, service, CHECK_SMTP_WAIT_MS, &err);

	if (smtp == NULL) {
		check_say(report, CHECK_CRITICAL, "%s: %s",
		    postfix_name(service), err.text);
		check_remedy(report,
		    "the mail log says why: journalctl --facility=mail -S "
		    "-5min; compare the service with "
		    "%s",
		    check_fragment("postfix/master.cf.msgraph"));
	} else if (postfix_is_yes(
		       host->postfix, service, "smtpd_sasl_auth_enable")) {
		check_smtp_auth(postfix_name(service), smtp, report);
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
