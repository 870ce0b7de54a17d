/*
 * What Graph's answers mean (agent/daemon/graph/outcome.c): every row of the
 * table, and everything that no row foresees.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent/daemon/graph/outcome.h"

#define SENT OUTCOME_SENT
#define RENEW OUTCOME_RENEW
#define AGAIN OUTCOME_AGAIN
#define GRACE OUTCOME_GRACE
#define FALLBACK OUTCOME_FALLBACK
#define THROTTLE OUTCOME_THROTTLE
#define DEFER OUTCOME_DEFER
#define BOUNCE OUTCOME_BOUNCE

struct outcome_case {
	long status;
	const char *code;
	enum outcome_action action;
	const char *dsn, *reason;
	int known; /* 0: no row has it, so there is a warning */
	int outcome_unknown; /* when the whole body was sent */
};

/* --- what a failure says --- */

static const char *const actions[] = {[SENT] = "sent",
    [RENEW] = "renew",
    [AGAIN] = "again",
    [GRACE] = "grace",
    [FALLBACK] = "fallback",
    [THROTTLE] = "throttle",
    [DEFER] = "defer",
    [BOUNCE] = "bounce"};

static const char *const scopes[] = {[THROTTLE_NOBODY] = "nobody",
    [THROTTLE_MAILBOX] = "the mailbox",
    [THROTTLE_APPLICATION] = "the application",
    [THROTTLE_TENANT] = "the tenant"};

struct words {
	char text[128];
};

static struct words
in_words(const struct outcome *out)
{
	struct words words;

	snprintf(words.text, sizeof(words.text),
	    "%s, DSN %s, reason %s, %s, %s", actions[out->action], out->dsn,
	    out->reason == NULL ? "none" : out->reason,
	    out->known ? "known" : "not known",
	    out->outcome_unknown ? "Graph may have taken it"
				 : "Graph has not taken it");
	return words;
}

/* --- the table --- */

