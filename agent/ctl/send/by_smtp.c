/*
 * by_smtp.c - see by_smtp.h.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/ctl/doctor/checks.h"
#include "agent/ctl/doctor/listener.h"
#include "agent/ctl/doctor/smtp.h"
#include "lib/base/codec.h"
#include "lib/local/policy.h"
#include "lib/local/sock.h"
#include "by_smtp.h"

#define BY_SMTP_WAIT_MS 60000 /* Entra, and the milter's questions */
#define BY_SMTP_POLICY_MS 10000

/* Returns 1 for one of ours that a client of this host can speak to. */
static int
by_smtp_is_open(
    const struct postconf *postfix, const struct postconf_service *service)
{
	return postfix_is_listener(postfix, service) &&
	    postfix_is_inet(service) &&
	    postfix_get(postfix, service, "smtpd_upstream_proxy_protocol")[0] ==
	    '\0';
}

const struct postconf_service *
by_smtp_find(const struct postconf *postfix)
{
	const struct postconf_service *s = postfix->services;
	size_t i;

	for (i = 0; i < postfix->service_count; i++)
		if (by_smtp_is_open(postfix, &s[i]) &&
		    postfix_is_yes(postfix, &s[i], "smtpd_sasl_auth_enable"))
			return &s[i];
	return NULL;
}

/* Asks as the milter would. */
static int
by_smtp_is_client(const struct postconf *postfix,
    const struct postconf_service *service, const struct conf *conf,
    const char *entry, const char *sender)
{
	const struct policy_question question = {.stage = POLICY_MAIL,
	    .client_address = "127.0.0.1",
	    .daemon_name =
		postfix_get(postfix, service, "milter_macro_daemon_name"),
	    .sender = sender};
	struct policy_answer answer;
	struct error err;

	return policy_ask(conf->submit_socket, &question,
		   sock_now() + BY_SMTP_POLICY_MS, &answer, &err) == 0 &&
	    answer.status == POLICY_OK && strcmp(answer.entry, entry) == 0;
}

const struct postconf_service *
by_smtp_find_for(const struct postconf *postfix, const struct conf *conf,
    const char *entry, const char *sender)
{
	const struct postconf_service *s = postfix->services;
	size_t i;

	for (i = 0; i < postfix->service_count; i++)
		if (by_smtp_is_open(postfix, &s[i]) &&
		    !postfix_is_yes(postfix, &s[i], "smtpd_sasl_auth_enable") &&
		    by_smtp_is_client(postfix, &s[i], conf, entry, sender))
			return &s[i];
	return NULL;
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

/*
 * A port over 1023 is anybody's while Postfix is down, and a secret is not.
 * Returns 0 after a step that says so.
 */
static int
by_smtp_is_postfixs(struct steps *steps, const struct postconf *postfix,
    const struct postconf_service *service)
{
	const struct host host = {.postfix = postfix};

	if (check_is_postfixs(&host, service))
		return 1;
	steps_say(steps, "service", STEPS_CRITICAL,
	    "%s: no secret is sent, since %s", postfix_name(service),
	    geteuid() == 0
		? "it is not Postfix that listens there; \"msgraphctl doctor\" "
		  "looks closer"
		: "root alone can tell whether Postfix listens there: run this "
		  "as root");
	return 0;
}

int
by_smtp(struct steps *steps, const struct postconf *postfix,
    const struct postconf_service *service, const char *user,
    const struct secret *secret, const struct letter *letter,
    char queue_id[BY_SMTP_QUEUE_ID_SIZE])
{
	struct error err;
	struct smtp *smtp;
	int result = -1;

	if (secret != NULL && !by_smtp_is_postfixs(steps, postfix, service))
		return -1;
	smtp = listener_open(postfix, service, BY_SMTP_WAIT_MS, &err);
	if (smtp == NULL) {
		steps_say(steps, "service", STEPS_CRITICAL,
		    "%s: %s; \"msgraphctl doctor\" looks closer",
		    postfix_name(service), err.text);
		return -1;
	}
	steps_say(steps, "service", STEPS_OK, "smtpd on %s, as a client does",
	    postfix_name(service));
	if (user == NULL || secret == NULL ||
	    by_smtp_sign_in(steps, smtp, user, secret) == 0)
		result = by_smtp_message(steps, smtp, letter, queue_id);
	smtp_close(&smtp);
	return result;
}
