/*
 * http_plain.c - the client of http_new_plain(); see http.h.
 *
 * On a machine in Azure, 169.254.169.254 is the machine's own, answered by the
 * host that it runs on; Azure Arc's agent listens on a loopback address. Both
 * speak HTTP without TLS, so nothing that leaves the machine may go this way:
 * the place is looked at here once more, whatever the settings say.
 */
#include <string.h>

#include "http_private.h"

/* Seconds. Both are on this machine, or one hop away. */
#define CONNECT_TIMEOUT 3L

static const char *const http_plain_places[] = {
    "http://169.254.169.254/",
    "http://127.0.0.1:",
    "http://[::1]:",
};

#define PLACES (sizeof(http_plain_places) / sizeof(http_plain_places[0]))

static int
http_plain_is_place(const char *url)
{
	size_t i;

	for (i = 0; i < PLACES; i++)
		if (strncmp(url, http_plain_places[i],
			strlen(http_plain_places[i])) == 0)
			return 1;
	return 0;
}

/* PROXY and NOPROXY: the environment is not asked for a proxy either. */
static int
http_plain_set_connection(
    struct http_call *call, const struct http_request *request)
{
	CURL *easy = call->easy;

	if (!http_plain_is_place(request->url))
		return -1;
	return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http") ||
		curl_easy_setopt(
		    easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) ||
		curl_easy_setopt(easy, CURLOPT_PROXY, "") ||
		curl_easy_setopt(easy, CURLOPT_NOPROXY, "*") ||
		curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) ||
		curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) ||
		curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L) ||
		curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L) ||
		curl_easy_setopt(
		    easy, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT) ||
		curl_easy_setopt(easy, CURLOPT_TIMEOUT, request->timeout)
	    ? -1
	    : 0;
}

struct http *
http_new_plain(struct event_base *base, struct error *err)
{
	static const struct conf none = {.connect_timeout = CONNECT_TIMEOUT};
	struct http *http = http_new(base, &none, err);

	if (http != NULL)
		http->set_connection = http_plain_set_connection;
	return http;
}