static const struct outcome_case cases[] = {
    /* 202 alone is acceptance, whatever its body says */
    {202, "", SENT, "2.0.0", NULL, 1, 0},
    {202, "ErrorMessageBlocked", SENT, "2.0.0", NULL, 1, 0},
    {202, "ErrorSendAsDenied", SENT, "2.0.0", NULL, 1, 0},

    {401, "InvalidAuthenticationToken", RENEW, "4.7.8", REASON_CREDENTIAL, 1,
	0},
    {401, "", RENEW, "4.7.8", REASON_CREDENTIAL, 1, 0},

    {403, "ErrorAccessDenied", GRACE, "x.7.1", REASON_PERMISSION, 1, 0},
    {403, "Authorization_RequestDenied", GRACE, "x.7.1", REASON_PERMISSION, 1,
	0},
    {403, "ErrorSendAsDenied", GRACE, "x.7.60", REASON_PERMISSION, 1, 0},
    {400, "ErrorSendAsDenied", GRACE, "x.7.60", REASON_PERMISSION, 1, 0},
    {404, "ErrorInvalidUser", FALLBACK, "x.1.0", REASON_MAILBOX, 1, 0},
    {404, "ResourceNotFound", FALLBACK, "x.1.0", REASON_MAILBOX, 1, 0},
    {404, "Request_ResourceNotFound", GRACE, "x.1.0", REASON_MAILBOX, 1, 0},
    {404, "MailboxNotEnabledForRESTAPI", GRACE, "x.1.0", REASON_MAILBOX, 1, 0},
    /* of no other status or code is it sure that there is no mailbox */
    {403, "ErrorInvalidUser", DEFER, "4.3.0", REASON_UNKNOWN, 0, 0},
    {400, "ResourceNotFound", DEFER, "4.3.0", REASON_UNKNOWN, 0, 0},
    {404, "errorinvaliduser", DEFER, "4.3.0", REASON_UNKNOWN, 0, 0},

    {400, "ErrorInvalidRecipients", AGAIN, "x.1.3", REASON_RECIPIENT, 1, 0},
    {400, "ErrorMimeContentInvalidBase64String", AGAIN, "x.6.0", REASON_CONTENT,
	1, 0},
    {400, "ErrorMimeContentInvalid", AGAIN, "x.6.0", REASON_CONTENT, 1, 0},

    {400, "ErrorMessageSizeExceeded", BOUNCE, "5.3.4", REASON_SIZE, 1, 0},
    {413, "BadRequest", BOUNCE, "5.3.4", REASON_SIZE, 1, 0},
    {413, "", BOUNCE, "5.3.4", REASON_SIZE, 1, 0},
    {400, "ErrorMessageBlocked", BOUNCE, "5.7.1", REASON_CONTENT, 1, 0},
    {403, "ErrorMessageBlocked", BOUNCE, "5.7.1", REASON_CONTENT, 1, 0},

    {507, "ErrorQuotaExceeded", DEFER, "4.3.1", REASON_MAILBOX, 1, 0},
    {507, "QuotaExceededException", DEFER, "4.3.1", REASON_MAILBOX, 1, 0},
    {400, "QuotaExceededException", DEFER, "4.3.1", REASON_MAILBOX, 1, 0},
    {403, "ErrorQuotaExceeded", DEFER, "4.3.1", REASON_MAILBOX, 1, 0},
    {429, "ErrorExceededMessageLimit", DEFER, "4.7.28", REASON_THROTTLED, 1, 0},
    {403, "ErrorExceededMessageLimit", DEFER, "4.7.28", REASON_THROTTLED, 1, 0},
    {400, "ErrorSubmissionQuotaExceeded", DEFER, "4.7.28", REASON_THROTTLED, 1,
	0},

    {429, "ApplicationThrottled", THROTTLE, "4.4.5", REASON_THROTTLED, 1, 0},
    {429, "TooManyRequests", THROTTLE, "4.4.5", REASON_THROTTLED, 1, 0},
    {429, "activityLimitReached", THROTTLE, "4.4.5", REASON_THROTTLED, 1, 0},
    {429, "", THROTTLE, "4.4.5", REASON_THROTTLED, 1, 0},
    {503, "ApplicationThrottled", THROTTLE, "4.4.5", REASON_THROTTLED, 1, 0},

    {503, "ErrorServerBusy", DEFER, "4.3.2", REASON_ENDPOINT, 1, 0},
    {503, "ErrorMailboxMoveInProgress", DEFER, "4.3.2", REASON_ENDPOINT, 1, 0},
    {503, "ErrorMailboxStoreUnavailable", DEFER, "4.3.2", REASON_ENDPOINT, 1,
	0},
    {503, "serviceNotAvailable", DEFER, "4.3.2", REASON_ENDPOINT, 1, 0},
    {503, "", DEFER, "4.3.2", REASON_ENDPOINT, 1, 0},
    /* delivery has followed these */
    {507, "", DEFER, "4.3.2", REASON_ENDPOINT, 1, 1},
    {500, "ErrorInternalServerError", DEFER, "4.3.2", REASON_ENDPOINT, 1, 1},
    {500, "", DEFER, "4.3.2", REASON_ENDPOINT, 1, 1},
    {502, "", DEFER, "4.3.2", REASON_ENDPOINT, 1, 1},
    {504, "UnknownError", DEFER, "4.3.2", REASON_ENDPOINT, 1, 1},
    {599, "", DEFER, "4.3.2", REASON_ENDPOINT, 1, 1},

    /* no answer */
    {0, "", DEFER, "4.4.1", REASON_ENDPOINT, 1, 1},

    /* nobody foresaw these: never sent, never bounced, and worth a warning */
    {200, "", DEFER, "4.3.0", REASON_UNKNOWN, 0, 1},
    {201, "", DEFER, "4.3.0", REASON_UNKNOWN, 0, 1},
    {204, "", DEFER, "4.3.0", REASON_UNKNOWN, 0, 1},
    {100, "", DEFER, "4.3.0", REASON_UNKNOWN, 0, 1},
    {302, "", DEFER, "4.3.0", REASON_UNKNOWN, 0, 1},
    {400, "", DEFER, "4.3.0", REASON_UNKNOWN, 0, 0},
    {400, "BadRequest", DEFER, "4.3.0", REASON_UNKNOWN, 0, 0},
    {400, "errorinvalidrecipients", DEFER, "4.3.0", REASON_UNKNOWN, 0, 0},
    {403, "", DEFER, "4.3.0", REASON_UNKNOWN, 0, 0},
    {403, "ErrorInvalidRecipients", DEFER, "4.3.0", REASON_UNKNOWN, 0, 0},
    {404, "", DEFER, "4.3.0", REASON_UNKNOWN, 0, 0},
    {404, "ErrorAccessDenied", DEFER, "4.3.0", REASON_UNKNOWN, 0, 0},
    {405, "", DEFER, "4.3.0", REASON_UNKNOWN, 0, 0},
    {408, "", DEFER, "4.3.0", REASON_UNKNOWN, 0, 0},
    {410, "ErrorInvalidUser", DEFER, "4.3.0", REASON_UNKNOWN, 0, 0},
    {499, "", DEFER, "4.3.0", REASON_UNKNOWN, 0, 0},
    {600, "", DEFER, "4.3.0", REASON_UNKNOWN, 0, 1},
    {-1, "", DEFER, "4.3.0", REASON_UNKNOWN, 0, 1},
};

