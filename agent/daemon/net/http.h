/*
 * http.h - HTTPS requests over pooled connections: libcurl's multi interface
 * driven by libevent.
 *
 * HTTPS only, no redirects, certificates always verified, connect and total
 * timeouts on each request, answers capped. A connection that gave a 503 is not
 * used again (Graph: "Error handling"), nor one that holds bytes nobody asked
 * for (http_connection.c). Everything runs in the event loop's thread.
 */
#ifndef MSGRAPHD_HTTP_H
#define MSGRAPHD_HTTP_H

#include <event2/event.h>
#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/base/error.h"
#include "lib/base/secret.h"
#include "lib/conf/conf.h"

/* So much of an answer's body is kept; errors of Entra and Graph are small. */
#define HTTP_BODY_KEPT (64 * 1024)
/* A longer answer is cut off; headers and trailers count. */
#define HTTP_BODY_MAX (1024 * 1024)

struct http;
struct http_call;

/* Where a request body comes from, piece by piece. */
struct http_body {
	long long size; /* bytes in all */
	/* fills up to room bytes; count, or -1 to give the request up */
	long (*read)(void *ctx, char *to, size_t room);
	/* starts over; see repeatable below */
	void (*rewind)(void *ctx);
	void *ctx;
};

/* Everything is borrowed until http_start() returns, but body and its ctx
 * until the call has ended. */
struct http_request {
	const char *method; /* "POST", "GET" … */
	const char *url;
	const char *content_type; /* NULL: none */
	const char *content_range; /* NULL: none */
	const struct secret *bearer; /* NULL: no Authorization, or the next */
	const struct secret *basic; /* as it goes out; NULL: none */
	const char *client_request_id; /* NULL: none */
	/* more lines "Name: value", with a NULL at the end; NULL: none */
	const char *const *headers;
	const struct http_body *body; /* NULL: none; may have no bytes */
	long timeout; /* seconds, of the whole request */
	size_t answer_max; /* 0: HTTP_BODY_MAX */
	size_t answer_kept; /* 0: HTTP_BODY_KEPT */
	int once; /* never sent again by itself: see http.c */
	int own_connection; /* none from the pool, none into the pool */
	int repeatable; /* may be sent again after its last byte was */
};

struct http_answer {
	long status; /* 0 when none came */
	char transport[256]; /* why none came, for a person */
	long retry_after; /* seconds; 0 when not said */
	long long date; /* the server's clock; -1 when not said */
	const char *body; /* NUL-terminated; never NULL */
	size_t body_len; /* no more than was to be kept */
	char request_id[64]; /* empty when not said, as the next */
	char challenge[256]; /* WWW-Authenticate, perhaps cut */
	int body_sent; /* the request, with all its bytes, was handed over */
	double seconds; /* how long it took */
	const struct http_call *call; /* for http_answer_header() */
};

/* The answer is valid during the call only. */
typedef void (*http_done)(void *ctx, const struct http_answer *answer);

/*
 * Makes a pool of at most 256 connections; requests beyond that wait for one.
 * A second pool waits for nothing of the first. NULL with *err. base is
 * borrowed, conf is copied.
 */
struct http *http_new(
    struct event_base *base, const struct conf *conf, struct error *err);

/*
 * Makes a client for the services that give tokens to this host alone, which
 * speak HTTP without TLS. It reaches 169.254.169.254 and loopback addresses and
 * nothing else, through no proxy, and uses no connection twice. NULL with *err.
 * base is borrowed.
 */
struct http *http_new_plain(struct event_base *base, struct error *err);

/*
 * Takes new settings for requests that start from now on, reads the proxy's
 * password again, and uses no connection any more that was made before. 0, or
 * -1 with *err, which shows nothing of the password; then the old settings
 * stay.
 */
int http_configure(
    struct http *http, const struct conf *conf, struct error *err);

/* Ends what is under way without calling back. */
void http_free(struct http **httpp);

/*
 * Starts a request. done is called exactly once, from the event loop, never
 * from inside http_start(). NULL with *err when it could not start; then done
 * is not called.
 */
struct http_call *http_start(struct http *http,
    const struct http_request *request, http_done done, void *ctx,
    struct error *err);

/* Gives a call up; done is not called. Takes NULL. */
void http_cancel(struct http_call **callp);

/*
 * Appends len bytes of text to a URL or form, escaped (RFC 3986 section 2.1).
 * 0, or -1 without memory or room.
 */
int http_add_escaped(struct buf *out, const char *text, size_t len);

/*
 * Returns the value of a header of the answer, or NULL; the first one's where
 * there are several. Valid as long as the answer.
 */
const char *http_answer_header(
    const struct http_answer *answer, const char *name);

/* Returns 1 when all of the request was handed over. */
int http_may_have_all(const struct http_call *call);

#endif
