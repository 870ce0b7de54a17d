/*
 * daemon_fake.h - a daemon whose clock, network and accounts a test moves by
 * hand. The Makefile has the calls wrapped (FAKED).
 *
 * Time goes on with pass(), for libevent's timers too. A request stays in
 * fake.calls until the test answers it. A token comes at the next turn of the
 * event loop, with fake.token_result.
 */
#ifndef TESTS_UNIT_DAEMON_FAKE_H
#define TESTS_UNIT_DAEMON_FAKE_H

#include <event2/event.h>
#include <sys/syscall.h>
#include <time.h>

#include "agent/daemon/base/clock.h"
#include "agent/daemon/base/msgraphd.h"
#include "agent/daemon/entra/account.h"
#include "agent/daemon/identities/identities.h"
#include "agent/daemon/net/http.h"
#include "agent/daemon/store/journal.h"
#include "agent/daemon/throttle/throttle.h"
#include "agent/daemon/turn/turn.h"
#include "state_folder.h"

#define CALLS_MAX 256

struct http_call {
	char method[8], url[2048];
	char bearer[64];
	char headers[256]; /* those of the request's own, a line each */
	http_done done;
	void *ctx;
};

struct waiter {
	account_done done;
	void *ctx;
};

static struct fake {
	long long ahead; /* ms that the clock was moved */
	int is_frozen; /* 1: it moves by that alone, however slow the machine */
	struct http_call *calls[CALLS_MAX]; /* not answered, oldest first */
	size_t count, made;
	int all_sent; /* http_may_have_all() */
	const char *header; /* of the next answer, any that is asked for */
	const char *request_id; /* of the answers; NULL: the next of "id-1" */
	struct waiter *waiters[CALLS_MAX];
	size_t waiting, asked;
	enum account_result token_result;
	char token[32], rejected[32], entry[ENTRY_NAME_SIZE];
	int disabled; /* identities_may_deliver() */
	const char *fallback; /* identities_fallback() */
	void (*on_call)(void);
} fake;

static struct msgraphd d;
static const struct identity apps[] = {
    {"11111111-2222-3333-4444-555555555555",
	"aaaaaaaa-7777-8888-9999-000000000000"},
    {"22222222-2222-3333-4444-555555555555",
	"bbbbbbbb-7777-8888-9999-000000000000"},
    {"33333333-2222-3333-4444-555555555555",
	"cccccccc-7777-8888-9999-000000000000"},
};

/* In the place of the C library's, for the libraries as well. */
int
clock_gettime(clockid_t clock, struct timespec *ts)
{
	static struct timespec frozen[CLOCK_MONOTONIC_COARSE + 1];

	if (syscall(SYS_clock_gettime, clock, ts) != 0)
		return -1;
	if (clock <= CLOCK_MONOTONIC_COARSE) {
		if (!fake.is_frozen || frozen[clock].tv_sec == 0)
			frozen[clock] = *ts;
		*ts = frozen[clock];
	}
	ts->tv_sec += fake.ahead / 1000;
	ts->tv_nsec += fake.ahead % 1000 * 1000000;
	if (ts->tv_nsec >= 1000000000) {
		ts->tv_sec++;
		ts->tv_nsec -= 1000000000;
	}
	return 0;
}

/* --- the network --- */

struct http_call *__wrap_http_start(struct http *http,
    const struct http_request *request, http_done done, void *ctx,
    struct error *err);
void __wrap_http_cancel(struct http_call **callp);
int __wrap_http_may_have_all(const struct http_call *call);
const char *__wrap_http_answer_header(
    const struct http_answer *a, const char *name);

struct http_call *
__wrap_http_start(struct http *http, const struct http_request *request,
    http_done done, void *ctx, struct error *err)
{
	struct http_call *call = calloc(1, sizeof(*call));
	const char *const *line = request->headers;
	size_t len;

	(void)http;
	(void)err;
	for (; line != NULL && *line != NULL; line++) {
		len = strlen(call->headers);
		snprintf(call->headers + len, sizeof(call->headers) - len,
		    "%s\n", *line);
	}
	snprintf(call->method, sizeof(call->method), "%s", request->method);
	snprintf(call->url, sizeof(call->url), "%s", request->url);
	if (request->bearer != NULL)
		snprintf(call->bearer, sizeof(call->bearer), "%s",
		    request->bearer->bytes);
	call->done = done;
	call->ctx = ctx;
	fake.calls[fake.count++] = call;
	fake.made++;
	if (fake.on_call != NULL)
		fake.on_call();
	return call;
}

static void
fake_forget_call(struct http_call *call)
{
	size_t i;

	for (i = 0; fake.calls[i] != call; i++)
		;
	memmove(&fake.calls[i], &fake.calls[i + 1],
	    (--fake.count - i) * sizeof(fake.calls[0]));
	free(call);
}

void
__wrap_http_cancel(struct http_call **callp)
{
	if (*callp != NULL)
		fake_forget_call(*callp);
	*callp = NULL;
}

int
__wrap_http_may_have_all(const struct http_call *call)
{
	(void)call;
	return fake.all_sent;
}

const char *
__wrap_http_answer_header(const struct http_answer *a, const char *name)
{
	(void)a;
	(void)name;
	return fake.header;
}

/* --- tokens --- */

int __wrap_identities_may_deliver(struct identities *identities,
    const struct identity *application, const char *entry, struct error *err);

