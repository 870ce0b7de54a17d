/*
 * http_connection.c - which connection a request may use, whom it trusts and
 * which proxy it goes through; see http.h.
 *
 * An answer belongs to the request before it on the connection: HTTP/1.1 has
 * nothing else that ties them. A server, or something on the way, that answers
 * once too often leaves an answer behind, and libcurl would take it for the
 * answer to the next request: a wrong secret would be right, a message that was
 * refused would be sent. So bytes that wait on an idle connection end it, be
 * they an answer, the end of TLS or a late session ticket.
 * http_connection_check() looks before the first byte of a request goes out
 * over a pooled connection, and http_start_again() (http.c) sends the same
 * request over a new one. A late ticket costs a handshake, and no message.
 *
 * Requests that ask Entra about a secret have a connection of their own.
 */
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "agent/daemon/base/secret_file.h"
#include "http_private.h"

/* libcurl counts the age of a connection in whole seconds. */
#define AGE_SLACK 2L

/* --- settings --- */

static long long
http_connection_monotonic_ms(void)
{
	struct timespec ts;

	/* libcurl's clock, which stands still while the machine sleeps */
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

void
http_settings_free(struct http_settings *settings)
{
	free(settings->ca_file);
	free(settings->proxy);
	secret_free(&settings->proxy_login);
	memset(settings, 0, sizeof(*settings));
}

/* libcurl takes "user:password" apart, and then decodes the two. */
static struct secret *
http_connection_encode(const char *user, size_t user_len, const char *password)
{
	char *u = curl_easy_escape(NULL, user, (int)user_len);
	char *p = curl_easy_escape(NULL, password, 0);
	struct secret *out = NULL;

	if (u != NULL && p != NULL)
		out = secret_new(NULL, strlen(u) + 1 + strlen(p));
	if (out != NULL)
		snprintf(out->bytes, out->len + 1, "%s:%s", u, p);
	curl_free(u);
	curl_free(p);
	return out;
}

static int
http_connection_read_password(
    struct http_settings *settings, const char *file, struct error *err)
{
	const char *what = "proxy_password_file", *colon;
	struct secret *line = secret_file_line(what, file, err);
	int result = 0;

	if (line == NULL)
		return -1;
	colon = strchr(line->bytes, ':');
	if (colon == NULL || colon == line->bytes)
		result = error_set(err, ERROR_OURS, "4.3.5",
		    "%s %s must hold one line \"user:password\"", what, file);
	else if ((settings->proxy_login = http_connection_encode(line->bytes,
		      (size_t)(colon - line->bytes), colon + 1)) == NULL)
		result = error_no_memory(err);
	secret_free(&line);
	return result;
}

int
http_configure(struct http *http, const struct conf *conf, struct error *err)
{
	struct http_settings fresh = {0};
	int result = 0;

	/* at the start there is no connection from before */
	if (http->settings.proxy != NULL)
		fresh.since = http_connection_monotonic_ms();
	fresh.connect_timeout = conf->connect_timeout;
	fresh.ca_file = strdup(conf->ca_file == NULL ? "" : conf->ca_file);
	fresh.proxy = strdup(conf->proxy == NULL ? "" : conf->proxy);
	if (fresh.ca_file == NULL || fresh.proxy == NULL)
		result = error_no_memory(err);
	else if (conf->proxy != NULL && conf->proxy_password_file != NULL)
		result = http_connection_read_password(
		    &fresh, conf->proxy_password_file, err);
	if (result == -1) {
		http_settings_free(&fresh);
		return -1;
	}
	http_settings_free(&http->settings);
	http->settings = fresh;
	return 0;
}

/* --- a pooled connection --- */

struct http_socket {
	LIST_ENTRY(http_socket) entry;
	curl_socket_t fd;
};

/* Forgets a socket, if it is written down. */
static void
http_connection_forget_socket(struct http *http, curl_socket_t fd)
{
	struct http_socket *s = LIST_FIRST(&http->sockets);

	while (s != NULL && s->fd != fd)
		s = LIST_NEXT(s, entry);
	if (s != NULL)
		LIST_REMOVE(s, entry);
	free(s);
}

/*
 * libcurl does not say which socket it is about to use, but where its two ends
 * are: so those that it makes are written down. Some it closes by itself, and
 * the next has the same number.
 */
static int
http_connection_note_socket(void *ctx, curl_socket_t fd, curlsocktype purpose)
{
	struct http *http = ctx;
	struct http_socket *s = calloc(1, sizeof(*s));

	(void)purpose;
	if (s == NULL)
		return CURL_SOCKOPT_ERROR;
	http_connection_forget_socket(http, fd);
	s->fd = fd;
	LIST_INSERT_HEAD(&http->sockets, s, entry);
	return CURL_SOCKOPT_OK;
}

static int
http_connection_close_socket(void *ctx, curl_socket_t fd)
{
	http_connection_forget_socket(ctx, fd);
	return close(fd);
}

void
http_connection_forget_all(struct http *http)
{
	struct http_socket *s;

	while ((s = LIST_FIRST(&http->sockets)) != NULL)
		http_connection_forget_socket(http, s->fd);
}

typedef int (*get_name)(int fd, struct sockaddr *address, socklen_t *len);

static int
http_connection_is_at(int fd, get_name get, const char *address, int port)
{
	struct sockaddr_storage at;
	socklen_t len = sizeof(at);
	char host[INET6_ADDRSTRLEN + IF_NAMESIZE], service[8];

	return get(fd, (struct sockaddr *)&at, &len) == 0 &&
	    getnameinfo((struct sockaddr *)&at, len, host, sizeof(host),
		service, sizeof(service),
		NI_NUMERICHOST | NI_NUMERICSERV) == 0 &&
	    strcmp(host, address) == 0 && atoi(service) == port;
}

/*
 * Does something wait in the socket at both? Yes, if there is no such socket.
 */
static int
http_connection_socket_has_input(const struct http *http, const char *address,
    int port, const char *own_address, int own_port)
{
	const struct http_socket *s = LIST_FIRST(&http->sockets);
	struct pollfd p = {.events = POLLIN};

	while (s != NULL &&
	    !(http_connection_is_at(
		  s->fd, getsockname, own_address, own_port) &&
		http_connection_is_at(s->fd, getpeername, address, port)))
		s = LIST_NEXT(s, entry);
	if (s == NULL)
		return 1;
	p.fd = s->fd;
	return poll(&p, 1, 0) != 0;
}

/* Was more read from the socket than was taken out of OpenSSL? */
static int
http_connection_tls_has_input(CURL *easy)
{
	struct curl_tlssessioninfo *tls = NULL;

	if (curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &tls) ||
	    tls->backend != CURLSSLBACKEND_OPENSSL || tls->internals == NULL)
		return 1; /* what cannot be looked at is not used */
	return SSL_has_pending(tls->internals);
}

