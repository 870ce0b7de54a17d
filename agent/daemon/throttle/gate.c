/*
 * gate.c - see gate.h.
 *
 * A lane exists while somebody is in it or waits for it. Lanes stand in one
 * list; whoever gets a turn sends its lane to the list's end. Turns are given
 * from an event of their own, never from inside gate_enter() or gate_leave(),
 * so that callers are not called back while they are busy.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "gate.h"

struct pass {
	TAILQ_ENTRY(pass) entry;
	struct lane *lane;
	int inside; /* 0: waits */
	gate_open open;
	void *ctx;
};

struct lane {
	TAILQ_ENTRY(lane) entry;
	struct gate *gate;
	TAILQ_HEAD(pass_queue, pass) waiting;
	unsigned int inside, limit, passes;
	char name[];
};

struct gate {
	TAILQ_HEAD(lane_list, lane) lanes;
	struct event *turn;
	unsigned int inside, ceiling;
};

static struct lane *
find_lane(struct gate *gate, const char *name)
{
	struct lane *lane;

	TAILQ_FOREACH(lane, &gate->lanes, entry)
	if (strcmp(lane->name, name) == 0)
		return lane;
	lane = calloc(1, sizeof(*lane) + strlen(name) + 1);
	if (lane == NULL)
		return NULL;
	strcpy(lane->name, name);
	lane->gate = gate;
	TAILQ_INIT(&lane->waiting);
	TAILQ_INSERT_TAIL(&gate->lanes, lane, entry);
	return lane;
}

static void
release_lane(struct lane *lane)
{
	if (lane->passes > 0)
		return;
	TAILQ_REMOVE(&lane->gate->lanes, lane, entry);
	free(lane);
}

/* Lets one pass in; 0 when nobody may. */
static int
give_turn(struct gate *gate)
{
	struct lane *lane;
	struct pass *pass;

	if (gate->inside >= gate->ceiling)
		return 0;
	TAILQ_FOREACH(lane, &gate->lanes, entry)
	{
		pass = TAILQ_FIRST(&lane->waiting);
		/* cppcheck-suppress uninitvar ; calloc(3) in find_lane() */
		if (pass == NULL || lane->inside >= lane->limit)
			continue;
		TAILQ_REMOVE(&lane->waiting, pass, entry);
		TAILQ_REMOVE(&gate->lanes, lane, entry);
		TAILQ_INSERT_TAIL(&gate->lanes, lane, entry);
		pass->inside = 1;
		lane->inside++;
		gate->inside++;
		pass->open(pass->ctx);
		return 1;
	}
	return 0;
}

static void
on_turn(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	while (give_turn(ctx))
		;
}

struct gate *
gate_new(struct event_base *base, unsigned int ceiling)
{
	struct gate *gate = calloc(1, sizeof(*gate));

	if (gate == NULL)
		return NULL;
	TAILQ_INIT(&gate->lanes);
	gate->ceiling = ceiling;
	gate->turn = event_new(base, -1, 0, on_turn, gate);
	if (gate->turn == NULL)
		gate_free(&gate);
	return gate;
}

void
gate_free(struct gate **gatep)
{
	struct gate *gate = *gatep;

	*gatep = NULL;
	if (gate == NULL)
		return;
	if (gate->turn != NULL)
		event_free(gate->turn);
	free(gate);
}

struct pass *
gate_enter(struct gate *gate, const char *name, unsigned int limit,
    gate_open open, void *ctx)
{
	struct lane *lane = find_lane(gate, name);
	struct pass *pass;

	if (lane == NULL)
		return NULL;
	if ((pass = calloc(1, sizeof(*pass))) == NULL) {
		release_lane(lane);
		return NULL;
	}
	pass->lane = lane;
	pass->open = open;
	pass->ctx = ctx;
	lane->limit = limit;
	lane->passes++;
	TAILQ_INSERT_TAIL(&lane->waiting, pass, entry);
	event_active(gate->turn, 0, 0);
	return pass;
}

void
gate_leave(struct pass **passp)
{
	struct pass *pass = *passp;
	struct lane *lane;
	struct gate *gate;

	*passp = NULL;
	if (pass == NULL)
		return;
	lane = pass->lane;
	gate = lane->gate;
	if (pass->inside) {
		lane->inside--;
		gate->inside--;
		event_active(gate->turn, 0, 0);
	} else {
		TAILQ_REMOVE(&lane->waiting, pass, entry);
	}
	lane->passes--;
	release_lane(lane);
	free(pass);
}
