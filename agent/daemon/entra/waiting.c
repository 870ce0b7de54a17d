/*
 * waiting.c - see waiting.h.
 *
 * A queue is there while somebody waits or a request is under way. Every change
 * wakes it up, from the event loop, and only then it can be freed. So a caller
 * may join or leave while its own answer is given.
 */
#include <event2/util.h>
#include <stdlib.h>

#include "agent/daemon/base/clock.h"
#include "agent/daemon/base/reason.h"
#include "lib/base/log.h"
#include "waiting.h"

/* Waiters of one list. */
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
waiting_on_wake(void *ctx)
{
	struct waiting_queue *queue = ctx;

	queue->all->rules->wake(queue);
}

static void
waiting_on_timeout(void *ctx)
{
	struct waiter *waiter = ctx;

	waiter->queue->all->rules->timeout(waiter);
}

void
waiting_queue_free(struct waiting_queue *queue)
{
	size_t i;

	for (i = 0; i < ACCOUNT_SECRETS; i++) {
		refresh_cancel(&queue->lists[i].refresh);
		places_leave(&queue->lists[i].place);
	}
	wake_free(&queue->wake);
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
	TAILQ_INIT(&queue->lists[ACCOUNT_STORED].waiters);
	TAILQ_INIT(&queue->lists[ACCOUNT_TYPED].waiters);
	if (wake_init(&queue->wake, all->base, waiting_on_wake, queue) == -1) {
		waiting_queue_free(queue);
		return NULL;
	}
	/* also where nobody can wait: then it goes again */
	wake_up(&queue->wake);
	return queue;
}

void
waiting_extend(struct waiter *waiter, long seconds)
{
	/* without it the waiter waits for its answer */
	wake_in(&waiter->timeout, seconds * 1000LL);
}

void
waiting_leave(struct waiter *waiter)
{
	struct waiting_list *list = waiter->list;

	if (list != NULL) {
		TAILQ_REMOVE(&list->waiters, waiter, entry);
		list->count--;
		wake_up(&waiter->queue->wake);
	}
	wake_free(&waiter->timeout);
	secret_free(&waiter->secret);
	free(waiter);
}

static enum account_secret
waiting_secret_of(
    const struct waiting_queue *queue, const struct waiter *waiter)
{
	return waiter->secret == NULL ||
		account_known_is_stored(queue->account, waiter->digest)
	    ? ACCOUNT_STORED
	    : ACCOUNT_TYPED;
}

int
waiting_has_room(const struct waiter *waiter)
{
	const struct waiting_list *list = waiter->list;

	return list == &waiter->queue->lists[ACCOUNT_STORED] ||
	    (list->refresh != NULL &&
		refresh_is_about(list->refresh, waiter->digest));
}

/* Puts a waiter into its list. 0, or -1 when too many are there. */
static int
waiting_add(struct waiting_queue *queue, struct waiter *waiter)
{
	enum account_secret which = waiting_secret_of(queue, waiter);
	struct waiting_list *list = &queue->lists[which];

	if (list->count >= WAITING_MAX) {
		waiting_log(&queue->all->no_room, &queue->account->key.id,
		    REASON_THROTTLED, WAITING_NO_ROOM);
		return -1;
	}
	if (wake_init(&waiter->timeout, queue->all->base, waiting_on_timeout,
		waiter) == -1)
		return -1;
	waiter->queue = queue;
	waiter->list = list;
	TAILQ_INSERT_TAIL(&list->waiters, waiter, entry);
	list->count++;
	waiting_extend(waiter,
	    waiting_has_room(waiter) ? WAITING_SECONDS : WAITING_PLACE_SECONDS);
	wake_up(&queue->wake);
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
waiting_pick(const struct waiting_list *list)
{
	struct waiter *waiter = TAILQ_FIRST(&list->waiters);
	unsigned int n;

	evutil_secure_rng_get_bytes(&n, sizeof(n));
	for (n %= list->count; n > 0; n--)
		waiter = TAILQ_NEXT(waiter, entry);
	return waiter;
}
