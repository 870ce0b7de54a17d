/*
 * delivery.c - see delivery.h.
 */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "delivery.h"
#include "graph.h"
#include "log.h"
#include "outcome.h"

struct delivery {
	struct msgraphd *daemon;
	struct delivery_request request;
	delivery_done done; /* NULL: the agent has gone */
	void *ctx;
	struct ask *ask;
	struct http_call *call;
	struct secret *token; /* owned: what the last post was made with */
	int renewed, retried; /* each happens once */
	int fresh; /* 1: not over a pooled connection */
	long long started; /* clock_ms() */

	/* what the log line says of the last answer */
	long status, retry_after;
	int unknown_fate;
	char request_id[64];
};

static void on_token(void *ctx, enum account_result result,
    const struct secret *token, const char *text);

static void
delivery_free(struct delivery *d)
{
	account_cancel(&d->ask);
	http_cancel(&d->call);
	secret_free(&d->token);
	spool_free(&d->request.spool);
	free(d);
}

/* --- the end --- */

static const char *const log_status[] = {
    [WIRE_SENT] = "sent",
    [WIRE_DEFERRED] = "deferred",
    [WIRE_BOUNCED] = "bounced",
};

/* The one line of a delivery; msgraphd(8) lists the keys in this order. */
static void
log_delivery(const struct delivery *d, const struct wire_reply *reply)
{
	char client[IDENTITY_TEXT_SIZE];
	struct buf line;

	buf_init(&line, LOG_LINE_MAX);
	buf_printf(&line, "%s: mailbox=<%s>, client=%s, nrcpt=%u, size=%lld",
	    d->request.queue_id, d->request.mailbox,
	    identity_text(&d->request.identity, client), d->request.nrcpt,
	    d->request.spool.size);
	if (d->status != 0)
		buf_printf(&line, ", http=%ld", d->status);
	if (d->retry_after != 0)
		buf_printf(&line, ", retry-after=%ld", d->retry_after);
	if (d->request_id[0] != '\0')
		buf_printf(&line, ", request-id=%s", d->request_id);
	if (d->unknown_fate)
		buf_printf(&line, ", outcome=unknown");
	buf_printf(
	    &line, ", delay=%.2f", (double)(clock_ms() - d->started) / 1000);
	if (reply->status != WIRE_SENT)
		buf_printf(&line, ", dsn=%s", reply->dsn);
	buf_printf(&line, ", status=%s", log_status[reply->status]);
	if (reply->status != WIRE_SENT)
		buf_printf(&line, " (%s)", reply->text);
	log_info("%s", line.bytes == NULL ? "memory is short" : line.bytes);
	buf_free(&line);
}

static void
finish(struct delivery *d, const struct wire_reply *reply)
{
	log_delivery(d, reply);
	if (d->done != NULL)
		d->done(d->ctx, reply);
	delivery_free(d);
}

static void
finish_error(struct delivery *d, enum wire_status status, const char *dsn,
    const char *text)
{
	struct wire_reply reply = {.status = status};

	snprintf(reply.dsn, sizeof(reply.dsn), "%s", dsn);
	snprintf(reply.text, sizeof(reply.text), "%s", text);
	finish(d, &reply);
}

static void
finish_sent(struct delivery *d)
{
	char text[128];

	snprintf(text, sizeof(text), "Graph accepted, request-id=%s",
	    d->request_id[0] == '\0' ? "none" : d->request_id);
	finish_error(d, WIRE_SENT, "2.0.0", text);
}

/*
 * The sentence of the outcome, then what Graph itself said. The class of the
 * status code follows what is done with the message.
 */
static void
finish_outcome(struct delivery *d, enum wire_status status,
    const struct outcome *outcome, const struct graph_error *error,
    const char *transport)
{
	char dsn[sizeof(((struct wire_reply *)0)->dsn)];
	struct buf text;

	snprintf(dsn, sizeof(dsn), "%s", outcome->dsn);
	dsn[0] = status == WIRE_BOUNCED ? '5' : '4';
	buf_init(&text, 1024);
	buf_add_string(&text, outcome->text);
	if (d->status == 0)
		buf_printf(&text, ": %s", transport);
	else
		buf_printf(&text, ": HTTP %ld", d->status);
	if (error->code[0] != '\0')
		buf_printf(&text, " %s", error->code);
	if (error->message[0] != '\0')
		buf_printf(&text, ": %s", error->message);
	if (d->unknown_fate)
		buf_printf(&text,
		    "; Graph may have taken the message, so it may come twice");
	if (d->request_id[0] != '\0')
		buf_printf(&text, " (request-id=%s)", d->request_id);
	finish_error(
	    d, status, dsn, text.bytes == NULL ? "failed" : text.bytes);
	buf_free(&text);
}