/* fake.disabled says that the application is. */
int
__wrap_identities_may_deliver(struct identities *identities,
    const struct identity *application, const char *entry, struct error *err)
{
	(void)identities;
	(void)application;
	(void)entry;
	return fake.disabled
	    ? error_set(err, ERROR_OURS, "4.7.13", "it is disabled")
	    : 0;
}

const char *__wrap_identities_fallback(struct identities *identities,
    const struct identity *application, const char *entry);

/* fake.fallback is the fallback mailbox of every entry. */
const char *
__wrap_identities_fallback(struct identities *identities,
    const struct identity *application, const char *entry)
{
	(void)identities;
	(void)application;
	(void)entry;
	return fake.fallback;
}

struct identities_prepare *__wrap_identities_prepare_mail(
    struct identities *identities, const struct identity *application,
    const char *entry, void (*done)(void *ctx), void *ctx);

/* There are no maps outside. */
struct identities_prepare *
__wrap_identities_prepare_mail(struct identities *identities,
    const struct identity *application, const char *entry,
    void (*done)(void *ctx), void *ctx)
{
	(void)identities;
	(void)application;
	(void)entry;
	(void)done;
	(void)ctx;
	return NULL;
}

struct waiter *__wrap_account_token(struct accounts *accounts,
    const struct identity *id, const char *entry, const struct secret *rejected,
    account_done done, void *ctx);
void __wrap_account_cancel(struct waiter **waiterp);

struct waiter *
__wrap_account_token(struct accounts *accounts, const struct identity *id,
    const char *entry, const struct secret *rejected, account_done done,
    void *ctx)
{
	struct waiter *waiter = calloc(1, sizeof(*waiter));

	(void)accounts;
	(void)id;
	snprintf(fake.entry, sizeof(fake.entry), "%s", entry);
	snprintf(fake.rejected, sizeof(fake.rejected), "%s",
	    rejected == NULL ? "" : rejected->bytes);
	waiter->done = done;
	waiter->ctx = ctx;
	fake.waiters[fake.waiting++] = waiter;
	fake.asked++;
	return waiter;
}

static void
fake_forget_waiter(struct waiter *waiter)
{
	size_t i;

	for (i = 0; fake.waiters[i] != waiter; i++)
		;
	memmove(&fake.waiters[i], &fake.waiters[i + 1],
	    (--fake.waiting - i) * sizeof(fake.waiters[0]));
	free(waiter);
}

void
__wrap_account_cancel(struct waiter **waiterp)
{
	if (*waiterp != NULL)
		fake_forget_waiter(*waiterp);
	*waiterp = NULL;
}

static void
fake_give_tokens(void)
{
	struct secret *token;
	account_done done;
	void *ctx;

	while (fake.waiting > 0) {
		done = fake.waiters[0]->done;
		ctx = fake.waiters[0]->ctx;
		fake_forget_waiter(fake.waiters[0]);
		token = secret_new(fake.token, strlen(fake.token));
		done(ctx, fake.token_result,
		    fake.token_result == ACCOUNT_OK ? token : NULL, "why");
		secret_free(&token);
	}
}

/* --- for tests --- */

/* Lets everything happen that needs no time. */
static void
run(void)
{
	int i;

	for (i = 0; i < 20; i++) {
		fake_give_tokens();
		event_base_loop(d.base, EVLOOP_NONBLOCK);
	}
}

static inline void
pass(long long ms)
{
	fake.ahead += ms;
	run();
}

/* Answers the oldest request; status 0: none came, all was sent. */
static inline void
answer_body(long status, const char *body, long retry_after)
{
	struct http_call *call = fake.calls[0];
	struct http_answer a = {.status = status,
	    .retry_after = retry_after,
	    .date = -1,
	    .body_sent = 1};
	http_done done = call->done;
	void *ctx = call->ctx;

	a.body = body;
	a.body_len = strlen(body);
	snprintf(a.request_id, sizeof(a.request_id), "id-%zu", fake.made);
	if (fake.request_id != NULL)
		snprintf(
		    a.request_id, sizeof(a.request_id), "%s", fake.request_id);
	fake_forget_call(call);
	done(ctx, &a);
	run();
}

/* Answers it with an error of Graph's. */
static inline void
answer(long status, const char *code, long retry_after)
{
	char body[256];

	snprintf(body, sizeof(body), "{\"error\":{\"code\":\"%s\"}}", code);
	answer_body(status, body, retry_after);
}

/* 0 or -1, for cmocka. */
static int
fake_begin(void)
{
	static char endpoint[] = "https://graph.example";

	if (state_begin(NULL) == -1)
		return -1;
	memset(&fake, 0, sizeof(fake));
	strcpy(fake.token, "token");
	memset(&d, 0, sizeof(d));
	d.conf.graph_endpoint = endpoint;
	d.conf.throttle_wait = 60;
	d.conf.delivery_timeout = 600;
	d.conf.request_timeout = 120;
	d.conf.mailbox_concurrency = 4;
	d.conf.process_limit = 100;
	d.conf.access_denied_grace = 1000;
	d.conf.state_retention = 7 * 86400;
	d.vault = vault;
	d.state = st;
	d.base = event_base_new();
	d.throttles = throttles_new(d.base, st, NULL);
	d.journal = journal_new(d.base, st, NULL);
	d.turns = turns_new(d.base, &d.conf, NULL, d.throttles, NULL);
	return d.turns == NULL || d.journal == NULL ? -1 : 0;
}

static int
fake_end(void)
{
	journal_free(&d.journal);
	turns_free(&d.turns);
	throttles_free(&d.throttles);
	event_base_free(d.base);
	return state_end(NULL);
}

#endif
