/*
 * report.c - see report.h.
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/log.h"
#include "report.h"

static const char *const status_names[] = {
    [WIRE_SENT] = "sent",
    [WIRE_DEFERRED] = "deferred",
    [WIRE_BOUNCED] = "bounced",
};

static void
report_add_answer(struct buf *line, const struct report *report)
{
	if (report->status != 0)
		buf_printf(line, ", http=%ld", report->status);
	if (report->retry_after != 0)
		buf_printf(line, ", retry-after=%ld", report->retry_after);
	if (report->request_id[0] != '\0')
		buf_printf(line, ", request-id=%s", report->request_id);
	if (report->outcome_unknown)
		buf_add_string(line, ", outcome=unknown");
}

void
report_log(const struct delivery_request *request, const struct report *report,
    const struct wire_reply *reply)
{
	char client[IDENTITY_TEXT_SIZE];
	struct buf line;

	buf_init(&line, LOG_LINE_MAX);
	buf_printf(
	    &line, "%s: mailbox=<%s>", request->queue_id, request->mailbox);
	if (request->instead_of[0] != '\0')
		buf_printf(&line, ", instead-of=<%s>", request->instead_of);
	buf_printf(&line, ", application=%s, nrcpt=%u, size=%lld",
	    identity_text(&request->identity, client), request->nrcpt,
	    request->source.size + request->attachments.size);
	if (request->notice)
		buf_printf(&line, ", notice=%zu", request->each_count);
	if (request->attachments.count > 0)
		buf_printf(&line, ", draft=%zu/%zu", report->attached,
		    request->attachments.count);
	report_add_answer(&line, report);
	buf_printf(&line, ", delay=%.2f", report->delay);
	if (reply->status != WIRE_SENT)
		buf_printf(
		    &line, ", reason=%s, dsn=%s", report->reason, reply->dsn);
	buf_printf(&line, ", status=%s (%s)", status_names[reply->status],
	    reply->text);
	log_info("%s", line.bytes == NULL ? "out of memory" : line.bytes);
	buf_free(&line);
}

static void
report_fill(struct wire_reply *reply, enum wire_status status, const char *dsn,
    const char *text)
{
	struct error clean;

	/* parts of the text come from outside */
	error_set(&clean, ERROR_NONE, dsn, "%s", text);
	memset(reply, 0, sizeof(*reply));
	reply->status = status;
	snprintf(reply->dsn, sizeof(reply->dsn), "%s", clean.dsn);
	snprintf(reply->text, sizeof(reply->text), "%s", clean.text);
}

void
report_sent(struct wire_reply *reply, struct report *report, const char *text)
{
	report->reason = NULL;
	report_fill(reply, WIRE_SENT, "2.0.0", text);
}

void
report_deferred(struct wire_reply *reply, struct report *report,
    const char *dsn, const char *reason, const char *text)
{
	report->reason = reason;
	report_fill(reply, WIRE_DEFERRED, dsn, text);
}

void
report_error(
    struct wire_reply *reply, struct report *report, const struct error *err)
{
	report_deferred(
	    reply, report, err->dsn, REASON_CONFIGURATION, err->text);
}

/* Says whom a refusal is about, where it is about recipients. */
static void
report_refused(struct wire_reply *reply, const struct report *report)
{
	size_t i;

	reply->by_recipient = reply->status == WIRE_BOUNCED &&
	    strcmp(report->reason, REASON_RECIPIENT) == 0;
	for (i = 0; reply->by_recipient && i < WIRE_RECIPIENTS_MAX; i++)
		if (report->named[i])
			reply->recipients[i] = WIRE_RECIPIENT_REFUSED;
}

void
report_outcome(struct wire_reply *reply, enum wire_status status,
    const struct outcome *outcome, struct report *report)
{
	char dsn[sizeof(reply->dsn)];
	struct buf text;

	snprintf(dsn, sizeof(dsn), "%s", outcome->dsn);
	dsn[0] = status == WIRE_BOUNCED ? '5' : '4';
	buf_init(&text, 1024);
	buf_add_string(&text, outcome->text);
	if (report->status != 0)
		buf_printf(&text, ": HTTP %ld", report->status);
	else if (report->transport[0] != '\0')
		buf_printf(&text, ": %s", report->transport);
	if (report->error.code[0] != '\0')
		buf_printf(&text, " %s", report->error.code);
	if (report->error.message[0] != '\0')
		buf_printf(&text, ": %s", report->error.message);
	if (report->outcome_unknown)
		buf_add_string(&text,
		    "; Graph may have taken the message, it may come twice");
	if (report->request_id[0] != '\0')
		buf_printf(&text, " (request-id=%s)", report->request_id);
	report->reason = outcome->reason;
	report_fill(
	    reply, status, dsn, text.bytes == NULL ? "failed" : text.bytes);
	report_refused(reply, report);
	buf_free(&text);
}
