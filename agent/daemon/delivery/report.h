/*
 * report.h - tells the end of a delivery: the log line, and the text that goes
 * into Postfix's log and into a bounce.
 */
#ifndef MSGRAPHD_REPORT_H
#define MSGRAPHD_REPORT_H

#include "agent/daemon/graph/graph.h"
#include "agent/daemon/graph/outcome.h"
#include "delivery.h"

/* The last answer of Graph, and what else the log line needs. */
struct report {
	long status; /* HTTP; 0 when no answer came */
	long retry_after;
	int outcome_unknown;
	const char *reason; /* of reason.h; set by the functions below */
	char request_id[64];
	char transport[256]; /* why no answer came */
	struct graph_error error;
	double delay; /* seconds */
	size_t attached; /* of a large message's attachments, so many */
	/* the recipients that Graph's words name, by their place */
	unsigned char named[WIRE_RECIPIENTS_MAX];
};

/* Logs the one line of a delivery; msgraphd(8) lists its keys in order. */
void report_log(const struct delivery_request *request,
    const struct report *report, const struct wire_reply *reply);

/* Fills reply from an outcome: a status code of its class, and why. */
void report_outcome(struct wire_reply *reply, enum wire_status status,
    const struct outcome *outcome, struct report *report);

/*
 * Fills reply, and the report's reason, with a text of our own: that the
 * message was sent, that it is deferred, or with what went wrong on this host.
 */
void report_sent(
    struct wire_reply *reply, struct report *report, const char *text);
void report_deferred(struct wire_reply *reply, struct report *report,
    const char *dsn, const char *reason, const char *text);
void report_error(
    struct wire_reply *reply, struct report *report, const struct error *err);

#endif
