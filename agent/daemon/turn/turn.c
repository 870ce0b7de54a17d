/*
 * turn.c - see turn.h.
 *
 * A turn goes through the steps of turn_private.h in their order, and back to
 * the first when somebody was asked to slow down meanwhile. Each step runs from
 * the turn's own wake and ends by choosing the next. So neither a token that is
 * there already nor an open gate calls back into a caller that is busy.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/daemon/base/clock.h"
#include "agent/daemon/base/reason.h"
#include "agent/daemon/throttle/gate.h"
#include "lib/base/log.h"
#include "turn_step.h"
#include "turn_wait.h"

/* --- a place of the application's share --- */

static void
turn_on_place(void *ctx)
{
	turn_next(ctx, STEP_CHECK);
}

static void
turn_answer_crowded(struct turn *turn)
{
	turn_answer_later(turn, "4.4.5", REASON_THROTTLED,
	    "too many messages of this application are under way to Graph, "
	    "which is slow with them");
}

static void
turn_get_place(struct turn *turn)
{
	long long ms = share_patience(turn->all->shares, &turn->identity);

	if (ms == 0) {
		turn_answer_crowded(turn);
		return;
	}
	turn->place =
	    place_ask(turn->all->shares, &turn->identity, turn_on_place, turn);
	if (turn->place == NULL)
		turn_answer_memory(turn);
	else
		turn_next_in(turn, STEP_AWAIT_PLACE, ms);
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
	if (turn_may_wait(turn, left)) {
		turn_wait(turn, left);
		return;
	}
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

/* Nobody has refused anything: somebody must sign in, or an admin act. */
static void
turn_without_credential(struct turn *turn, const char *text)
{
	char why[sizeof(turn->answer.text)];

	if (turn->entry_name[0] == '\0')
		snprintf(why, sizeof(why), "%s", text);
	else
		snprintf(why, sizeof(why),
		    "entry %s is gone or has no credential of its own, and %s",
		    turn->entry_name, text);
	turn_answer_later(turn, "4.7.8", REASON_CREDENTIAL, why);
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
		turn_without_credential(turn, text);
		break;
	case ACCOUNT_MISCONFIGURED:
		turn_without_token(turn, "4.3.5", REASON_CONFIGURATION, text);
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
	    turn->entry_name, turn->rejected ? turn->token : NULL,
	    turn_on_token, turn);
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
turn_on_wake(void *ctx)
{
	struct turn *turn = ctx;

	switch (turn->step) {
	case STEP_CHECK:
		turn_check(turn);
		break;
	case STEP_PLACE:
		turn_get_place(turn);
		break;
	case STEP_AWAIT_PLACE:
		place_leave(&turn->place);
		turn_answer_crowded(turn);
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

static void
turn_answer_stopping(struct turn *turn)
{
	turn_answer_later(turn, "4.3.2", REASON_UNKNOWN,
	    "msgraphd is being stopped; nothing was sent");
}

void
turns_stop(struct turns *turns)
{
	struct turn *turn;

	turns->stopping = 1;
	for (turn = LIST_FIRST(&turns->list); turn != NULL;
	     turn = LIST_NEXT(turn, entry)) {
		/* also one that was answered, and has not been told yet */
		if (turn->step == STEP_NONE)
			continue;
		turn_end(turn);
		turn_answer_stopping(turn);
	}
}

void
turns_forget(struct turns *turns)
{
	shares_forget(turns->shares);
}

void
turn_ask(struct turn *turn, turn_done done, void *ctx)
{
	turn_end(turn);
	turn->done = done;
	turn->ctx = ctx;
	if (turn->all->stopping)
		turn_answer_stopping(turn);
	else
		turn_next(turn, STEP_CHECK);
}

void
turn_end(struct turn *turn)
{
	/* its place may be about to call back */
	if (turn->step == STEP_AWAIT_PLACE)
		place_leave(&turn->place);
	turn->step = STEP_NONE;
	turn->is_long = 0;
	wake_cancel(&turn->wake);
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
	snprintf(
	    turn->entry_name, sizeof(turn->entry_name), "%s", whose->entry);
	turn->deadline = whose->deadline;
	turn->patience = whose->patience;
	turn->is_delivery = whose->is_delivery;
	if (wake_init(&turn->wake, turns->base, turn_on_wake, turn) == -1) {
		free(turn);
		return NULL;
	}
	LIST_INSERT_HEAD(&turns->list, turn, entry);
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
	place_leave(&turn->place);
	LIST_REMOVE(turn, entry);
	wake_free(&turn->wake);
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
	turns->shares = shares_new(base, conf);
	if (turns->gate == NULL || turns->shares == NULL) {
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
	shares_free(&turns->shares);
	free(turns);
}
