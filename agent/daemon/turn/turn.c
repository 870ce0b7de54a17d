/*
 * turn.c - see turn.h.
 *
 * A turn goes through the steps below in this order, and back to the first when
 * somebody was asked to slow down meanwhile. Each step runs from the turn's own
 * event and ends by choosing the next: so neither a token that is there already
 * nor an open gate calls back into a caller that is busy.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/daemon/base/clock.h"
#include "agent/daemon/base/reason.h"
#include "agent/daemon/throttle/gate.h"
#include "lib/base/log.h"
#include "turn.h"

enum turn_step {
	STEP_NONE, /* nobody has asked */
	STEP_CHECK, /* may this mailbox be asked? also after a wait for that */
	STEP_TOKEN,
	STEP_AWAIT_TOKEN,
	STEP_GATE,
	STEP_AWAIT_GATE, /* the event: the deadline has come */
	STEP_OPEN, /* the gate is */
	STEP_ANSWER
};

struct turn {
	struct turns *all;
	struct identity identity;
	char mailbox[ADDRESS_SIZE];
	long long deadline, patience;
	enum turn_step step;
	struct event *event;
	struct waiter *waiter;
	struct slot *slot;
	struct secret *token; /* owned; of the last permission */
	int rejected; /* by Graph: that token */
	struct turn_answer answer;
	turn_done done;
	void *ctx;
};

struct turns {
	struct event_base *base;
	const struct conf *conf;
	struct accounts *accounts;
	struct throttles *throttles;
	struct gate *gate; /* owned */
};

static void
turn_next(struct turn *turn, enum turn_step step)
{
	turn->step = step;
	event_active(turn->event, 0, 0);
}

/* Runs the step when so many ms have passed, unless another is chosen. */
static void
turn_next_in(struct turn *turn, enum turn_step step, long long ms)
{
	struct timeval tv = {
	    .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 + 1000};

	turn->step = step;
	if (event_add(turn->event, &tv) == -1)
		event_active(turn->event, 0, 0);
}

/* --- answers --- */

static void
turn_answer(struct turn *turn, enum turn_result result, const char *dsn,
    const char *reason, const char *text)
{
	turn->answer.result = result;
	turn->answer.dsn = dsn;
	turn->answer.reason = reason;
	snprintf(turn->answer.text, sizeof(turn->answer.text), "%s", text);
	turn_next(turn, STEP_ANSWER);
}

static void
turn_answer_later(
    struct turn *turn, const char *dsn, const char *reason, const char *text)
{
	turn_answer(turn, TURN_LATER, dsn, reason, text);
}

static void
turn_answer_memory(struct turn *turn)
{
	turn_answer_later(turn, "4.3.0", REASON_CONFIGURATION, "out of memory");
}

/* --- throttling --- */

static long long
turn_throttled_for(struct turn *turn)
{
	return throttle_left_graph(
	    turn->all->throttles, &turn->identity, turn->mailbox);
}

/* Returns 1 when this turn may wait for so many ms, and does. */
static int
turn_waits(struct turn *turn, long long left)
{
	if (left > turn->patience || clock_ms() + left > turn->deadline)
		return 0;
	turn->patience -= left;
	turn_next_in(turn, STEP_CHECK, left);
	return 1;
}

static void
turn_check(struct turn *turn)
{
	long long left = turn_throttled_for(turn);
	char text[160];

	if (left == 0) {
		turn_next(turn, STEP_TOKEN);
	} else if (!turn_waits(turn, left)) {
		snprintf(text, sizeof(text),
		    "Graph asked to slow down; nothing is sent for this "
		    "mailbox for %lld more seconds",
		    left / 1000 + 1);
		turn_answer(
		    turn, TURN_THROTTLED, "4.4.5", REASON_THROTTLED, text);
	}
}

/* --- the token --- */

/* Waits: a token that is valid needs no question, so this is met here only. */
static void
turn_throttled_by_entra(struct turn *turn)
{
	long long left =
	    throttle_left_entra(turn->all->throttles, &turn->identity);
	char text[160];

	/* it was over just now, or could not be noted */
	if (left == 0)
		left = 1000;
	if (turn_waits(turn, left))
		return;
	snprintf(text, sizeof(text), "Entra asks to slow down for %lld s",
	    (left + 999) / 1000);
	turn_answer_later(turn, "4.4.5", REASON_THROTTLED, text);
}

/* Nothing is proven: this waits without an end. */
static void
turn_without_token(
    struct turn *turn, const char *dsn, const char *reason, const char *text)
{
	char why[sizeof(turn->answer.text)];

	snprintf(why, sizeof(why), "no token from Entra: %s", text);
	turn_answer_later(turn, dsn, reason, why);
}

static void
turn_take_token(struct turn *turn, const struct secret *token)
{
	secret_free(&turn->token);
	turn->rejected = 0;
	turn->token = secret_new(token->bytes, token->len);
	if (turn->token != NULL)
		turn_next(turn, STEP_GATE);
	else
		turn_answer_memory(turn);
}