/* Called by libcurl on a connection that is up, before it sends a request. */
static int
http_connection_check(
    void *ctx, char *address, char *own_address, int port, int own_port)
{
	struct http_call *call = ctx;
	long made = 0;

	curl_easy_getinfo(call->easy, CURLINFO_NUM_CONNECTS, &made);
	if (made == 0 &&
	    (http_connection_socket_has_input(
		 call->http, address, port, own_address, own_port) ||
		http_connection_tls_has_input(call->easy))) {
		call->unfit = 1;
		return CURL_PREREQFUNC_ABORT;
	}
	call->begun = 1;
	return CURL_PREREQFUNC_OK;
}

/*
 * A connection from before the last reload was made with other settings, or
 * with what a bundle of the same name held before.
 *
 * With TLS to the proxy there are two layers of it, and the input that waits in
 * the outer one cannot be looked at.
 */
static int
http_connection_set_pool(
    struct http_call *call, const struct http_request *request)
{
	const struct http_settings *settings = &call->http->settings;
	long age =
	    (long)((http_connection_monotonic_ms() - settings->since) / 1000);
	int own = request->own_connection ||
	    strncasecmp(settings->proxy, "https://", 8) == 0;
	int fresh = own || request->once || age < AGE_SLACK;
	CURL *easy = call->easy;

	return curl_easy_setopt(
		   easy, CURLOPT_PREREQFUNCTION, http_connection_check) ||
		curl_easy_setopt(easy, CURLOPT_PREREQDATA, call) ||
		curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION,
		    http_connection_note_socket) ||
		curl_easy_setopt(easy, CURLOPT_SOCKOPTDATA, call->http) ||
		curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION,
		    http_connection_close_socket) ||
		curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, call->http) ||
		curl_easy_setopt(
		    easy, CURLOPT_FRESH_CONNECT, fresh ? 1L : 0L) ||
		curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, own ? 1L : 0L) ||
		curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN,
		    fresh ? 0L : age - AGE_SLACK + 1)
	    ? -1
	    : 0;
}

/* --- whom to trust, and how to get there --- */

/*
 * libcurl has a bundle and a folder of authorities built in, and keeps what it
 * read for a day. A resumed session is not verified again.
 */
