/*
 * What Graph's answers mean (agent/daemon/graph/outcome.c): every row of the table,
 * and everything that no row foresees.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/daemon/graph/outcome.h"

#define SENT OUTCOME_SENT
#define RENEW OUTCOME_RENEW
#define RETRY OUTCOME_AGAIN
#define HEAL OUTCOME_GRACE
#define HOLD OUTCOME_THROTTLE
#define DEFER OUTCOME_DEFER
#define BOUNCE OUTCOME_BOUNCE

struct outcome_case {
	long status;
	const char *code;
	enum outcome_action action;
	const char *dsn, *reason;
	int known;
	int outcome_unknown; /* when the whole body was sent */
};

static const struct outcome_case cases[] = {
    /* 202 alone is acceptance, whatever its body says */
    {202, "", SENT, "2.0.0", NULL, 1, 0},
    {202, "ErrorMessageBlocked", SENT, "2.0.0", NULL, 1, 0},
    {202, "ErrorSendAsDenied", SENT, "2.0.0", NULL, 1, 0},

    {401, "InvalidAuthenticationToken", RENEW, "4.7.8", REASON_CREDENTIAL, 1,
	0},
    {401, "", RENEW, "4.7.8", REASON_CREDENTIAL, 1, 0},

    {403, "ErrorAccessDenied", HEAL, "x.7.1", REASON_PERMISSION, 1, 0},
    {403, "Authorization_RequestDenied", HEAL, "x.7.1", REASON_PERMISSION, 1,
	0},
    {403, "ErrorSendAsDenied", HEAL, "x.7.60", REASON_PERMISSION, 1, 0},
    {400, "ErrorSendAsDenied", HEAL, "x.7.60", REASON_PERMISSION, 1, 0},
    {404, "ErrorInvalidUser", HEAL, "x.1.0", REASON_MAILBOX, 1, 0},
    {404, "ResourceNotFound", HEAL, "x.1.0", REASON_MAILBOX, 1, 0},
    {404, "Request_ResourceNotFound", HEAL, "x.1.0", REASON_MAILBOX, 1, 0},
    {404, "MailboxNotEnabledForRESTAPI", HEAL, "x.1.0", REASON_MAILBOX, 1, 0},

    {400, "ErrorInvalidRecipients", RETRY, "x.1.3", REASON_RECIPIENT, 1, 0},
    {400, "ErrorMimeContentInvalidBase64String", RETRY, "x.6.0", REASON_CONTENT,
	1, 0},
    {400, "ErrorMimeContentInvalid", RETRY, "x.6.0", REASON_CONTENT, 1, 0},

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

    {429, "ApplicationThrottled", HOLD, "4.4.5", REASON_THROTTLED, 1, 0},
    {429, "TooManyRequests", HOLD, "4.4.5", REASON_THROTTLED, 1, 0},
    {429, "activityLimitReached", HOLD, "4.4.5", REASON_THROTTLED, 1, 0},
    {429, "", HOLD, "4.4.5", REASON_THROTTLED, 1, 0},
    {503, "ApplicationThrottled", HOLD, "4.4.5", REASON_THROTTLED, 1, 0},

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

/* A yes from somebody who cannot have read the whole message is none. */
static void
test_early_acceptance(void **state)
{
	struct outcome out = outcome_of(202, "", "", 0);

	(void)state;
	assert_int_equal(out.action, DEFER);
	assert_string_equal(out.dsn, "4.4.1");
	assert_int_equal(out.outcome_unknown, 1);
	assert_int_equal(out.known, 1);
}

static void
test_table(void **state)
{
	const struct outcome_case *t;
	struct outcome out;
	size_t i;
	int sent;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		t = &cases[i];
		for (sent = t->action == SENT; sent <= 1; sent++) {
			out = outcome_of(t->status, t->code, "", sent);
			if (out.action != t->action ||
			    strcmp(out.dsn, t->dsn) != 0 ||
			    out.known != t->known ||
			    out.outcome_unknown != (sent && t->outcome_unknown))
				fail_msg("%ld %s: %d %s %d %d", t->status,
				    t->code, (int)out.action, out.dsn,
				    out.known, out.outcome_unknown);
			assert_true(strlen(out.text) > 0);
			if (t->reason == NULL)
				assert_null(out.reason);
			else
				assert_string_equal(out.reason, t->reason);
		}
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
test_holds(void **state)
{
	struct outcome out;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(throttles) / sizeof(*throttles); i++) {
		out = outcome_of(throttles[i].status, throttles[i].code,
		    throttles[i].words, 1);
		if ((out.action == HOLD) !=
			(throttles[i].scope != THROTTLE_NOBODY) ||
		    out.scope != throttles[i].scope || out.outcome_unknown != 0)
			fail_msg("%ld %s %s: %d %d", throttles[i].status,
			    throttles[i].code, throttles[i].words,
			    (int)out.action, (int)out.scope);
		if (out.action == HOLD)
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
		if ((cases[i].action == BOUNCE || cases[i].action == RETRY ||
			cases[i].action == HEAL) &&
		    strcmp(cases[i].code, code) == 0 && code[0] != '\0')
			return 1;
	return status == 413;
}

static void
check_invariants(long status, const char *code, int sent)
{
	struct outcome out = outcome_of(status, code, "", sent);

	if ((out.action == SENT) != (status == 202 && sent))
		fail_msg("%ld %s: sent %d", status, code, out.action);
	/* what is not proven permanent is temporary */
	if ((out.action == BOUNCE || out.action == RETRY ||
		out.action == HEAL) &&
	    !may_bounce(status, code))
		fail_msg("%ld %s may bounce", status, code);
	/* nothing can have gone out before all of it had been sent */
	if (out.outcome_unknown && !sent && status != 202)
		fail_msg("%ld %s: fate unknown", status, code);
	/* what may have gone out is not tried again at once, nor bounced */
	if (out.outcome_unknown && out.action != DEFER)
		fail_msg("%ld %s: fate unknown and %d", status, code,
		    (int)out.action);
	if (strlen(out.dsn) < 5 || strlen(out.dsn) > 7 || out.dsn[1] != '.')
		fail_msg("%ld %s: dsn %s", status, code, out.dsn);
	if (is_reason(out.reason) != (out.action != SENT))
		fail_msg("%ld %s: reason", status, code);
	if (out.text == NULL || strchr(out.text, '\n') != NULL)
		fail_msg("%ld %s: text", status, code);
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
	    cmocka_unit_test(test_holds),
	    cmocka_unit_test(test_invariants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
