/*
 * http_private.h - struct http_call, for http.c (requests and libcurl's events)
 * and http_request.c (what libcurl is told about one).
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
	struct buf in;
	size_t received, received_max; /* with what was not kept */
	http_done done;
	void *ctx;
	char error[CURL_ERROR_SIZE];
};

struct http {
	CURLM *multi;
	struct event_base *base; /* borrowed */
	struct event *timer;
	LIST_HEAD(http_call_list, http_call) calls;
	unsigned int active;
	char *ca_file, *proxy; /* owned */
	long connect_timeout;
};

/* Fills the call's easy handle. 0, or -1 when memory is short. */
int http_set_up(struct http_call *call, const struct http_request *request);

#endif
