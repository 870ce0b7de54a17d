/*
 * check_smtp.c - a session with each service, as far as a client comes before
 * it signs in: connection, STARTTLS, what AUTH offers.
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
	const struct postconf *p = host->postfix;
	struct error err;
	struct smtp *smtp;

	/* one behind a load balancer waits for what that says first */
	if (!postfix_is_inet(service) ||
	    postfix_get(p, service, "smtpd_upstream_proxy_protocol")[0] != '\0')
		return;
	smtp = listener_open(p, service, CHECK_SMTP_WAIT_MS, &err);
	if (smtp == NULL) {
		check_say(report, CHECK_CRITICAL, "%s: %s",
		    postfix_name(service), err.text);
		check_remedy(report,
		    "the mail log says why: journalctl --facility=mail -S "
		    "-5min; compare the service with "
		    "%s",
		    check_fragment("postfix/master.cf.msgraph"));
	} else if (postfix_is_yes(p, service, "smtpd_sasl_auth_enable")) {
		check_smtp_auth(postfix_name(service), smtp, report);
	}
	smtp_close(&smtp);
}

void
check_smtp(const struct host *host, struct report *report)
{
	check_each_listener(host, report, check_smtp_service);
}
