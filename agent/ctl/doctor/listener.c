/*
 * listener.c - see listener.h.
 */
#include <stdio.h>
#include <string.h>

#include "checks.h"
#include "listener.h"

/* Copies the address at which the service listens, for somebody on this host. */
static void
listener_address(const struct postconf *postfix,
    const struct postconf_service *service, char address[128])
{
	const char *name = postfix_name(service);
	const char *colon = strrchr(name, ':'), *word;
	const char *interfaces =
	    postfix_get(postfix, service, "inet_interfaces");
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

/* Says EHLO, with TLS where the service has it. 0, or -1 with *err. */
static int
listener_greet(const struct postconf *postfix,
    const struct postconf_service *service, struct smtp *smtp,
    struct error *err)
{
	static const char hello[] = "EHLO localhost";
	const struct host host = {.postfix = postfix};
	int wrapped = postfix_is_yes(postfix, service, "smtpd_tls_wrappermode");
	int code = smtp_ask(smtp, hello, err);

	if (code == 250 && !wrapped && check_has_tls(&host, service)) {
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
	return 0;
}

struct smtp *
listener_open(const struct postconf *postfix,
    const struct postconf_service *service, int wait_ms, struct error *err)
{
	char address[128] = "";
	struct smtp *smtp;

	listener_address(postfix, service, address);
	smtp = smtp_open(address, check_port(postfix_name(service)),
	    postfix_is_yes(postfix, service, "smtpd_tls_wrappermode"), wait_ms,
	    err);
	if (smtp != NULL && listener_greet(postfix, service, smtp, err) == -1)
		smtp_close(&smtp);
	return smtp;
}
