/*
 * entra.h - requests to Entra's token endpoint, and the meaning of its answers.
 *
 * Microsoft: "Microsoft identity platform and the OAuth 2.0 client credentials
 * flow".
 */
#ifndef MSGRAPHD_ENTRA_H
#define MSGRAPHD_ENTRA_H

#include <stddef.h>

#include "agent/daemon/net/http.h"
#include "lib/base/buf.h"
#include "lib/base/secret.h"
#include "lib/conf/conf.h"
#include "lib/local/identity.h"
#include "credential.h"

/* An assertion, or a secret of which each byte is escaped, and the rest. */
#define ENTRA_FORM_MAX (ASSERTION_MAX + 4096)

/* Seconds: a sign-in should not take longer than a client waits. */
#define ENTRA_TIMEOUT 30L

enum entra_result {
	ENTRA_ACCEPTED, /* a token came */
	ENTRA_REFUSED, /* Entra knows this secret or application to be wrong */
	ENTRA_REFUSED_REQUEST, /* a no that says nothing of the secret */
	ENTRA_UNAVAILABLE, /* nothing was learnt about the secret */
	ENTRA_MISCONFIGURED /* an admin must act: a managed identity's */
};

struct entra_answer {
	enum entra_result result;
	struct secret *token; /* owned; only when accepted */
	long expires_in; /* seconds; only when accepted */
	long retry_after; /* seconds, 0 when not said */
	int throttled; /* the answer was 429 */
	char text[256]; /* one line: why not */
};

/* What a token is asked for, and with what. All is borrowed. */
struct entra_request {
	const struct identity *id; /* the application */
	const char *resource; /* for which: "https://graph.microsoft.com" */
	enum credential_proof proof;
	const struct secret *secret; /* or assertion */
};

struct entra_call;

/* The answer is valid during the call only. */
typedef void (*entra_done)(void *ctx, const struct entra_answer *answer);

/*
 * Makes *out the answer with this token, which lasts so many seconds; the
 * caller frees out->token. 0, or -1 and out->text says what who gave instead:
 * nothing fit for a header, or for no second at all or more than a month.
 */
int entra_take_token(const char *token, size_t len, long long expires_in,
    const char *who, struct entra_answer *out);

/* Appends the URL of the tenant's token endpoint. 0, or -1. */
int entra_url(
    const struct conf *conf, const struct identity *id, struct buf *out);

/*
 * Asks for a token. The request's secret must live as long as the call. done is
 * called once, from the event loop. NULL with *err when the request could not
 * start.
 */
struct entra_call *entra_start(struct http *http, const struct conf *conf,
    const struct entra_request *request, entra_done done, void *ctx,
    struct error *err);
void entra_cancel(struct entra_call **callp);

/*
 * Builds the form that is sent (0, or -1 when it does not fit), and reads an
 * answer to a request with this secret (the caller frees out->token). out->text
 * holds no part of the secret, whatever the answer says. Both are pure.
 */
int entra_form(const struct entra_request *request, struct buf *out);
void entra_read(const struct http_answer *answer, const struct secret *secret,
    struct entra_answer *out);

#endif