static void
check_outcome(long status, const char *code, int sent, struct outcome wanted)
{
	struct outcome out = outcome_of(status, code, "", sent);
	struct words got = in_words(&out), want = in_words(&wanted);

	if (strcmp(got.text, want.text) != 0)
		fail_msg("answer %ld \"%s\"%s:\n   got %s\nwanted %s", status,
		    code, sent ? "" : " before the whole body was sent",
		    got.text, want.text);
	if (out.text == NULL || out.text[0] == '\0')
		fail_msg("answer %ld \"%s\": no text", status, code);
}

/* A yes from somebody who cannot have read the whole message is none. */
static void
test_early_acceptance(void **state)
{
	(void)state;
	check_outcome(202, "", 0,
	    (struct outcome){.action = DEFER,
		.dsn = "4.4.1",
		.reason = REASON_ENDPOINT,
		.known = 1,
		.outcome_unknown = 1});
}

static void
test_table(void **state)
{
	const struct outcome_case *t;
	size_t i;
	int sent;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		t = &cases[i];
		for (sent = t->action == SENT; sent <= 1; sent++)
			check_outcome(t->status, t->code, sent,
			    (struct outcome){.action = t->action,
				.dsn = t->dsn,
				.reason = t->reason,
				.known = t->known,
				.outcome_unknown = sent && t->outcome_unknown});
	}
}

/* --- who must slow down --- */

#define CONCURRENCY "Application is over its MailboxConcurrency limit."

static const struct {
	long status;
	const char *code, *words;
	enum throttle_scope scope;
} throttles[] = {
    {429, "ApplicationThrottled", "", THROTTLE_MAILBOX},
    {503, "ApplicationThrottled", "", THROTTLE_MAILBOX},
    {429, "TooManyRequests", "{\"error\":{}}", THROTTLE_APPLICATION},
    {429, "", "", THROTTLE_APPLICATION},
    /* whatever the code, and in whatever form it is said */
    {429, "TooManyRequests", "{\"message\":\"" CONCURRENCY "\"}",
	THROTTLE_MAILBOX},
    {429, "activityLimitReached", CONCURRENCY, THROTTLE_MAILBOX},
    {429, "", "<html>" CONCURRENCY "</html>", THROTTLE_MAILBOX},
    {429, "ErrorExceededMessageLimit", CONCURRENCY, THROTTLE_MAILBOX},
    {429, "ErrorSendAsDenied", CONCURRENCY, THROTTLE_MAILBOX},
    {429, "MailboxConcurrency", "{\"code\":\"MailboxConcurrency\"}",
	THROTTLE_MAILBOX},
    {429, "ErrorExceededMessageLimit", "", THROTTLE_NOBODY},
    /* under another status it is no throttling */
    {403, "ErrorAccessDenied", CONCURRENCY, THROTTLE_NOBODY},
    {503, "", CONCURRENCY, THROTTLE_NOBODY},
    {400, "", CONCURRENCY, THROTTLE_NOBODY},
};

