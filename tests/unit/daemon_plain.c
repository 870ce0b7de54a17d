/*
 * The client for services that give tokens to this host alone
 * (agent/daemon/net/http_plain.c), with a server in this process: where it goes
 * and where not, and what it does not put up with.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/daemon/net/http.h"

#define LIMIT 32768

static struct event_base *base;
static struct http *http;
static struct http_answer result; /* body is not kept */
static int done;
static char body[100];

/* A server of one thread: answers, and perhaps goes on without an end. */
static struct {
	int fd, port, connections;
	const char *answer, *more; /* more: NULL, or repeated */
	char last[2000]; /* request */
	pthread_t thread;
} server;

static void *
serve(void *ctx)
{
	size_t len;
	ssize_t n;
	int fd;

	while ((fd = accept(server.fd, NULL, NULL)) != -1) {
		server.connections++;
		for (len = 0; strstr(server.last, "\r\n\r\n") == NULL; len += n)
			if ((n = read(fd, server.last + len,
				 sizeof(server.last) - 1 - len)) <= 0)
				break;
		n = write(fd, server.answer, strlen(server.answer));
		while (server.more != NULL && n > 0)
			n = write(fd, server.more, strlen(server.more));
		close(fd);
	}
	return ctx;
}

static int
begin(void **state)
{
	struct sockaddr_in sin = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sin);
	struct error err;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	memset(&server, 0, sizeof(server));
	server.fd = socket(AF_INET, SOCK_STREAM, 0);
	bind(server.fd, (struct sockaddr *)&sin, len);
	getsockname(server.fd, (struct sockaddr *)&sin, &len);
	listen(server.fd, 10);
	server.port = ntohs(sin.sin_port);
	pthread_create(&server.thread, NULL, serve, NULL);
	base = event_base_new();
	http = http_new_plain(base, &err);
	return http == NULL ? -1 : 0;
}

static int
end(void **state)
{
	(void)state;
	shutdown(server.fd, SHUT_RDWR);
	pthread_join(server.thread, NULL);
	close(server.fd);
	http_free(&http);
	event_base_free(base);
	return 0;
}

static void
on_done(void *ctx, const struct http_answer *answer)
{
	(void)ctx;
	result = *answer;
	snprintf(body, sizeof(body), "%s", answer->body);
	done++;
	event_base_loopbreak(base);
}

/* Asks the server, or what place names. 0, or -1 when nothing starts. */
static int
get(struct http *with, const char *place, struct http_request request)
{
	char url[100];
	struct error err;

	snprintf(url, sizeof(url), "http://127.0.0.1:%d/x", server.port);
	request.method = "GET";
	request.url = place == NULL ? url : place;
	request.timeout = 2;
	request.answer_max = request.answer_kept = LIMIT;
	done = 0;
	if (http_start(with, &request, on_done, NULL, &err) == NULL)
		return -1;
	event_base_dispatch(base);
	assert_int_equal(done, 1);
	return 0;
}

static void
test_request(void **state)
{
	static const char *const headers[] = {"Metadata: true", NULL};
	struct secret *key = secret_new("a-key", 5);

	(void)state;
	server.answer = "HTTP/1.1 401 No\r\nContent-Length: 2\r\n"
			"Www-Authenticate: Basic realm=/a/b.key\r\n\r\n{}";
	get(http, NULL,
	    (struct http_request){.headers = headers, .basic = key});
	assert_int_equal(result.status, 401);
	assert_string_equal(result.transport, "");
	assert_string_equal(result.challenge, "Basic realm=/a/b.key");
	assert_string_equal(body, "{}");
	assert_non_null(strstr(server.last, "GET /x HTTP/1.1\r\n"));
	assert_non_null(strstr(server.last, "\r\nMetadata: true\r\n"));
	assert_non_null(
	    strstr(server.last, "\r\nAuthorization: Basic a-key\r\n"));
	/* and the next one over another connection */
	memset(server.last, 0, sizeof(server.last));
	get(http, NULL, (struct http_request){0});
	assert_int_equal(server.connections, 2);
	assert_null(strstr(server.last, "Authorization"));
	secret_free(&key);
}

/* A proxy of the environment would see tokens. */
static void
test_no_proxy(void **state)
{
	(void)state;
	server.answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("all_proxy", "http://127.0.0.1:1", 1);
	setenv("no_proxy", "example.com", 1);
	get(http, NULL, (struct http_request){0});
	assert_int_equal(result.status, 200);
	unsetenv("http_proxy");
	unsetenv("all_proxy");
	unsetenv("no_proxy");
}

static void
test_no_redirect(void **state)
{
	char answer[200];

	(void)state;
	snprintf(answer, sizeof(answer),
	    "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%d/y\r\n"
	    "Content-Length: 0\r\n\r\n",
	    server.port);
	server.answer = answer;
	get(http, NULL, (struct http_request){0});
	assert_int_equal(result.status, 302);
	assert_int_equal(server.connections, 1);
}

/* Each row: what the server never stops to send behind its first words. */
static const struct {
	const char *answer, *more;
} endless[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n", "0123456789"},
    {"HTTP/1.1 200 OK\r\n\r\n", "0123456789"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
	"a\r\n0123456789\r\n"},
    {"HTTP/1.1 200 OK\r\n", "X-Long: 0123456789\r\n"},
    {"HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n"},
};

static void
test_endless(void **state)
{
	size_t i;

	for (i = 0; i < sizeof(endless) / sizeof(*endless); i++) {
		server.answer = endless[i].answer;
		server.more = endless[i].more;
		get(http, NULL, (struct http_request){0});
		if (result.transport[0] == '\0')
			fail_msg("row %zu", i);
		assert_true(result.body_len <= LIMIT);
		end(state);
		begin(state);
	}
}

static const char *const elsewhere[] = {
    "http://192.0.2.1/x",
    "http://127.0.0.1.example.com:1/x",
    "http://localhost:1/x",
    "http://169.254.169.25/x",
    "https://127.0.0.1:1/x",
    "ftp://127.0.0.1:1/x",
    "file:///etc/passwd",
    "/x",
};

static void
test_elsewhere(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(elsewhere) / sizeof(*elsewhere); i++)
		if (get(http, elsewhere[i], (struct http_request){0}) == 0)
			fail_msg("%s", elsewhere[i]);
}

/* The client for Entra and Graph speaks TLS, whatever it is told. */
static void
test_the_other(void **state)
{
	static const struct conf conf = {.connect_timeout = 5};
	struct http *other = http_new(base, &conf, NULL);

	(void)state;
	server.answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	assert_non_null(other);
	get(other, NULL, (struct http_request){0});
	assert_int_equal(result.status, 0);
	assert_int_equal(server.connections, 0);
	http_free(&other);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_request),
	    TEST(test_no_proxy),
	    TEST(test_no_redirect),
	    TEST(test_endless),
	    TEST(test_elsewhere),
	    TEST(test_the_other),
	};

	curl_global_init(CURL_GLOBAL_DEFAULT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
