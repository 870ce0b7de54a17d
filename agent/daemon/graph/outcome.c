/*
 * outcome.c - see outcome.h. Pure.
 *
 * Rows are tried from the top, and the first whose status and code match
 * decides. Every answer is temporary unless Microsoft's documentation proves it
 * permanent: only rows that were written from there bounce, and no answer that
 * nobody foresaw does.
 */
#include <stddef.h>
#include <string.h>

#include "outcome.h"

#define ANY 0L
#define NOBODY THROTTLE_NOBODY

struct row {
	long status; /* ANY: 400 and above; 5: all 5xx */
	const char *code; /* NULL: any */
	enum outcome_action action;
	const char *dsn, *reason, *text;
	enum throttle_scope scope; /* see struct outcome */
	const char *words; /* stand in the body; NULL: any */
};

/* --- what several rows say --- */

#define SLOW_DOWN "Graph asks to slow down"
#define NOT_GRANTED                                                         \
	"the application may not use this mailbox; an admin must grant it " \
	"Mail.Send for the mailbox"
#define NO_MAILBOX "there is no such mailbox; From must name an existing one"
#define UNREADABLE "Exchange cannot read the message"
#define FULL                                                                  \
	"the sending mailbox is full; it must be emptied, since a copy goes " \
	"to Sent Items"
#define DAILY "the mailbox has reached its daily limit"

static const struct row rows[] = {
    /* 202 alone is acceptance: another 2xx was seen with no mail sent */
    {202, NULL, OUTCOME_SENT, "2.0.0", NULL, "accepted", NOBODY, NULL},

    /* four at once for an application and mailbox, whatever the code */
    {429, NULL, OUTCOME_THROTTLE, "4.4.5", REASON_THROTTLED, SLOW_DOWN,
	THROTTLE_MAILBOX, "MailboxConcurrency"},

    {401, NULL, OUTCOME_RENEW, "4.7.8", REASON_CREDENTIAL,
	"Graph does not take the token", NOBODY, NULL},

    {ANY, "ErrorSendAsDenied", OUTCOME_GRACE, "x.7.60", REASON_PERMISSION,
	"the application may not send as this mailbox; an admin must grant "
	"it Mail.Send for the mailbox, or From must name the mailbox itself",
	NOBODY, NULL},
    {403, "ErrorAccessDenied", OUTCOME_GRACE, "x.7.1", REASON_PERMISSION,
	NOT_GRANTED, NOBODY, NULL},
    {403, "Authorization_RequestDenied", OUTCOME_GRACE, "x.7.1",
	REASON_PERMISSION, NOT_GRANTED, NOBODY, NULL},
    /*
     * RFC 3463: x.1.8 is about the sender's domain. Of these codes the first
     * two say that there is no such mailbox, and nothing else.
     */
    {404, "ErrorInvalidUser", OUTCOME_FALLBACK, "x.1.0", REASON_MAILBOX,
	NO_MAILBOX, NOBODY, NULL},
    {404, "ResourceNotFound", OUTCOME_FALLBACK, "x.1.0", REASON_MAILBOX,
	NO_MAILBOX, NOBODY, NULL},
    {404, "Request_ResourceNotFound", OUTCOME_GRACE, "x.1.0", REASON_MAILBOX,
	NO_MAILBOX, NOBODY, NULL},
    {404, "MailboxNotEnabledForRESTAPI", OUTCOME_GRACE, "x.1.0", REASON_MAILBOX,
	"the mailbox is not in Exchange Online, inactive or on-premises",
	NOBODY, NULL},

    {400, "ErrorInvalidRecipients", OUTCOME_AGAIN, "x.1.3", REASON_RECIPIENT,
	"Exchange does not take the recipients' addresses", NOBODY, NULL},
    {400, "ErrorMimeContentInvalidBase64String", OUTCOME_AGAIN, "x.6.0",
	REASON_CONTENT, UNREADABLE, NOBODY, NULL},
    {400, "ErrorMimeContentInvalid", OUTCOME_AGAIN, "x.6.0", REASON_CONTENT,
	UNREADABLE, NOBODY, NULL},

    {400, "ErrorMessageSizeExceeded", OUTCOME_BOUNCE, "5.3.4", REASON_SIZE,
	"the message is larger than the mailbox may send", NOBODY, NULL},
    {413, NULL, OUTCOME_BOUNCE, "5.3.4", REASON_SIZE,
	"the message is larger than Graph takes in one request", NOBODY, NULL},
    {ANY, "ErrorMessageBlocked", OUTCOME_BOUNCE, "5.7.1", REASON_CONTENT,
	"Exchange took the message for spam", NOBODY, NULL},

    /* RFC 3463: x.2.2 would be the recipient's mailbox */
    {ANY, "ErrorQuotaExceeded", OUTCOME_DEFER, "4.3.1", REASON_MAILBOX, FULL,
	NOBODY, NULL},
    {ANY, "QuotaExceededException", OUTCOME_DEFER, "4.3.1", REASON_MAILBOX,
	FULL, NOBODY, NULL},
    {ANY, "ErrorExceededMessageLimit", OUTCOME_DEFER, "4.7.28",
	REASON_THROTTLED, DAILY, NOBODY, NULL},
    {ANY, "ErrorSubmissionQuotaExceeded", OUTCOME_DEFER, "4.7.28",
	REASON_THROTTLED, DAILY, NOBODY, NULL},

    /* RFC 3463: x.4.5 is congestion; 4.7.28 is a flood of mail (IANA) */
    {ANY, "ApplicationThrottled", OUTCOME_THROTTLE, "4.4.5", REASON_THROTTLED,
	SLOW_DOWN, THROTTLE_MAILBOX, NULL},
    {429, NULL, OUTCOME_THROTTLE, "4.4.5", REASON_THROTTLED, SLOW_DOWN,
	THROTTLE_APPLICATION, NULL},

    {503, NULL, OUTCOME_DEFER, "4.3.2", REASON_ENDPOINT, "Exchange is busy",
	NOBODY, NULL},
    {5, NULL, OUTCOME_DEFER, "4.3.2", REASON_ENDPOINT, "Graph failed", NOBODY,
	NULL},
};

