/*
 * turn_private.h - struct turn, for turn_step.c (how a step ends), turn_wait.c
 * (waiting for what is throttled) and turn.c (all the rest). Each may use those
 * before it.
 */
#ifndef MSGRAPHD_TURN_PRIVATE_H
#define MSGRAPHD_TURN_PRIVATE_H

#include <sys/queue.h>

#include "agent/daemon/base/wake.h"
#include "share.h"
#include "turn.h"

enum turn_step {
	STEP_NONE, /* nobody has asked */
	STEP_CHECK, /* may this mailbox be asked? also after a wait for that */
	STEP_PLACE,
	STEP_AWAIT_PLACE,
	STEP_TOKEN,
	STEP_AWAIT_TOKEN,
	STEP_GATE,
	STEP_AWAIT_GATE, /* the event: the deadline has come */
	STEP_OPEN, /* the gate is */
	STEP_ANSWER
};

struct turn {
	LIST_ENTRY(turn) entry;
	struct turns *all;
	struct identity identity;
	char mailbox[ADDRESS_SIZE];
	char entry_name[ENTRY_NAME_SIZE]; /* empty: none */
	long long deadline, patience;
	int is_delivery;
	enum turn_step step;
	struct wake wake; /* runs the step */
	int is_long; /* it waits so for what is throttled */
	struct place *place;
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
	struct gate *gate; /* owned, as is the next */
	struct shares *shares;
	LIST_HEAD(turn_list, turn) list;
	int stopping;
};

#endif
