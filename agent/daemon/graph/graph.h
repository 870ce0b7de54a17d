/*
 * graph.h - the sendMail request, and how to read errors of Graph. Microsoft:
 * "user: sendMail", MIME format.
 */
#ifndef MSGRAPHD_GRAPH_H
#define MSGRAPHD_GRAPH_H

#include "agent/daemon/message/source.h"
#include "agent/daemon/net/http.h"
#include "lib/base/buf.h"
#include "lib/base/secret.h"
#include "lib/conf/conf.h"
#include "lib/local/identity.h"

struct graph_error {
	char code[64]; /* empty when none was given */
	char message[256]; /* empty when none was given */
	char request_id[64];
};

/*
 * Starts the request that sends a message. The source is read from its start
 * and must live until done or http_cancel(). id is sent as client-request-id.
 */
struct http_call *graph_send(struct http *http, const struct conf *conf,
    const char *mailbox, const struct secret *token, struct source *source,
    const char *id, http_done done, void *ctx, struct error *err);

/* Returns the message in base64, as a request's body. source is borrowed. */
struct http_body graph_message_body(struct source *source);

/*
 * Appends "endpoint/v1.0/users/mailbox", the mailbox percent-encoded, to a URL.
 * 0, or -1 when it does not fit.
 */
int graph_user_url(
    const struct conf *conf, const char *mailbox, struct buf *url);

/* Makes a random UUID (version 4). */
void graph_new_id(char id[UUID_TEXT_SIZE]);

/* Reads an error answer of any form: JSON of either casing, text, HTML. */
void graph_read_error(
    const struct http_answer *answer, struct graph_error *out);

#endif
