/*
 * graph_sent.h - the question whether a mailbox has sent a message already.
 * Microsoft: "List messages".
 */
#ifndef MSGRAPHD_GRAPH_SENT_H
#define MSGRAPHD_GRAPH_SENT_H

#include "agent/daemon/net/http.h"
#include "lib/base/error.h"
#include "lib/base/secret.h"
#include "lib/conf/conf.h"

/*
 * Recipients as one text that can be compared: in lower case, sorted, each
 * once, a line each. Sorts list in place. The caller frees it; NULL when
 * memory is short.
 */
char *graph_recipients(const char **list, size_t count);

/*
 * Starts the question which messages with this Message-ID (with its angle
 * brackets) the mailbox's Sent Items hold.
 */
struct http_call *graph_find_sent(struct http *http, const struct conf *conf,
    const char *mailbox, const struct secret *token, const char *message_id,
    const char *id, http_done done, void *ctx, struct error *err);

/*
 * Reads the answer: 1 when one of them went to all these recipients in the
 * last age seconds by the server's clock: a device may give all that it sends
 * the same Message-ID, and then an older one is another message. (A message
 * that was sent in parts, or once for each recipient, has its Message-ID in
 * each.) 0 when none did, -1 when that is not said.
 */
int graph_read_found(
    const struct http_answer *answer, const char *recipients, long long age);

#endif
