/*
 * reply.h - what an error looks like in an SMTP reply and in the log.
 */
#ifndef MSGRAPH_REPLY_H
#define MSGRAPH_REPLY_H

#include <stddef.h>

#include "lib/base/error.h"

/* A reply line has 512 bytes (RFC 5321 section 4.5.3.1.5), code and all. */
#define REPLY_TEXT_SIZE 480

/*
 * Returns the three digits that go with the error's class and enhanced status.
 */
const char *reply_code(const struct error *err);

/*
 * Writes text as libmilter wants it: '%' doubled, because Sendmail takes the
 * reply for a format (Postfix halves them again), printable ASCII only, cut
 * to fit.
 */
void reply_text(const char *text, char out[REPLY_TEXT_SIZE]);

/* Longer than any address that can be delivered (RFC 5321 section 4.5.3.1). */
#define REPLY_SENDER_SIZE 384

/*
 * Writes the argument of MAIL FROM, without its brackets, as it may stand in a
 * "from=<...>, " of a log line: blanks, control characters, bytes above 127,
 * angle brackets and commas become '?'. What is too long ends in "...".
 */
void reply_sender(const char *sender, char out[REPLY_SENDER_SIZE]);

#endif