static int
http_connection_set_trust(CURL *easy, const char *ca_file)
{
	if (curl_easy_setopt(
		easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) ||
	    curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L) ||
	    curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L))
		return -1;
	if (ca_file[0] == '\0')
		return 0;
	return curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file) ||
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) ||
		curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, ca_file) ||
		curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, NULL)
	    ? -1
	    : 0;
}

/* NOPROXY: the environment is not asked for exceptions either. */
static int
http_connection_set_proxy(CURL *easy, const struct http_settings *settings)
{
	const char *login;

	if (curl_easy_setopt(easy, CURLOPT_PROXY, settings->proxy) ||
	    curl_easy_setopt(easy, CURLOPT_NOPROXY, ""))
		return -1;
	if (settings->proxy_login == NULL)
		return 0;
	login = settings->proxy_login->bytes;
	return curl_easy_setopt(easy, CURLOPT_PROXYAUTH,
		   (long)(CURLAUTH_BASIC | CURLAUTH_DIGEST)) ||
		curl_easy_setopt(easy, CURLOPT_PROXYUSERPWD, login)
	    ? -1
	    : 0;
}

/*
 * HTTP/1.1: one request a connection, so that one that breaks leaves the
 * status of one message unknown, and not of all that were under way. And
 * libcurl 7.88 spins while the window of an HTTP/2 stream is closed: a post of
 * 1.4 MB over a slow line took 1.39 s of CPU, against 0.00 s.
 *
 * QUICK_EXIT: libcurl resolves names in a thread. When a call ends before a
 * resolver has answered (connect_timeout, or nobody wants it any more), libcurl
 * would wait for that thread, 10 s with one dead name server, and with it the
 * event loop and everybody else. So the thread is left to end by itself.
 */
int
http_set_connection(struct http_call *call, const struct http_request *request)
{
	const struct http_settings *settings = &call->http->settings;
	CURL *easy = call->easy;

	if (curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https") ||
	    curl_easy_setopt(
		easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) ||
	    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) ||
	    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) ||
	    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L) ||
	    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L) ||
	    curl_easy_setopt(
		easy, CURLOPT_CONNECTTIMEOUT, settings->connect_timeout) ||
	    curl_easy_setopt(easy, CURLOPT_TIMEOUT, request->timeout))
		return -1;
	return http_connection_set_pool(call, request) == -1 ||
		http_connection_set_trust(easy, settings->ca_file) == -1 ||
		http_connection_set_proxy(easy, settings) == -1
	    ? -1
	    : 0;
}

/* --- why it did not come up --- */

/* Returns OpenSSL's reason for refusing a certificate, the proxy's too. */
static long
http_connection_verify_result(const struct http_call *call)
{
	long result = X509_V_OK;

	curl_easy_getinfo(call->easy, CURLINFO_SSL_VERIFYRESULT, &result);
	if (result == X509_V_OK)
		curl_easy_getinfo(
		    call->easy, CURLINFO_PROXY_SSL_VERIFYRESULT, &result);
	return result;
}

static void
http_connection_hint_at_clock(char hint[HTTP_HINT_SIZE])
{
	time_t now = time(NULL);
	struct tm tm;

	if (gmtime_r(&now, &tm) != NULL)
		strftime(hint, HTTP_HINT_SIZE,
		    " (look at this host's clock: it says %Y-%m-%d %H:%M UTC)",
		    &tm);
}

static void
http_connection_hint_at_trust(
    const struct http_settings *settings, char hint[HTTP_HINT_SIZE])
{
	if (settings->ca_file[0] == '\0')
		snprintf(hint, HTTP_HINT_SIZE,
		    " (the system's authorities are trusted; for others, set "
		    "ca_file)");
	else
		snprintf(hint, HTTP_HINT_SIZE,
		    " (only those in ca_file = %.80s are trusted)",
		    settings->ca_file);
}

void
http_hint(
    const struct http_call *call, CURLcode code, char hint[HTTP_HINT_SIZE])
{
	const struct http_settings *settings = &call->http->settings;
	long result = X509_V_OK;

	hint[0] = '\0';
	if (call->begun)
		return;
	if (code == CURLE_PEER_FAILED_VERIFICATION)
		result = http_connection_verify_result(call);
	if (result == X509_V_ERR_CERT_NOT_YET_VALID ||
	    result == X509_V_ERR_CERT_HAS_EXPIRED)
		http_connection_hint_at_clock(hint);
	else if (result != X509_V_OK)
		http_connection_hint_at_trust(settings, hint);
	else if (settings->proxy[0] != '\0')
		snprintf(
		    hint, HTTP_HINT_SIZE, " (proxy = %.100s)", settings->proxy);
}
