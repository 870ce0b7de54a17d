/*
 * content.h - changes a message so that Exchange leaves it as it is: CRLF
 * everywhere, no 8-bit bytes, no line over 998 bytes; and hides the client in
 * the Received field, if that is wanted. msgraph-agent(8) has the rules.
 */
#ifndef MSGRAPH_AGENT_CONTENT_H
#define MSGRAPH_AGENT_CONTENT_H

#include "agent/pipe/codec/scan.h"
#include "agent/pipe/edit/edit.h"
#include "lib/base/error.h"

struct content_rules {
	int encode_8bit;
	int hide_client;
	int signature_broken; /* the message's own: it covers nothing */
	const char *queue_id; /* borrowed; names our own Received field */
};

/*
 * Converts header fields of the raw message that are in a charset with
 * characters of several bytes, such as Big5, to UTF-8, unless a DKIM-Signature
 * that is not broken covers the message. The edits must be empty; they stay so
 * where nothing changes. Returns 0; or -1 when the charset cannot be read now
 * (see charset_to_utf8()), or the message.
 */
int content_header(struct edits *, int signature_broken, struct error *);

/*
 * Adds to the edits what the message, as they make it, needs. Found is what
 * the whole raw message holds; a message in which nothing was found is not
 * even read. 0; or -1 when it cannot be sent (5.6.0) or read.
 */
int content_edit(struct edits *, const struct scan *found,
    const struct content_rules *, struct error *);

#endif
