/*
 * graph_refused.h - finds the recipients that an error of Graph names.
 */
#ifndef MSGRAPHD_GRAPH_REFUSED_H
#define MSGRAPHD_GRAPH_REFUSED_H

#include "agent/daemon/message/request.h"
#include "agent/daemon/net/http.h"

/*
 * Sets named[i] to 1 for each recipient whose address stands in the error
 * message of the answer, whole and in any letter case. Microsoft documents no
 * form of it: seen are "Recipient 'x' isn't resolved." and words that name
 * nobody. An address that is a part of another does not count. Looks at the
 * first 8,192 bytes of the message.
 */
void graph_read_refused(const struct http_answer *answer,
    const struct request_recipient *each, size_t count, unsigned char *named);

#endif
