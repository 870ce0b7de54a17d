/*
 * graph.c - Graph's end of a benchmark: takes each message after some
 * milliseconds. The emulator, which checks what it gets, is too slow to stand
 * there.
 *
 *     graph CERTIFICATE KEY MILLISECONDS
 *
 * Prints its port, and serves until its standard input ends.
 */
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct event_base *base;
static struct timeval delay;

static struct bufferevent *
graph_connection(struct event_base *b, void *ctx)
{
	return bufferevent_openssl_socket_new(b, -1, SSL_new(ctx),
	    BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
}

static void
graph_answer(evutil_socket_t fd, short what, void *ctx)
{
	static unsigned long count;
	struct evhttp_request *request = ctx;
	char id[32];

	(void)fd;
	(void)what;
	snprintf(id, sizeof(id), "%lu", ++count);
	evhttp_add_header(
	    evhttp_request_get_output_headers(request), "request-id", id);
	evhttp_send_reply(request, 202, "Accepted", NULL);
}

/* Nobody hangs up on a benchmark, so the request is there when it is time. */
static void
graph_on_request(struct evhttp_request *request, void *ctx)
{
	(void)ctx;
	if (event_base_once(
		base, -1, EV_TIMEOUT, graph_answer, request, &delay) == -1)
		abort();
}

static void
graph_on_input(evutil_socket_t fd, short what, void *ctx)
{
	char byte;

	(void)what;
	(void)ctx;
	if (read(fd, &byte, 1) <= 0)
		event_base_loopbreak(base);
}

int
main(int argc, char *argv[])
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	struct evhttp_bound_socket *bound;
	struct evhttp *http;
	struct event *input;
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

	if (argc != 4 || tls == NULL ||
	    SSL_CTX_use_certificate_chain_file(tls, argv[1]) != 1 ||
	    SSL_CTX_use_PrivateKey_file(tls, argv[2], SSL_FILETYPE_PEM) != 1)
		return 1;
	delay.tv_sec = atol(argv[3]) / 1000;
	delay.tv_usec = atol(argv[3]) % 1000 * 1000;
	if ((base = event_base_new()) == NULL ||
	    (http = evhttp_new(base)) == NULL)
		return 1;
	evhttp_set_bevcb(http, graph_connection, tls);
	evhttp_set_gencb(http, graph_on_request, NULL);
	bound = evhttp_bind_socket_with_handle(http, "127.0.0.1", 0);
	if (bound == NULL ||
	    getsockname(evhttp_bound_socket_get_fd(bound),
		(struct sockaddr *)&sin, &len) == -1)
		return 1;
	printf("%u\n", ntohs(sin.sin_port));
	fflush(stdout);
	input = event_new(
	    base, STDIN_FILENO, EV_READ | EV_PERSIST, graph_on_input, NULL);
	event_add(input, NULL);
	event_base_dispatch(base);
	event_free(input);
	evhttp_free(http);
	SSL_CTX_free(tls);
	event_base_free(base);
	return 0;
}
