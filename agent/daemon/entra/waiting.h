/*
 * waiting.h - the queue of those who wait for an application: the part of the
 * sign-ins' layer (account.h) that keeps them and answers nobody.
 */
#ifndef MSGRAPHD_WAITING_H
#define MSGRAPHD_WAITING_H

#include "agent/daemon/base/wake.h"
#include "account_table.h"
#include "places.h"
#include "refresh.h"

/* The reason for a waiter that is put off without a question to Entra. */
#define WAITING_NO_ROOM "too many sign-ins wait"

/* Seconds: the patience with Entra, and with a place (places.h). */
#define WAITING_SECONDS 45
#define WAITING_PLACE_SECONDS 8

struct waiting_rules;

struct waiter {
	TAILQ_ENTRY(waiter) entry;
	struct waiting_queue *queue;
	struct waiting_list *list;
	struct secret *secret; /* owned; NULL: wants a token */
	unsigned long not_before; /* account->tokens of such a token */
	unsigned char digest[AUTH_CACHE_DIGEST_SIZE];
	struct wake timeout;
	account_done done;
	void *ctx;
};

struct waiting_list {
	TAILQ_HEAD(waiter_queue, waiter) waiters;
	unsigned int count;
	struct refresh *refresh; /* under way */
	struct typed_place
	    *place; /* of the typed list: it waits for one, or has it */
};

/* Exists while somebody waits or a request is under way. */
struct waiting_queue {
	LIST_ENTRY(waiting_queue) entry;
	struct accounts *all;
	struct account *account;
	struct waiting_list lists[ACCOUNT_SECRETS];
	struct wake wake;
};

/* Lets one line into the log in LOG_EVERY_MS, and counts the others. */
struct waiting_note {
	long long at; /* clock_ms(); 0: never */
	unsigned int more; /* since then */
};

struct accounts {
	const struct waiting_rules *rules;
	LIST_HEAD(waiting_queues, waiting_queue) queues;
	struct event_base *base;
	struct refresh_with with;
	struct account_table *table;
	struct places *places;
	struct waiting_note no_room, guesses;
	size_t warned_at; /* the place of accounts_warn() */
};

/* Answers those who wait; sign_in.c has the functions. */
struct waiting_rules {
	void (*wake)(struct waiting_queue *queue);
	void (*timeout)(struct waiter *waiter);
};

/*
 * Writes a warning that an application's waiters are put off, unless the note
 * says that one was written in the last ten seconds.
 */
void waiting_log(struct waiting_note *note, const struct identity *id,
    const char *reason, const char *text);

/*
 * Finds or makes the queue of an account (account_table_get()). NULL when out
 * of memory.
 */
struct waiting_queue *waiting_queue_get(
    struct accounts *all, const struct identity *id, const char *entry);

/* Frees a queue in which nobody waits, and ends its requests. */
void waiting_queue_free(struct waiting_queue *queue);

/*
 * Adds somebody with a secret, which it takes, or NULL for a token. NULL when
 * out of memory, or when too many wait. queue may be NULL.
 */
struct waiter *waiting_join(struct waiting_queue *queue, struct secret *secret,
    account_done done, void *ctx);

/* Takes a waiter out of its queue and wipes its secret. */
void waiting_leave(struct waiter *waiter);

/* Lets a waiter wait for so many seconds from now. */
void waiting_extend(struct waiter *waiter, long seconds);

/* Returns 1 when the waiter waits for Entra's answer and for nothing else. */
int waiting_has_room(const struct waiter *waiter);

/* Picks a waiter of a list, which must have one, at random. */
struct waiter *waiting_pick(const struct waiting_list *list);

#endif
