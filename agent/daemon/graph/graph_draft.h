/*
 * graph_draft.h - the requests that bring a large message to Graph: a draft,
 * attachments in one piece or by upload session, and the order to send.
 * Microsoft: "Create message" (MIME format), "Add attachment", "attachment:
 * createUploadSession", "message: send", "Delete message".
 */
#ifndef MSGRAPHD_GRAPH_DRAFT_H
#define MSGRAPHD_GRAPH_DRAFT_H

#include "agent/daemon/base/limits.h"
#include "agent/daemon/message/attachment.h"
#include "agent/daemon/message/source.h"
#include "agent/daemon/net/http.h"
#include "lib/base/buf.h"
#include "lib/base/secret.h"
#include "lib/conf/conf.h"

/* Upload sessions take files from here on, and the other call does not. */
#define GRAPH_UPLOAD_MIN 3000000LL

/*
 * One range of an upload: under 4 MB, as Microsoft asks, and a multiple of
 * 320 KiB, as its other upload sessions want it.
 */
#define GRAPH_RANGE_SIZE (12 * 327680LL)

/* The fields that all requests need; borrowed until they have started. */
struct graph_call {
	struct http *http;
	const struct conf *conf;
	const char *mailbox;
	const char *draft; /* Graph's id of it; not needed to create it */
	const struct secret *token; /* never given to the upload host */
	const char *id; /* client-request-id */
	http_done done;
	void *ctx;
};

/* The body of the request that is under way; lives as long as the request. */
struct graph_body {
	struct buf head; /* before the file's bytes */
	const char *tail; /* after them */
	size_t at_head, at_tail;
	struct segment bytes;
	struct source file; /* a slice; size 0: none */
	int base64;
};

/* Frees what the body owns. Takes one that was zeroed. */
void graph_body_free(struct graph_body *body);

/*
 * Creates a draft of the message without the parts that were taken out of it.
 */
struct http_call *graph_draft_create(
    const struct graph_call *call, struct source *source, struct error *err);

/* Adds a small attachment in one request. */
struct http_call *graph_draft_attach(const struct graph_call *call,
    const struct attachment *attachment, const struct source *source,
    struct graph_body *body, struct error *err);

/* Returns 1 when the attachment fits into one request. */
int graph_draft_is_small(const struct attachment *attachment);

/* Asks for an address to upload a large attachment to. */
struct http_call *graph_draft_open(const struct graph_call *call,
    const struct attachment *attachment, struct graph_body *body,
    struct error *err);

/* Asks the upload's address how far the upload has got. */
struct http_call *graph_draft_ask(const struct graph_call *call,
    const struct secret *upload, struct error *err);

/* Uploads the bytes from offset on, GRAPH_RANGE_SIZE of them at most. */
struct http_call *graph_draft_put(const struct graph_call *call,
    const struct secret *upload, const struct attachment *attachment,
    long long offset, const struct source *source, struct graph_body *body,
    struct error *err);

/* Has the draft sent. */
struct http_call *graph_draft_send(
    const struct graph_call *call, struct graph_body *body, struct error *err);
/* Deletes the draft. */
struct http_call *graph_draft_delete(
    const struct graph_call *call, struct error *err);

/* --- what the answers say --- */

/* Reads the id of a new draft. 0, or -1 when the answer has none. */
int graph_draft_read_id(
    const struct http_answer *answer, char id[DRAFT_ID_SIZE]);

/*
 * Reads the address of an upload session, which the caller frees. NULL when
 * the answer has none.
 */
struct secret *graph_draft_read_upload(const struct http_answer *answer);

/* Reads the first byte that an upload session still wants; -1 without one. */
long long graph_draft_read_next(const struct http_answer *answer);

#endif
