/*
 * HTTPS requests (agent/daemon/net), with a server in this process: what an
 * answer says, and when a connection or a request is used again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <curl/curl.h>
#include <sys/syscall.h>
#include <time.h>

#include "agent/daemon/net/http.h"
#include "tls_thread.h"

#define ACCEPTED "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
#define TEXT "hello"
#define LONG_LINE "X-Long: 0123456789012345678901234567890123456789\r\n"

static long ahead; /* seconds that the clock was moved */
static struct event_base *base;
static struct http *http;

/* In the place of the C library's, for libcurl as well. */
int
clock_gettime(clockid_t clock, struct timespec *ts)
{
	int failed = (int)syscall(SYS_clock_gettime, clock, ts);

	ts->tv_sec += ahead;
	return failed;
}

static struct result {
	int done;
	long status, retry_after;
	long long date;
	int body_sent;
	char transport[256], body[64], request_id[64], next[64];
} result;

static void
on_done(void *ctx, const struct http_answer *answer)
{
	(void)ctx;
	result.done++;
	result.status = answer->status;
	result.retry_after = answer->retry_after;
	result.date = answer->date;
	result.body_sent = answer->body_sent;
	snprintf(result.transport, sizeof(result.transport), "%s",
	    answer->transport);
	snprintf(result.body, sizeof(result.body), "%s", answer->body);
	snprintf(result.request_id, sizeof(result.request_id), "%s",
	    answer->request_id);
	if (http_answer_header(answer, "x-next") != NULL)
		snprintf(result.next, sizeof(result.next), "%s",
		    http_answer_header(answer, "x-next"));
	event_base_loopbreak(base);
}

static int left; /* bytes of the body that were not read */

static long
read_body(void *ctx, char *to, size_t room)
{
	long n = (size_t)left < room ? left : (long)room;

	(void)ctx;
	memcpy(to, TEXT + strlen(TEXT) - left, (size_t)n);
	left -= (int)n;
	return n;
}

static void
rewind_body(void *ctx)
{
	(void)ctx;
	left = (int)strlen(TEXT);
}

static const struct http_body body = {
    .size = (long long)sizeof(TEXT) - 1,
    .read = read_body,
    .rewind = rewind_body,
};

static struct http_call *
start(struct http_request request)
{
	struct http_call *call;
	char url[64];

	snprintf(url, sizeof(url), "https://127.0.0.1:%d/x", server.port);
	request.method = "POST";
	request.url = url;
	request.body = &body;
	request.timeout = 10;
	memset(&result, 0, sizeof(result));
	rewind_body(NULL);
	call = http_start(http, &request, on_done, NULL, NULL);
	assert_non_null(call);
	assert_int_equal(result.done, 0);
	return call;
}

static void
post_with(struct http_request request)
{
	start(request);
	event_base_dispatch(base);
	assert_int_equal(result.done, 1);
}

static void
post(void)
{
	post_with((struct http_request){.content_type = "text/plain"});
}

static void
begin(const char *const *script)
{
	static struct conf conf;
	struct error err;

	tls_begin(script);
	conf.ca_file = server.ca_file;
	conf.connect_timeout = 5;
	base = event_base_new();
	if ((http = http_new(base, &conf, &err)) == NULL)
		fail_msg("%s", err.text);
	/* for two seconds it would use no connection again */
	ahead += 5;
}

static void
end(void)
{
	http_free(&http);
	event_base_free(base);
	tls_end();
}