static void
test_throttles(void **state)
{
	struct outcome out;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(throttles) / sizeof(*throttles); i++) {
		out = outcome_of(throttles[i].status, throttles[i].code,
		    throttles[i].words, 1);
		if (out.scope != throttles[i].scope ||
		    (out.action == THROTTLE) != (out.scope != THROTTLE_NOBODY))
			fail_msg("answer %ld \"%s\" saying \"%s\":\n"
				 "   got %s, %s slows down\n"
				 "wanted %s slows down",
			    throttles[i].status, throttles[i].code,
			    throttles[i].words, actions[out.action],
			    scopes[out.scope], scopes[throttles[i].scope]);
		assert_int_equal(out.outcome_unknown, 0);
		if (out.action == THROTTLE)
			assert_string_equal(out.dsn, "4.4.5");
	}
}

/* --- what must always hold --- */

static const char *const reasons[] = {REASON_THROTTLED, REASON_CREDENTIAL,
    REASON_PERMISSION, REASON_MAILBOX, REASON_RECIPIENT, REASON_SIZE,
    REASON_CONTENT, REASON_ENDPOINT, REASON_UNKNOWN, REASON_CONFIGURATION};

static int
is_reason(const char *reason)
{
	size_t i;

	for (i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (reason != NULL && strcmp(reason, reasons[i]) == 0)
			return 1;
	return 0;
}

static int
may_bounce(long status, const char *code)
{
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if ((cases[i].action == BOUNCE || cases[i].action == AGAIN ||
			cases[i].action == GRACE ||
			cases[i].action == FALLBACK) &&
		    strcmp(cases[i].code, code) == 0 && code[0] != '\0')
			return 1;
	return status == 413;
}

/* What of an outcome must never be; NULL when all is well. */
static const char *
broken_rule(long status, const char *code, int sent, const struct outcome *out)
{
	if ((out->action == SENT) != (status == 202 && sent))
		return "202 to the whole message, and nothing else, is sent";
	if ((out->action == FALLBACK) !=
	    (status == 404 &&
		(strcmp(code, "ErrorInvalidUser") == 0 ||
		    strcmp(code, "ResourceNotFound") == 0)))
		return "another mailbox sends only where there is none";
	if ((out->action == BOUNCE || out->action == AGAIN ||
		outcome_is_refusal(out)) &&
	    !may_bounce(status, code))
		return "what is not proven permanent is temporary";
	if (out->outcome_unknown && !sent && status != 202)
		return "nothing goes out before all of it was sent";
	if (out->outcome_unknown && out->action != DEFER)
		return "what may have gone out is deferred";
	if (strlen(out->dsn) < 5 || strlen(out->dsn) > 7 || out->dsn[1] != '.')
		return "a DSN reads x.y.z";
	if (is_reason(out->reason) != (out->action != SENT))
		return "all but sent have a reason of reason.h";
	if (out->text == NULL || strchr(out->text, '\n') != NULL)
		return "the text is one line";
	return NULL;
}

static void
check_invariants(long status, const char *code, int sent)
{
	struct outcome out = outcome_of(status, code, "", sent);
	const char *rule = broken_rule(status, code, sent, &out);

	if (rule != NULL)
		fail_msg("answer %ld \"%s\"%s: got %s; but %s", status, code,
		    sent ? "" : " before the whole body was sent",
		    in_words(&out).text, rule);
}

static void
test_invariants(void **state)
{
	long status;
	size_t i;
	int sent;

	(void)state;
	for (status = 0; status < 700; status++)
		for (i = 0; i < sizeof(cases) / sizeof(*cases); i++)
			for (sent = 0; sent <= 1; sent++)
				check_invariants(status, cases[i].code, sent);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_early_acceptance),
	    cmocka_unit_test(test_table),
	    cmocka_unit_test(test_throttles),
	    cmocka_unit_test(test_invariants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
