/*
 * listener.c - see listener.h.
 */
#include <stdio.h>
#include <string.h>

#include "agent/ctl/base/ports.h"
#include "listener.h"

/*
 * Copies the address at which the service listens, for somebody on this host.
 * Returns the port.
 */
static int
listener_place(const struct postconf *postfix,
    const struct postconf_service *service, char address[INET6_ADDRSTRLEN])
{
	const char *interfaces =
	    postfix_get(postfix, service, "inet_interfaces");
	int port = ports_parse(postfix_name(service), address);
	const char *word;
	size_t len;

	if (address[0] == '\0') {
		len = postfix_word(&interfaces, &word);
		if (len > 2 && word[0] == '[') {
			word++;
			len -= 2;
		}
		snprintf(address, INET6_ADDRSTRLEN, "%.*s", (int)len, word);
	}
	if (strcmp(address, "all") == 0 ||
	    strcmp(address, "loopback-only") == 0 ||
	    strcmp(address, "localhost") == 0 || address[0] == '\0')
		snprintf(address, INET6_ADDRSTRLEN, "127.0.0.1");
	return port;
}

/* Says EHLO, with TLS where the service has it. 0, or -1 with *err. */
static int
listener_greet(const struct postconf *postfix,
    const struct postconf_service *service, struct smtp *smtp,
    struct error *err)
{
	static const char hello[] = "EHLO localhost";
	int wrapped = postfix_is_yes(postfix, service, "smtpd_tls_wrappermode");
	int code = smtp_ask(smtp, hello, err);

	if (code == 250 && !wrapped && postfix_has_tls(postfix, service)) {
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
	char address[INET6_ADDRSTRLEN];
	int port = listener_place(postfix, service, address);
	struct smtp *smtp;

	smtp = smtp_open(address, port,
	    postfix_is_yes(postfix, service, "smtpd_tls_wrappermode"), wait_ms,
	    err);
	if (smtp != NULL && listener_greet(postfix, service, smtp, err) == -1)
		smtp_close(&smtp);
	return smtp;
}
