/*
 * field.h - writes a header field anew, so that it has no 8-bit byte, no lone
 * CR or LF and, where its grammar has a place for a line end, no line over 998
 * bytes, and means what it meant.
 */
#ifndef MSGRAPH_AGENT_FIELD_H
#define MSGRAPH_AGENT_FIELD_H

#include "lib/base/buf.h"
#include "lib/base/span.h"

/*
 * Appends "name: value" to out, without blanks before the colon and without a
 * line end. No encoded word is written where RFC 2047 section 5 forbids it.
 * Charset is the one that the message says 8-bit bytes are in, or empty; a
 * value that is UTF-8 is read as that. out->failed tells of failure.
 */
void field_write(struct buf *out, struct span name_and_colon, struct span value,
    struct span charset);

#endif
