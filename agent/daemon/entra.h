/*
 * entra.h - what is said to Entra's token endpoint, and what its answers mean.
 *
 * Pure functions; account.c does the asking. Microsoft: "Microsoft identity
 * platform and the OAuth 2.0 client credentials flow".
 */
#ifndef MSGRAPHD_ENTRA_H
#define MSGRAPHD_ENTRA_H

#include <stddef.h>

#include "buf.h"
#include "conf.h"
#include "http.h"
#include "identity.h"
#include "secret.h"

#define ENTRA_FORM_MAX 8192

enum entra_result {
	ENTRA_ACCEPTED, /* a token came */
	ENTRA_REFUSED, /* Entra knows this secret or client to be wrong */
	ENTRA_UNAVAILABLE /* nothing was learnt about the secret */
};

struct entra_answer {
	enum entra_result result;
	struct secret *token; /* owned; only when accepted */
	long expires_in; /* seconds; only when accepted */
	long retry_after; /* seconds, 0 when not said */
	char text[256]; /* one line: why not */
};

/* Both append; 0, or -1 when it does not fit. */
int entra_url(
    const struct conf *conf, const struct identity *id, struct buf *out);
int entra_form(const struct conf *conf, const struct identity *id,
    const struct secret *secret, struct buf *out);

/* Reads an answer. The caller frees out->token. */
void entra_read(const struct http_answer *answer, struct entra_answer *out);

#endif