static int
outcome_row_matches(
    const struct row *row, long status, const char *code, const char *words)
{
	if (row->status == ANY) {
		if (status < 400)
			return 0;
	} else if (row->status == 5) {
		if (status / 100 != 5)
			return 0;
	} else if (row->status != status) {
		return 0;
	}
	if (row->words != NULL && strstr(words, row->words) == NULL)
		return 0;
	return row->code == NULL || strcmp(row->code, code) == 0;
}

int
outcome_is_refusal(const struct outcome *outcome)
{
	return outcome->action == OUTCOME_GRACE ||
	    outcome->action == OUTCOME_FALLBACK;
}

/* No answer, or one that no row foresees. */
static struct outcome
outcome_unforeseen(long status, int body_sent)
{
	struct outcome out = {
	    .action = OUTCOME_DEFER, .dsn = "4.3.0", .reason = REASON_UNKNOWN};

	if (status == 0) {
		out.dsn = "4.4.1";
		out.reason = REASON_ENDPOINT;
		out.text = "no answer from Graph";
		out.known = 1;
		out.outcome_unknown = body_sent;
	} else {
		out.text = "Graph's answer is not one that is known here";
		/* an answer in the 400s is a no; any other may be a yes */
		out.outcome_unknown = body_sent && status / 100 != 4;
	}
	return out;
}

/* From somebody who cannot have read the message, and may have it in part. */
static const struct outcome early_acceptance = {.action = OUTCOME_DEFER,
    .dsn = "4.4.1",
    .reason = REASON_ENDPOINT,
    .text = "Graph answered before it had the whole message",
    .known = 1,
    .outcome_unknown = 1};

struct outcome
outcome_of(long status, const char *code, const char *words, int body_sent)
{
	struct outcome out = {0};
	size_t i;

	if (status == 202 && !body_sent)
		return early_acceptance;
	for (i = 0; status != 0 && i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!outcome_row_matches(&rows[i], status, code, words))
			continue;
		out.action = rows[i].action;
		out.dsn = rows[i].dsn;
		out.reason = rows[i].reason;
		out.text = rows[i].text;
		out.scope = rows[i].scope;
		out.known = 1;
		/*
		 * 500 and 504 have been followed by delivery. A 503 comes from
		 * the front and a named error from Exchange's own refusal.
		 */
		out.outcome_unknown = rows[i].action == OUTCOME_DEFER &&
		    rows[i].code == NULL && status != 503 && body_sent;
		return out;
	}
	return outcome_unforeseen(status, body_sent);
}
