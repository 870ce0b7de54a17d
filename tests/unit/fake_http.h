/*
 * fake_http.h - HTTPS requests that a test answers, and a clock that it moves.
 *
 * The program is linked with --wrap for http_start and http_cancel (Makefile).
 * clock_gettime(2) here is also that of libevent's timers.
 */
#ifndef TESTS_UNIT_FAKE_HTTP_H
#define TESTS_UNIT_FAKE_HTTP_H

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/daemon/net/http.h"

#define FAKE_CALLS_MAX 400

struct http_call {
	http_done done;
	void *ctx;
	char url[200];
	char body[2000]; /* as the next two: empty for none */
	char header[40], basic[40];
	int ended; /* answered or cancelled */
};

static struct http_call fake_calls[FAKE_CALLS_MAX];
static int fake_count; /* requests so far */
static long long fake_ms = 1000000;
static struct event_base *base;

/* libc's, for this program and the libraries that it is linked with */
int
clock_gettime(clockid_t clock, struct timespec *ts)
{
	long long ms = fake_ms + (clock == CLOCK_REALTIME ? 1700000000000 : 0);

	ts->tv_sec = ms / 1000;
	ts->tv_nsec = ms % 1000 * 1000000;
	return 0;
}

/* Lets what is due happen. */
static void
run(void)
{
	int i;

	for (i = 0; i < 5; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
}

static void
wait_ms(long long ms)
{
	fake_ms += ms;
	run();
}

struct http_call *__wrap_http_start(struct http *http,
    const struct http_request *request, http_done done, void *ctx,
    struct error *err);
void __wrap_http_cancel(struct http_call **callp);

struct http_call *
__wrap_http_start(struct http *http, const struct http_request *request,
    http_done done, void *ctx, struct error *err)
{
	struct http_call *call = &fake_calls[fake_count];
	long len;

	(void)http;
	if (fake_count == FAKE_CALLS_MAX) {
		error_set(err, ERROR_OURS, "4.3.0", "too many calls");
		return NULL;
	}
	fake_count++;
	memset(call, 0, sizeof(*call));
	call->done = done;
	call->ctx = ctx;
	snprintf(call->url, sizeof(call->url), "%s", request->url);
	if (request->headers != NULL) /* the first */
		snprintf(call->header, sizeof(call->header), "%s",
		    request->headers[0]);
	if (request->basic != NULL)
		snprintf(call->basic, sizeof(call->basic), "%s",
		    request->basic->bytes);
	if (request->body == NULL)
		return call;
	len = request->body->read(
	    request->body->ctx, call->body, sizeof(call->body) - 1);
	call->body[len > 0 ? len : 0] = '\0';
	return call;
}

void
__wrap_http_cancel(struct http_call **callp)
{
	if (*callp != NULL)
		(*callp)->ended = 1;
	*callp = NULL;
}

/* Answers request number n. */
static inline void
reply_with(int n, struct http_answer answer)
{
	answer.body_len = strlen(answer.body);
	if (n >= fake_count || fake_calls[n].ended)
		abort();
	fake_calls[n].ended = 1;
	fake_calls[n].done(fake_calls[n].ctx, &answer);
	run();
}

static inline void
reply(int n, long status, const char *body)
{
	reply_with(n, (struct http_answer){.status = status, .body = body});
}

#endif
