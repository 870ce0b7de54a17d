/*
 * outcome.c - see outcome.h. Pure.
 *
 * Rows are tried from the top; the first whose status and code match decides.
 * What is not proven to be permanent is temporary: only rows written from
 * Microsoft's documentation bounce, and no answer that nobody foresaw does.
 */
#include <stddef.h>
#include <string.h>

#include "outcome.h"

#define ANY 0L

struct row {
	long status; /* ANY: 400 and above; 5: all 5xx */
	const char *code; /* NULL: any */
	enum outcome_action action;
	const char *dsn;
	const char *text;
};

static const struct row rows[] = {
    /* 202 alone is acceptance: another 2xx was seen with no mail sent */
    {202, NULL, OUTCOME_SENT, "2.0.0", "accepted"},

    {401, NULL, OUTCOME_RENEW, "4.7.8", "Graph does not take the token"},

    {ANY, "ErrorSendAsDenied", OUTCOME_HEAL, "x.7.60",
	"the application may not send as this mailbox; an admin must grant "
	"it Mail.Send for the mailbox, or From must name the mailbox itself"},
    {403, "ErrorAccessDenied", OUTCOME_HEAL, "x.7.1",
	"the application may not use this mailbox; an admin must grant it "
	"Mail.Send for the mailbox"},
    {403, "Authorization_RequestDenied", OUTCOME_HEAL, "x.7.1",
	"the application may not use this mailbox; an admin must grant it "
	"Mail.Send for the mailbox"},
    {404, "ErrorInvalidUser", OUTCOME_HEAL, "x.1.8",
	"there is no such mailbox; From must name an existing one"},
    {404, "ResourceNotFound", OUTCOME_HEAL, "x.1.8",
	"there is no such mailbox; From must name an existing one"},
    {404, "Request_ResourceNotFound", OUTCOME_HEAL, "x.1.8",
	"there is no such mailbox; From must name an existing one"},
    {404, "MailboxNotEnabledForRESTAPI", OUTCOME_HEAL, "x.1.8",
	"the mailbox is not in Exchange Online, inactive or on-premises"},

    {400, "ErrorInvalidRecipients", OUTCOME_RETRY, "x.1.3",
	"Exchange does not take the recipients' addresses"},
    {400, "ErrorMimeContentInvalidBase64String", OUTCOME_RETRY, "x.6.0",
	"Exchange cannot read the message"},
    {400, "ErrorMimeContentInvalid", OUTCOME_RETRY, "x.6.0",
	"Exchange cannot read the message"},

    {400, "ErrorMessageSizeExceeded", OUTCOME_BOUNCE, "5.3.4",
	"the message is larger than the mailbox may send"},
    {413, NULL, OUTCOME_BOUNCE, "5.3.4",
	"the message is larger than Graph takes in one request"},
    {ANY, "ErrorMessageBlocked", OUTCOME_BOUNCE, "5.7.1",
	"Exchange took the message for spam"},

    {ANY, "ErrorQuotaExceeded", OUTCOME_DEFER, "4.2.2",
	"the sending mailbox is full; it must be emptied, since a copy goes "
	"to Sent Items"},
    {ANY, "ErrorExceededMessageLimit", OUTCOME_DEFER, "4.7.28",
	"the mailbox has reached its daily limit"},
    {ANY, "ErrorSubmissionQuotaExceeded", OUTCOME_DEFER, "4.7.28",
	"the mailbox has reached its daily limit"},

    {429, NULL, OUTCOME_HOLD, "4.7.28", "Graph asks to slow down"},
    {ANY, "ApplicationThrottled", OUTCOME_HOLD, "4.7.28",
	"Graph asks to slow down"},

    {503, NULL, OUTCOME_DEFER, "4.3.2", "Exchange is busy"},
    {5, NULL, OUTCOME_DEFER, "4.3.2", "Graph failed"},
};

static int
row_matches(const struct row *row, long status, const char *code)
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
	return row->code == NULL || strcmp(row->code, code) == 0;
}

/* No answer, or one that no row foresees. */
static struct outcome
unforeseen(long status, int body_sent)
{
	struct outcome out = {.action = OUTCOME_DEFER, .dsn = "4.3.0"};

	if (status == 0) {
		out.dsn = "4.4.1";
		out.text = "no answer from Graph";
		out.known = 1;
		out.unknown_fate = body_sent;
	} else {
		out.text = "Graph's answer is not one that is known here";
		/* an answer in the 400s is a no; any other may be a yes */
		out.unknown_fate = body_sent && status / 100 != 4;
	}
	return out;
}

/* From somebody who cannot have read the message, and may have it in part. */
static const struct outcome early_acceptance = {.action = OUTCOME_DEFER,
    .dsn = "4.4.1",
    .text = "Graph answered before it had the whole message",
    .known = 1,
    .unknown_fate = 1};

struct outcome
outcome_of(long status, const char *code, int body_sent)
{
	struct outcome out = {0};
	size_t i;

	if (status == 202 && !body_sent)
		return early_acceptance;
	for (i = 0; status != 0 && i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!row_matches(&rows[i], status, code))
			continue;
		out.action = rows[i].action;
		out.dsn = rows[i].dsn;
		out.text = rows[i].text;
		out.known = 1;
		/*
		 * 500 and 504 have been followed by delivery. A 503 comes from
		 * the front and a named error from Exchange's own refusal.
		 */
		out.unknown_fate = rows[i].action == OUTCOME_DEFER &&
		    rows[i].code == NULL && status != 503 && body_sent;
		return out;
	}
	return unforeseen(status, body_sent);
}