static void
turn_on_token(void *ctx, enum account_result result, const struct secret *token,
    const char *text)
{
	struct turn *turn = ctx;

	turn->waiter = NULL;
	switch (result) {
	case ACCOUNT_OK:
		turn_take_token(turn, token);
		break;
	case ACCOUNT_REFUSED:
		turn_answer(turn, TURN_REFUSED, NULL, NULL, text);
		break;
	case ACCOUNT_REFUSED_REQUEST:
		turn_without_token(turn, "4.7.8", REASON_CREDENTIAL, text);
		break;
	case ACCOUNT_UNKNOWN:
		/* nobody has refused anything */
		turn_answer_later(turn, "4.7.8", REASON_CREDENTIAL, text);
		break;
	case ACCOUNT_THROTTLED:
		turn_throttled_by_entra(turn);
		break;
	case ACCOUNT_UNAVAILABLE:
		turn_without_token(turn, "4.4.1", REASON_ENDPOINT, text);
		break;
	}
}

static void
turn_get_token(struct turn *turn)
{
	turn->step = STEP_AWAIT_TOKEN;
	turn->waiter = account_token(turn->all->accounts, &turn->identity,
	    turn->rejected ? turn->token : NULL, turn_on_token, turn);
	if (turn->waiter == NULL)
		turn_answer_later(turn, "4.3.2", REASON_ENDPOINT,
		    "too much waits for this application already");
}

/* --- the gate --- */

static void
turn_on_open(void *ctx)
{
	turn_next(ctx, STEP_OPEN);
}

static void
turn_enter_gate(struct turn *turn)
{
	long long left = turn->deadline - clock_ms();
	char key[THROTTLE_NAME_SIZE];

	throttle_mailbox(&turn->identity, turn->mailbox, key);
	turn->slot = gate_enter(turn->all->gate, key,
	    (unsigned int)turn->all->conf->mailbox_concurrency, turn_on_open,
	    turn);
	if (turn->slot == NULL)
		turn_answer_memory(turn);
	else
		turn_next_in(turn, STEP_AWAIT_GATE, left > 0 ? left : 0);
}

static void
turn_at_open_gate(struct turn *turn)
{
	/* somebody before us may have been told to slow down */
	if (turn_throttled_for(turn) > 0) {
		gate_leave(&turn->slot);
		turn_next(turn, STEP_CHECK);
	} else {
		turn_answer(turn, TURN_READY, NULL, NULL, "");
	}
}

/* --- all together --- */

static void
turn_on_event(evutil_socket_t fd, short what, void *ctx)
{
	struct turn *turn = ctx;

	(void)fd;
	(void)what;
	switch (turn->step) {
	case STEP_CHECK:
		turn_check(turn);
		break;
	case STEP_TOKEN:
		turn_get_token(turn);
		break;
	case STEP_GATE:
		turn_enter_gate(turn);
		break;
	case STEP_AWAIT_GATE:
		gate_leave(&turn->slot);
		turn_answer_later(turn, "4.4.2", REASON_ENDPOINT,
		    "other messages of this mailbox are still on their way");
		break;
	case STEP_OPEN:
		turn_at_open_gate(turn);
		break;
	case STEP_ANSWER:
		turn->step = STEP_NONE;
		turn->done(turn->ctx, &turn->answer); /* may free the turn */
		break;
	case STEP_NONE:
	case STEP_AWAIT_TOKEN:
		break;
	}
}

void
turn_ask(struct turn *turn, turn_done done, void *ctx)
{
	turn_end(turn);
	turn->done = done;
	turn->ctx = ctx;
	turn_next(turn, STEP_CHECK);
}

void
turn_end(struct turn *turn)
{
	turn->step = STEP_NONE;
	event_del(turn->event);
	account_cancel(&turn->waiter);
	gate_leave(&turn->slot);
}

struct turn *
turn_new(struct turns *turns, const struct turn_for *whose)
{
	struct turn *turn = calloc(1, sizeof(*turn));

	if (turn == NULL)
		return NULL;
	turn->all = turns;
	turn->identity = *whose->identity;
	snprintf(turn->mailbox, sizeof(turn->mailbox), "%s", whose->mailbox);
	turn->deadline = whose->deadline;
	turn->patience = whose->patience;
	turn->event = evtimer_new(turns->base, turn_on_event, turn);
	if (turn->event == NULL) {
		free(turn);
		return NULL;
	}
	return turn;
}

void
turn_free(struct turn **turnp)
{
	struct turn *turn = *turnp;

	*turnp = NULL;
	if (turn == NULL)
		return;
	turn_end(turn);
	event_free(turn->event);
	secret_free(&turn->token);
	free(turn);
}

const struct secret *
turn_token(const struct turn *turn)
{
	return turn->token;
}

void
turn_reject_token(struct turn *turn)
{
	turn->rejected = turn->token != NULL;
}

void
turn_throttle(struct turn *turn, enum throttle_scope scope, long seconds)
{
	struct error err;

	if (throttle_by_graph(turn->all->throttles, &turn->identity,
		turn->mailbox, scope, seconds, &err) == -1)
		log_error("%s", err.text);
}

struct turns *
turns_new(struct event_base *base, const struct conf *conf,
    struct accounts *accounts, struct throttles *throttles, struct error *err)
{
	struct turns *turns = calloc(1, sizeof(*turns));

	if (turns == NULL) {
		error_no_memory(err);
		return NULL;
	}
	turns->base = base;
	turns->conf = conf;
	turns->accounts = accounts;
	turns->throttles = throttles;
	turns->gate = gate_new(base, MSGRAPHD_REQUESTS_MAX);
	if (turns->gate == NULL) {
		error_no_memory(err);
		turns_free(&turns);
	}
	return turns;
}

void
turns_free(struct turns **turnsp)
{
	struct turns *turns = *turnsp;

	*turnsp = NULL;
	if (turns == NULL)
		return;
	gate_free(&turns->gate);
	free(turns);
}
