/*
 * http_private.h - struct http_call, for http.c (requests and libcurl's
 * events), http_request.c (what libcurl is told about one) and
 * http_connection.c (which connection it may use).
 */
#ifndef MSGRAPHD_HTTP_PRIVATE_H
#define MSGRAPHD_HTTP_PRIVATE_H

#include <curl/curl.h>
#include <sys/queue.h>

#include "lib/base/buf.h"
#include "http.h"

struct http_call {
	LIST_ENTRY(http_call) entry;
	struct http *http;
	CURL *easy;
	struct curl_slist *headers;
	struct http_body body;
	long long sent; /* bytes of the body that were handed to libcurl */
	int repeatable;
	int begun; /* a connection was found fit for it */
	int unfit; /* a pooled connection was found not to be */
	struct buf in;
	size_t received, received_max; /* headers and what was not kept, too */
	http_done done;
	void *ctx;
	char error[CURL_ERROR_SIZE];
};

/* The settings that connections depend on. All pointers are owned. */
struct http_settings {
	char *ca_file, *proxy; /* empty: none */
	struct secret *proxy_login; /* "user:password", encoded; NULL: none */
	long connect_timeout;
	long long since; /* ms of the monotonic clock */
};

struct http {
	CURLM *multi;
	struct event_base *base; /* borrowed */
	struct event *timer;
	LIST_HEAD(http_call_list, http_call) calls;
	LIST_HEAD(http_socket_list, http_socket) sockets; /* libcurl's */
	struct http_settings settings;
	/* whom its calls reach, and how: http_set_connection(), or another's */
	int (*set_connection)(
	    struct http_call *call, const struct http_request *request);
};

/* Fills the call's easy handle. 0, or -1 without memory. */
int http_set_up(struct http_call *call, const struct http_request *request);

/*
 * Tells the call's easy handle which connection, store of authorities and proxy
 * to use. 0, or -1 without memory.
 */
int http_set_connection(
    struct http_call *call, const struct http_request *request);

/* Frees what is written down of sockets, of which none is open any more. */
void http_connection_forget_all(struct http *http);

/*
 * Writes the setting, or the clock, that made a call fail before it had a
 * connection, as " (...)"; or "" where none is known.
 */
#define HTTP_HINT_SIZE 128
void http_hint(
    const struct http_call *call, CURLcode code, char hint[HTTP_HINT_SIZE]);

/* Frees what the settings own, and wipes the proxy's password. */
void http_settings_free(struct http_settings *settings);

#endif