static void
test_answers(void **state)
{
	static const char *const script[] = {
	    "HTTP/1.1 202 Accepted\r\nrequest-id: an-id\r\n"
	    "X-Next: a\r\nX-NEXT: b\r\n"
	    "Date: Thu, 01 Jan 1970 00:01:00 GMT\r\n"
	    "Content-Length: 2\r\n\r\n{}",
	    "HTTP/1.1 429 Slow\r\nRetry-After: 7\r\n"
	    "Content-Length: 0\r\n\r\n",
	    "HTTP/1.1 200 OK\r\n" LONG_LINE LONG_LINE LONG_LINE LONG_LINE
	    "Content-Length: 0\r\n\r\n",
	    "nonsense\r\n\r\n",
	    "",
	};
	static const char *const more[] = {
	    "Accept: text/x", "x-ms-version: 1", NULL};
	struct secret *token = secret_new("a-token", 7);

	(void)state;
	begin(script);
	post_with((struct http_request){.content_type = "text/plain",
	    .bearer = token,
	    .client_request_id = "mine",
	    .headers = more});
	secret_free(&token);
	assert_int_equal(result.status, 202);
	assert_int_equal(result.date, 60);
	assert_int_equal(result.body_sent, 1);
	assert_string_equal(result.body, "{}");
	assert_string_equal(result.request_id, "an-id");
	assert_string_equal(result.next, "a");
	assert_string_equal(result.transport, "");
	assert_non_null(strstr(server.last, "POST /x HTTP/1.1\r\n"));
	assert_non_null(
	    strstr(server.last, "Authorization: Bearer a-token\r\n"));
	assert_non_null(strstr(server.last, "client-request-id: mine\r\n"));
	assert_non_null(
	    strstr(server.last, "\r\nAccept: text/x\r\nx-ms-version: 1\r\n"));
	assert_null(strstr(server.last, "*/*"));
	assert_non_null(strstr(server.last, "\r\n\r\n" TEXT));
	post();
	assert_int_equal(result.status, 429);
	assert_string_equal(result.next, "");
	assert_int_equal(result.retry_after, 7);
	assert_int_equal(result.date, -1);
	assert_null(strstr(server.last, "Authorization"));
	post_with((struct http_request){.answer_max = 200});
	assert_string_equal(result.transport, "the answer is too long");
	post();
	assert_int_equal(result.status, 0);
	assert_string_not_equal(result.transport, "");
	post();
	assert_int_equal(result.status, 0);
	assert_int_equal(result.body_sent, 1);
	assert_string_not_equal(result.transport, "");
	end();
}

/* Each row: an answer, how the next request is made, and what follows. */
static const struct {
	const char *first, *second;
	struct http_request request;
	long status; /* of the second */
	int connections, requests; /* in all; 0 connections: any number */
} rows[] = {
    {ACCEPTED, ACCEPTED, {0}, 202, 1, 2},
    {ACCEPTED, ACCEPTED, {.own_connection = 1}, 202, 2, 2},
    {ACCEPTED, ACCEPTED, {.once = 1}, 202, 2, 2},
    /* a server that is busy, and an answer that nobody asked for */
    {"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", ACCEPTED, {0}, 202, 2,
	2},
    {ACCEPTED "|" ACCEPTED, "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", {0},
	403, 2, 2},
    /*
     * The connection ends when all was sent: not again, unless it may be.
     * Before it gives up, libcurl 7.88 makes another one and 8.14 does not.
     */
    {ACCEPTED, "", {0}, 0, 0, 2},
    {ACCEPTED, "", {.repeatable = 1}, 202, 2, 3},
};

static void
test_again(void **state)
{
	const char *script[] = {NULL, NULL, ACCEPTED};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		script[0] = rows[i].first;
		script[1] = rows[i].second;
		begin(script);
		post();
		post_with(rows[i].request);
		if (result.status != rows[i].status ||
		    (rows[i].connections != 0 &&
			server.connections != rows[i].connections) ||
		    server.requests != rows[i].requests)
			fail_msg("row %zu: %ld, %d connections, %d requests "
				 "(%s)",
			    i, result.status, server.connections,
			    server.requests, result.transport);
		assert_int_equal(result.body_sent, 1);
		end();
	}
}

/* Nothing is sent to somebody whose certificate nobody has vouched for. */
static void
test_not_trusted(void **state)
{
	static const char *const script[] = {ACCEPTED};
	struct conf conf = {.connect_timeout = 5};
	char name[] = "/tmp/daemon_httpXXXXXX";

	(void)state;
	begin(script);
	close(mkstemp(name));
	conf.ca_file = name;
	assert_int_equal(http_configure(http, &conf, NULL), 0);
	post();
	assert_int_equal(result.status, 0);
	assert_int_equal(result.body_sent, 0);
	assert_int_equal(server.requests, 0);
	unlink(name);
	end();
}

static void
test_cancelled(void **state)
{
	static const char *const script[] = {ACCEPTED, ACCEPTED};
	struct http_call *call;

	(void)state;
	begin(script);
	call = start((struct http_request){0});
	http_cancel(&call);
	assert_null(call);
	http_cancel(&call);
	post();
	assert_int_equal(result.status, 202);
	start((struct http_request){0}); /* under way at the end */
	end();
	assert_int_equal(result.done, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_answers),
	    cmocka_unit_test(test_again),
	    cmocka_unit_test(test_not_trusted),
	    cmocka_unit_test(test_cancelled),
	};

	curl_global_init(CURL_GLOBAL_DEFAULT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
