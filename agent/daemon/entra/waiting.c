/*
 * waiting.c - see waiting.h.
 *
 * A queue is there while somebody waits or a request is under way. Whatever
 * changes it wakes it up, from the event loop, and nothing else frees it: so a
 * caller may join or leave while its own answer is given.
 */
#include <event2/util.h>
#include <stdlib.h>

#include "agent/daemon/base/clock.h"
#include "agent/daemon/base/reason.h"
#include "lib/base/log.h"
#include "waiting.h"

/* Waiters of one lane. */
#define WAITING_MAX 256
#define LOG_EVERY_MS (10 * 1000LL)

void
waiting_log(struct waiting_note *note, const struct identity *id,
    const char *reason, const char *text)
{
	char application[IDENTITY_TEXT_SIZE];

	if (note->at != 0 && clock_ms() - note->at < LOG_EVERY_MS) {
		note->more++;
		return;
	}
	log_warning("NOQUEUE: application=%s, reason=%s, status=unavailable "
		    "(%s; %u more since the last such line)",
	    identity_text(id, application), reason, text, note->more);
	note->at = clock_ms();
	note->more = 0;
}

static void
waiting_on_wake(evutil_socket_t fd, short what, void *ctx)
{
	struct waiting_queue *queue = ctx;

	(void)fd;
	(void)what;
	queue->all->rules->wake(queue);
}

static void
waiting_on_timeout(evutil_socket_t fd, short what, void *ctx)
{
	struct waiter *waiter = ctx;

	(void)fd;
	(void)what;
	waiter->queue->all->rules->timeout(waiter);
}

void
waiting_queue_free(struct waiting_queue *queue)
{
	size_t i;

	for (i = 0; i < ACCOUNT_LANES; i++) {
		refresh_cancel(&queue->lanes[i].refresh);
		places_leave(&queue->lanes[i].place);
	}
	if (queue->wake != NULL)
		event_free(queue->wake);
	LIST_REMOVE(queue, entry);
	queue->account->work = NULL;
	account_table_rest(queue->all->table, queue->account);
	free(queue);
}

struct waiting_queue *
waiting_queue_get(
    struct accounts *all, const struct identity *id, const char *entry)
{
	struct account *account = account_table_get(all->table, id, entry);
	struct waiting_queue *queue;

	if (account == NULL || account->work != NULL)
		return account == NULL ? NULL : account->work;
	if ((queue = calloc(1, sizeof(*queue))) == NULL) {
		account_table_rest(all->table, account);
		return NULL;
	}
	queue->all = all;
	queue->account = account;
	account->work = queue;
	LIST_INSERT_HEAD(&all->queues, queue, entry);
	TAILQ_INIT(&queue->lanes[ACCOUNT_STORED].waiters);
	TAILQ_INIT(&queue->lanes[ACCOUNT_TYPED].waiters);
	queue->wake = event_new(all->base, -1, 0, waiting_on_wake, queue);
	if (queue->wake == NULL) {
		waiting_queue_free(queue);
		return NULL;
	}
	/* also where nobody can wait: then it goes again */
	event_active(queue->wake, 0, 0);
	return queue;
}

void
waiting_extend(struct waiter *waiter, long seconds)
{
	const struct timeval tv = {.tv_sec = seconds};

	/* without it the waiter waits for its answer */
	event_add(waiter->timer, &tv);
}

void
waiting_leave(struct waiter *waiter)
{
	struct waiting_lane *lane = waiter->lane;

	if (lane != NULL) {
		TAILQ_REMOVE(&lane->waiters, waiter, entry);
		lane->count--;
		event_active(waiter->queue->wake, 0, 0);
	}
	if (waiter->timer != NULL)
		event_free(waiter->timer);
	secret_free(&waiter->secret);
	free(waiter);
}

static enum account_lane
waiting_lane_of(const struct waiting_queue *queue, const struct waiter *waiter)
{
	return waiter->secret == NULL ||
		account_known_is_stored(queue->account, waiter->digest)
	    ? ACCOUNT_STORED
	    : ACCOUNT_TYPED;
}

int
waiting_has_room(const struct waiter *waiter)
{
	const struct waiting_lane *lane = waiter->lane;

	return lane == &waiter->queue->lanes[ACCOUNT_STORED] ||
	    (lane->refresh != NULL &&
		refresh_is_about(lane->refresh, waiter->digest));
}

/* Puts a waiter into its lane. 0, or -1 when too many are there. */
static int
waiting_add(struct waiting_queue *queue, struct waiter *waiter)
{
	enum account_lane which = waiting_lane_of(queue, waiter);
	struct waiting_lane *lane = &queue->lanes[which];

	if (lane->count >= WAITING_MAX) {
		waiting_log(&queue->all->no_room, &queue->account->key.id,
		    REASON_THROTTLED, WAITING_NO_ROOM);
		return -1;
	}
	waiter->timer =
	    evtimer_new(queue->all->base, waiting_on_timeout, waiter);
	if (waiter->timer == NULL)
		return -1;
	waiter->queue = queue;
	waiter->lane = lane;
	TAILQ_INSERT_TAIL(&lane->waiters, waiter, entry);
	lane->count++;
	waiting_extend(waiter,
	    waiting_has_room(waiter) ? WAITING_SECONDS : WAITING_PLACE_SECONDS);
	event_active(queue->wake, 0, 0);
	return 0;
}

struct waiter *
waiting_join(struct waiting_queue *queue, struct secret *secret,
    account_done done, void *ctx)
{
	struct waiter *waiter =
	    queue == NULL ? NULL : calloc(1, sizeof(*waiter));

	if (waiter == NULL) {
		secret_free(&secret);
		return NULL;
	}
	waiter->secret = secret;
	if (secret != NULL)
		auth_cache_digest(secret, waiter->digest);
	waiter->done = done;
	waiter->ctx = ctx;
	if (waiting_add(queue, waiter) == -1) {
		waiting_leave(waiter);
		return NULL;
	}
	return waiter;
}

struct waiter *
waiting_pick(const struct waiting_lane *lane)
{
	struct waiter *waiter = TAILQ_FIRST(&lane->waiters);
	unsigned int n;

	evutil_secure_rng_get_bytes(&n, sizeof(n));
	for (n %= lane->count; n > 0; n--)
		waiter = TAILQ_NEXT(waiter, entry);
	return waiter;
}