/* --- the way there --- */

static void
get_token(struct delivery *d, const struct secret *rejected)
{
	d->ask = account_token(
	    d->daemon->accounts, &d->request.identity, rejected, on_token, d);
	if (d->ask == NULL)
		finish_error(d, WIRE_DEFERRED, "4.3.2",
		    "too much waits for this client already");
}

static int post(struct delivery *d, struct error *err);

static void
post_again(struct delivery *d)
{
	struct error err;

	if (post(d, &err) == -1)
		finish_error(d, WIRE_DEFERRED, err.dsn, err.text);
}

static void
settle(struct delivery *d, const struct outcome *outcome,
    const struct graph_error *error, const char *transport)
{
	enum wire_status status = WIRE_DEFERRED;

	switch (outcome->action) {
	case OUTCOME_SENT:
		finish_sent(d);
		return;
	case OUTCOME_RENEW:
		if (!d->renewed) {
			d->renewed = 1;
			get_token(d, d->token);
			return;
		}
		break;
	case OUTCOME_RETRY:
		if (!d->retried) {
			d->retried = 1;
			post_again(d);
			return;
		}
		status = WIRE_BOUNCED;
		break;
	case OUTCOME_BOUNCE:
		status = WIRE_BOUNCED;
		break;
	case OUTCOME_HEAL:
	case OUTCOME_HOLD:
	case OUTCOME_DEFER:
		break;
	}
	finish_outcome(d, status, outcome, error, transport);
}

static void
on_answer(void *ctx, const struct http_answer *answer)
{
	struct delivery *d = ctx;
	struct graph_error error;
	struct outcome outcome;

	d->call = NULL;
	graph_read_error(answer, &error);
	outcome = outcome_of(answer->status, error.code, answer->body_sent);
	d->status = answer->status;
	d->retry_after = answer->retry_after;
	d->unknown_fate = outcome.unknown_fate;
	snprintf(d->request_id, sizeof(d->request_id), "%s", error.request_id);
	if (!outcome.known)
		log_warning("%s: Graph's answer is not known here: HTTP %ld "
			    "%s; please report it",
		    d->request.queue_id, answer->status, error.code);
	settle(d, &outcome, &error, answer->transport);
}

static int
post(struct delivery *d, struct error *err)
{
	char id[GRAPH_ID_SIZE];

	graph_new_id(id);
	d->call =
	    graph_send(d->daemon->http, &d->daemon->conf, d->request.mailbox,
		d->token, &d->request.spool, d->fresh, id, on_answer, d, err);
	if (d->call == NULL)
		return -1;
	log_debug("%s: posting to Graph, client-request-id=%s",
	    d->request.queue_id, id);
	return 0;
}

static void
on_token(void *ctx, enum account_result result, const struct secret *token,
    const char *text)
{
	struct delivery *d = ctx;
	char why[512];

	d->ask = NULL;
	if (result == ACCOUNT_OK) {
		secret_free(&d->token);
		d->token = secret_new(token->bytes, token->len);
		if (d->token != NULL)
			post_again(d);
		else
			finish_error(
			    d, WIRE_DEFERRED, "4.3.0", "memory is short");
		return;
	}
	if (result == ACCOUNT_REFUSED)
		snprintf(why, sizeof(why),
		    "Entra refuses the secret that this client signed in "
		    "with; it must sign in with a valid one: %s",
		    text);
	else
		snprintf(why, sizeof(why), "no token from Entra: %s", text);
	finish_error(d, WIRE_DEFERRED,
	    result == ACCOUNT_REFUSED ? "4.7.8" : "4.4.1", why);
}

struct delivery *
delivery_start(struct msgraphd *daemon, struct delivery_request *request,
    delivery_done done, void *ctx)
{
	struct delivery *d = calloc(1, sizeof(*d));

	if (d == NULL) {
		spool_free(&request->spool);
		return NULL;
	}
	d->daemon = daemon;
	d->request = *request;
	spool_init(&request->spool, -1);
	d->done = done;
	d->ctx = ctx;
	d->started = clock_ms();
	d->ask = account_token(
	    daemon->accounts, &d->request.identity, NULL, on_token, d);
	if (d->ask == NULL) {
		delivery_free(d);
		return NULL;
	}
	return d;
}

void
delivery_abandon(struct delivery **deliveryp)
{
	struct delivery *d = *deliveryp;

	*deliveryp = NULL;
	if (d == NULL)
		return;
	d->done = NULL;
	if (d->call == NULL)
		finish_error(d, WIRE_DEFERRED, "4.3.0",
		    "the agent went away before the message was posted");
}
