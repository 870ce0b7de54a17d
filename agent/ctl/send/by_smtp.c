/*
 * by_smtp.c - see by_smtp.h.
 */
#include <stdio.h>
#include <string.h>

#include "agent/ctl/doctor/listener.h"
#include "agent/ctl/doctor/smtp.h"
#include "lib/base/codec.h"
#include "by_smtp.h"

#define BY_SMTP_WAIT_MS 60000 /* Entra, and the milter's questions */

/* The first service of ours on which clients sign in; NULL: there is none. */
static const struct postconf_service *
by_smtp_find(const struct postconf *postfix)
{
	const struct postconf_service *s = postfix->services, *found = NULL;
	size_t i;

	for (i = 0; i < postfix->service_count && found == NULL; i++)
		if (postfix_is_listener(postfix, &s[i]) &&
		    strcmp(postfix_type(&s[i]), "inet") == 0 &&
		    postfix_is_yes(postfix, &s[i], "smtpd_sasl_auth_enable") &&
		    postfix_get(postfix, &s[i],
			"smtpd_upstream_proxy_protocol")[0] == '\0')
			found = &s[i];
	return found;
}

/* Says what a reply means for the test. 0 where it has the code, or -1. */
static int
by_smtp_expect(struct steps *steps, const char *name, int want, int code,
    const struct smtp *smtp, const struct error *err)
{
	const char *reply = code == -1 ? err->text : smtp_reply(smtp);

	if (code == want)
		return 0;
	steps_say(steps, name, code >= 500 ? STEPS_CRITICAL : STEPS_UNKNOWN,
	    "%.*s", (int)strcspn(reply, "\r\n"), reply);
	return -1;
}

/* AUTH PLAIN (RFC 4616) with an initial response. */
static int
by_smtp_sign_in(struct steps *steps, struct smtp *smtp, const char *user,
    const struct secret *secret)
{
	size_t len = strlen(user), i, n;
	struct secret *plain = secret_new(NULL, len + secret->len + 2), *line;
	struct error err;
	int code = -1;

	if (plain == NULL)
		return -1;
	memcpy(plain->bytes + 1, user, len);
	memcpy(plain->bytes + len + 2, secret->bytes, secret->len);
	line = secret_new(
	    NULL, 11 + (size_t)codec_base64_size((long long)plain->len));
	if (line != NULL) {
		memcpy(line->bytes, "AUTH PLAIN ", 11);
		for (i = 0, n = 11; i < plain->len; i += 3, n += 4)
			codec_base64_put(plain->bytes + i,
			    plain->len - i < 3 ? plain->len - i : 3,
			    line->bytes + n);
		code = smtp_ask(smtp, line->bytes, &err);
	} else {
		error_no_memory(&err);
	}
	secret_free(&plain);
	secret_free(&line);
	if (by_smtp_expect(steps, "sign-in", 235, code, smtp, &err) == -1)
		return -1;
	steps_say(steps, "sign-in", STEPS_OK, "accepted");
	return 0;
}

/* Sends one line and has its reply judged. */
static int
by_smtp_line(struct steps *steps, struct smtp *smtp, int want, const char *verb,
    const char *address)
{
	char line[512];
	struct error err;
	int code;

	snprintf(line, sizeof(line), "%s%s%s", verb, address,
	    address[0] == '\0' ? "" : ">");
	code = smtp_ask(smtp, line, &err);
	return by_smtp_expect(steps, "message", want, code, smtp, &err);
}

/* Takes the id of "250 2.0.0 Ok: queued as ID". */
static void
by_smtp_read_id(const char *reply, char queue_id[BY_SMTP_QUEUE_ID_SIZE])
{
	static const char words[] = "queued as ";
	const char *at = strstr(reply, words);

	if (at != NULL)
		at += sizeof(words) - 1;
	snprintf(queue_id, BY_SMTP_QUEUE_ID_SIZE, "%.*s",
	    at == NULL ? 0 : (int)strcspn(at, " \r\n"), at == NULL ? "" : at);
}

static int
by_smtp_message(struct steps *steps, struct smtp *smtp,
    const struct letter *letter, char queue_id[BY_SMTP_QUEUE_ID_SIZE])
{
	struct error err;
	int code;

	if (by_smtp_line(steps, smtp, 250, "MAIL FROM:<", letter->from) == -1 ||
	    by_smtp_line(steps, smtp, 250, "RCPT TO:<", letter->to) == -1 ||
	    by_smtp_line(steps, smtp, 354, "DATA", "") == -1)
		return -1;
	code = smtp_send(smtp, letter->text.bytes, letter->text.len, &err) == -1
	    ? -1
	    : smtp_ask(smtp, ".", &err);
	if (by_smtp_expect(steps, "message", 250, code, smtp, &err) == -1)
		return -1;
	by_smtp_read_id(smtp_reply(smtp), queue_id);
	steps_say(
	    steps, "message", STEPS_OK, "taken, as %s in the queue", queue_id);
	return 0;
}

int
by_smtp(struct steps *steps, const struct postconf *postfix, const char *user,
    const struct secret *secret, const struct letter *letter,
    char queue_id[BY_SMTP_QUEUE_ID_SIZE])
{
	const struct postconf_service *service = by_smtp_find(postfix);
	struct error err;
	struct smtp *smtp;
	int result = -1;

	if (service == NULL) {
		steps_say(steps, "service", STEPS_CRITICAL,
		    "master.cf has none of ours where clients sign in; "
		    "\"msgraphctl "
		    "setup\" adds it");
		return -1;
	}
	smtp = listener_open(postfix, service, BY_SMTP_WAIT_MS, &err);
	if (smtp == NULL) {
		steps_say(steps, "service", STEPS_CRITICAL,
		    "%s: %s; \"msgraphctl doctor\" looks closer",
		    postfix_name(service), err.text);
		return -1;
	}
	steps_say(steps, "service", STEPS_OK, "smtpd on %s, as a client does",
	    postfix_name(service));
	if (by_smtp_sign_in(steps, smtp, user, secret) == 0)
		result = by_smtp_message(steps, smtp, letter, queue_id);
	smtp_close(&smtp);
	return result;
}
