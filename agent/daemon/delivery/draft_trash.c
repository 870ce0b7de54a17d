/*
 * draft_trash.c - see draft_trash.h.
 *
 * One draft at a time: permission, then the request. Nobody waits for it, so
 * where the mailbox is throttled the draft stays until the next sweep. One that
 * somebody has ordered sent is looked at first: what was sent is not deleted.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/daemon/base/clock.h"
#include "agent/daemon/base/wake.h"
#include "agent/daemon/graph/graph.h"
#include "agent/daemon/graph/graph_draft.h"
#include "agent/daemon/graph/graph_sent.h"
#include "agent/daemon/graph/outcome.h"
#include "agent/daemon/store/draft_store.h"
#include "agent/daemon/turn/turn.h"
#include "lib/base/log.h"
#include "draft_trash.h"

/* Longest wait for the gate, or for Entra to answer. */
#define TURN_MS (120 * 1000LL)

#define TRY_LATER "could not be deleted, trying later"

struct draft_trash {
	struct msgraphd *daemon;
	struct draft_store store;
	struct wake wake;
	long long number; /* of the draft that was taken last; 0: none yet */
	int again; /* begin anew after the last one */

	/* the draft at hand, and what it waits for */
	int busy;
	struct draft draft;
	struct turn *turn;
	struct http_call *call;
	int renewed; /* happens once for a draft */
};

/* Ends the work on the draft at hand; its row stays, unless it was dropped. */
static void
draft_trash_put_down(struct draft_trash *trash)
{
	http_cancel(&trash->call);
	turn_free(&trash->turn);
	draft_clear(&trash->draft);
	trash->busy = trash->renewed = 0;
}

static void
draft_trash_go_on(struct draft_trash *trash)
{
	draft_trash_put_down(trash);
	/* no wake_up(): there may be many that are throttled */
	wake_in(&trash->wake, 0);
}

static void
draft_trash_drop(struct draft_trash *trash)
{
	struct error err;

	if (draft_drop(&trash->store, trash->number, &err) == -1)
		log_error("%s", err.text);
}

static void draft_trash_on_turn(void *ctx, const struct turn_answer *answer);

/* Asks anew where the token is not taken. Returns 1 when it did. */
static int
draft_trash_renew(struct draft_trash *trash)
{
	if (trash->renewed)
		return 0;
	trash->renewed = 1;
	turn_reject_token(trash->turn);
	turn_ask(trash->turn, draft_trash_on_turn, trash);
	return 1;
}

static void draft_trash_request(struct draft_trash *trash);

/* Returns what the answer means for the draft; NULL: it can be deleted now. */
static const char *
draft_trash_read(
    const struct draft_trash *trash, const struct http_answer *answer)
{
	int sent = trash->draft.sending ? graph_read_look(answer) : -1;

	if (sent == 0)
		return NULL;
	if (sent == 1)
		return "was sent after all";
	if (answer->status == 404)
		return "was gone already";
	return answer->status == 204 ? "was deleted" : TRY_LATER;
}

static void
draft_trash_on_answer(void *ctx, const struct http_answer *answer)
{
	struct draft_trash *trash = ctx;
	const char *what = draft_trash_read(trash, answer);
	struct graph_error error;
	struct outcome outcome;

	trash->call = NULL;
	if (what == NULL) {
		trash->draft.sending = 0;
		draft_trash_request(trash);
		return;
	}
	graph_read_error(answer, &error);
	outcome = outcome_of(answer->status, error.code, answer->body, 1);
	if (outcome.action == OUTCOME_RENEW && draft_trash_renew(trash))
		return;
	if (outcome.action == OUTCOME_THROTTLE)
		turn_throttle(trash->turn, outcome.scope, answer->retry_after);
	if (strcmp(what, TRY_LATER) != 0)
		draft_trash_drop(trash);
	log_debug("NOQUEUE: mailbox=<%s>, http=%ld, a draft that will not be "
		  "sent %s",
	    trash->draft.mailbox, answer->status, what);
	draft_trash_go_on(trash);
}

static void
draft_trash_request(struct draft_trash *trash)
{
	char id[UUID_TEXT_SIZE];
	struct graph_call call = {.http = trash->daemon->http,
	    .conf = &trash->daemon->conf,
	    .mailbox = trash->draft.mailbox,
	    .draft = trash->draft.id,
	    .token = turn_token(trash->turn),
	    .id = id,
	    .done = draft_trash_on_answer,
	    .ctx = trash};

	graph_new_id(id);
	trash->call = trash->draft.sending ? graph_look(&call, NULL)
					   : graph_draft_delete(&call, NULL);
	if (trash->call == NULL)
		draft_trash_go_on(trash);
}

static void
draft_trash_on_turn(void *ctx, const struct turn_answer *answer)
{
	struct draft_trash *trash = ctx;

	if (answer->result == TURN_READY)
		draft_trash_request(trash);
	else
		draft_trash_go_on(trash);
}

/* Begins with the draft at hand, which is a new one. */
static void
draft_trash_take_up(struct draft_trash *trash)
{
	struct turn_for whose = {.identity = &trash->draft.identity,
	    .mailbox = trash->draft.mailbox,
	    .entry = "",
	    .deadline = clock_ms() + TURN_MS};

	trash->busy = 1;
	if (trash->draft.id[0] == '\0')
		draft_trash_drop(trash); /* it was never made */
	else
		trash->turn = turn_new(trash->daemon->turns, &whose);
	if (trash->turn != NULL)
		turn_ask(trash->turn, draft_trash_on_turn, trash);
	else
		draft_trash_put_down(trash);
}

/* 1 when there may be another one. */
static int
draft_trash_take_next(struct draft_trash *trash)
{
	long long last = trash->number;
	int again = trash->again;
	struct error err;

	switch (draft_next_discarded(
	    &trash->store, &trash->number, &trash->draft, &err)) {
	case 1:
		draft_trash_take_up(trash);
		return 1;
	case 0:
		trash->again = 0;
		trash->number = 0;
		return again;
	default:
		log_error("%s", err.text);
		if (trash->number == last)
			return 0; /* trouble with the state */
		draft_trash_drop(trash);
		return 1;
	}
}

static void
draft_trash_on_wake(void *ctx)
{
	struct draft_trash *trash = ctx;

	while (!trash->busy && draft_trash_take_next(trash))
		;
}

int
draft_trash_sweep(struct draft_trash *trash, long long wall, struct error *err)
{
	int result = draft_expire(&trash->store, wall, err);

	draft_trash_wake(trash);
	return result;
}

void
draft_trash_wake(struct draft_trash *trash)
{
	if (trash == NULL)
		return;
	/* it may stand before the one at hand */
	trash->again = trash->number > 0;
	wake_up(&trash->wake);
}

struct draft_trash *
draft_trash_new(struct msgraphd *daemon, struct error *err)
{
	struct draft_trash *trash = calloc(1, sizeof(*trash));

	if (trash == NULL) {
		error_no_memory(err);
		return NULL;
	}
	trash->daemon = daemon;
	trash->store.state = daemon->state;
	trash->store.vault = daemon->vault;
	if (wake_init(&trash->wake, daemon->base, draft_trash_on_wake, trash) ==
	    -1) {
		draft_trash_free(&trash);
		error_no_memory(err);
		return NULL;
	}
	return trash;
}

void
draft_trash_free(struct draft_trash **trashp)
{
	struct draft_trash *trash = *trashp;

	*trashp = NULL;
	if (trash == NULL)
		return;
	draft_trash_put_down(trash);
	wake_free(&trash->wake);
	free(trash);
}
