/*
 * managed.h - requests for a token of a managed identity, which Azure gives to
 * this machine without any proof.
 *
 * Microsoft: "How to use managed identities for Azure resources on an Azure VM
 * to acquire an access token" (IMDS), "Authenticate against Azure resources
 * with Azure Arc-enabled servers" (Arc).
 */
#ifndef MSGRAPHD_MANAGED_H
#define MSGRAPHD_MANAGED_H

#include "entra.h"

/* What a token is asked for; all is borrowed during the call. */
struct managed_request {
	const struct identity
	    *id; /* the application that the token must be of */
	const char *identity; /* "system", "arc", or a client id */
	const char *resource;
	int is_patient; /* 1: to have a token; 0: to see if there is one */
};

struct managed_call;

/* Returns why an entry's managed_identity has no such form, or NULL. */
const char *managed_unfit(const char *identity);

/*
 * Asks for a token over a client of http_new_plain(). done is called once, from
 * the event loop. NULL with *err when the request could not start.
 */
struct managed_call *managed_start(struct event_base *base, struct http *plain,
    const struct conf *conf, const struct managed_request *request,
    entra_done done, void *ctx, struct error *err);

/* Gives the request up; done is not called. Takes NULL. */
void managed_cancel(struct managed_call **callp);

/*
 * Asks for a token and waits for the answer, within some five seconds: for
 * "msgraphd -t". 0, or -1 with *err: ERROR_OURS where an admin must act, and
 * ERROR_TEMPORARY where nothing is known.
 */
int managed_try(const struct conf *conf, const struct managed_request *request,
    struct error *err);

/*
 * Reads an answer to a request for this identity, which was made with an Arc
 * key or NULL. out->text shows no part of the key. The caller frees out->token.
 */
void managed_read(const struct http_answer *answer, const char *identity,
    const struct identity *id, const struct secret *key,
    struct entra_answer *out);

#endif
