/*
 * sign_in.c - the queue of those who wait for an application; see account.h.
 *
 * A waiter wants to know whether a secret is right, or wants a token for mail.
 * A waiter is answered at once if the answer is known. An answer of Entra
 * answers everybody that it can: a hundred sign-ins of one printer are one
 * request.
 *
 * There are two lists: waiters that show the stored secret or need a token, and
 * waiters that have typed another secret. Requests for the first start at once.
 * Nobody has vouched for the secrets of the second: their requests need a place
 * (places.h), and after several wrong secrets within a minute Entra is asked
 * about the application now and then only. So somebody who tries secrets does
 * not keep the owner waiting, and the answer under load is the same whether the
 * application is known here or not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/daemon/base/clock.h"
#include "agent/daemon/base/reason.h"
#include "lib/base/log.h"
#include "waiting.h"

/* Requests about typed secrets: at once, and how many may wait. */
#define PLACES_MAX 32
#define PLACES_WAITING_MAX 256
/* A client waits no longer for Entra if its secret was accepted lately. */
#define GRACE_PATIENCE_MS (5 * 1000LL)
#define REFUSALS_MAX 4096
/* After so many wrong secrets within a minute, one question in so many ms. */
#define GUESSES_MAX 10
#define GUESS_EVERY_MS (5 * 1000LL)

#define TOO_SLOW "Entra is too slow"
#define TOO_MANY_GUESSES                                                    \
	"too many wrong secrets within a minute; Entra is asked about one " \
	"every few seconds"

struct waiter *
account_verify(struct accounts *accounts, const struct identity *id,
    struct secret **secretp, account_done done, void *ctx)
{
	struct secret *secret = *secretp;

	*secretp = NULL;
	return waiting_join(
	    waiting_queue_get(accounts, id, ""), secret, done, ctx);
}

/* Chooses the account that mail of an entry is sent by: see account.h. */
static void
sign_in_choose(struct accounts *accounts, const struct identity *id,
    const char *entry, char own[ENTRY_NAME_SIZE])
{
	const struct credentials *credentials = accounts->with.credentials;

	snprintf(own, ENTRY_NAME_SIZE, "%s", entry);
	if (accounts->with.resource != NULL)
		return;
	own[0] = '\0';
	if (credentials == NULL ||
	    (entry[0] != '\0' &&
		credentials->find(credentials->ctx, id, entry, own) != NULL))
		return;
	if (account_table_has_stored(accounts->table, id) ||
	    credentials->find(credentials->ctx, id, "", own) == NULL)
		own[0] = '\0';
}

struct waiter *
account_token(struct accounts *accounts, const struct identity *id,
    const char *entry, const struct secret *rejected, account_done done,
    void *ctx)
{
	char own[ENTRY_NAME_SIZE];
	struct waiting_queue *queue;

	sign_in_choose(accounts, id, entry, own);
	queue = waiting_queue_get(accounts, id, own);
	if (queue != NULL && rejected != NULL)
		account_known_drop_token(queue->account, rejected);
	return waiting_join(queue, NULL, done, ctx);
}

void
account_cancel(struct waiter **waiterp)
{
	struct waiter *waiter = *waiterp;

	*waiterp = NULL;
	if (waiter != NULL)
		waiting_leave(waiter);
}

/* --- answers --- */

static void
sign_in_answer(
    struct waiter *waiter, enum account_result result, const char *text)
{
	account_done done = waiter->done;
	void *ctx = waiter->ctx;
	const struct secret *token = waiter->queue->account->token;

	waiting_leave(waiter);
	done(ctx, result, result == ACCOUNT_OK ? token : NULL, text);
}

/* Whether and how a waiter is answered: 1 when it was. */
typedef int (*sign_in_rule)(struct waiter *waiter);

/* Applies a rule to all, anew after each answer: done may change the queue. */
static void
sign_in_apply(struct waiting_queue *queue, sign_in_rule rule)
{
	struct waiter *waiter;
	size_t i;

	for (i = 0; i < ACCOUNT_SECRETS; i++) {
again:
		TAILQ_FOREACH(waiter, &queue->lists[i].waiters, entry)
		if (rule(waiter))
			goto again;
	}
}

/* Answers from what is known. */
static int
sign_in_answer_known(struct waiter *waiter)
{
	const struct account *account = waiter->queue->account;
	const char *text;

	if (waiter->secret == NULL
		? account_known_has_token(account) &&
		    account->tokens >= waiter->not_before
		: auth_cache_find(&account->auth_cache, waiter->digest,
		      account_known_ttl(account))) {
		sign_in_answer(waiter, ACCOUNT_OK, "");
		return 1;
	}
	if (waiter->secret == NULL)
		return 0;
	text = refusals_find(waiter->queue->all->with.refusals,
	    &account->key.id, waiter->digest);
	if (text == NULL)
		return 0;
	sign_in_answer(waiter, ACCOUNT_REFUSED, text);
	return 1;
}

/*
 * Returns 1 while Entra is out of reach: it did not answer about the stored
 * secret the last time, or is asked about it but slow. That it slows us down is
 * an answer, and what it does about another secret is no matter: whoever can
 * bring these about must not thereby have a withdrawn secret accepted.
 */
static int
sign_in_entra_is_out(const struct waiting_queue *queue)
{
	const struct account *account = queue->account;
	const struct refresh *refresh = queue->lists[ACCOUNT_STORED].refresh;
	const struct account_quiet *quiet = &account->quiet[ACCOUNT_STORED];

	if (refresh == NULL)
		return account->out && clock_ms() < quiet->until &&
		    quiet->result == ACCOUNT_UNAVAILABLE;
	return account->out || refresh_age(refresh) >= GRACE_PATIENCE_MS;
}

/* Accepts the secret that Entra took last. */
static int
sign_in_answer_in_grace(struct waiter *waiter)
{
	struct account *account = waiter->queue->account;
	char application[IDENTITY_TEXT_SIZE];
	long long age;

	if (waiter->secret == NULL ||
	    !account_known_is_stored(account, waiter->digest) ||
	    !account_known_in_grace(account, &age))
		return 0;
	log_info("NOQUEUE: application=%s, reason=" REASON_ENDPOINT
		 ", status=accepted (Entra cannot be asked; it accepted "
		 "this secret %lld seconds ago)",
	    identity_text(&account->key.id, application), age);
	sign_in_answer(waiter, ACCOUNT_OK, "");
	return 1;
}

/* Returns 1 when somebody tries secrets, and it is not time for the next. */
static int
sign_in_is_guessed(const struct waiting_queue *queue)
{
	long long age = 0;

	return refusals_count(queue->all->with.refusals,
		   &queue->account->key.id, &age) >= GUESSES_MAX &&
	    (age < GUESS_EVERY_MS ||
		queue->lists[ACCOUNT_TYPED].refresh != NULL);
}

/* Answers about what Entra is not asked about now. */
static int
sign_in_answer_not_now(struct waiter *waiter)
{
	struct waiting_queue *queue = waiter->queue;
	enum account_secret which = waiter->list == &queue->lists[ACCOUNT_TYPED]
	    ? ACCOUNT_TYPED
	    : ACCOUNT_STORED;
	const struct refresh *refresh = waiter->list->refresh;
	const struct account_quiet *quiet;

	if (refresh != NULL &&
	    (waiter->secret == NULL ||
		refresh_is_about(refresh, waiter->digest)))
		return 0;
	quiet = account_known_quiet(queue->account, which);
	/* a refusal of the stored secret is about mail; a sign-in may ask */
	if (quiet != NULL &&
	    (waiter->secret == NULL ||
		(quiet->result != ACCOUNT_REFUSED &&
		    quiet->result != ACCOUNT_REFUSED_REQUEST))) {
		sign_in_answer(waiter, quiet->result, quiet->text);
		return 1;
	}
	if (which == ACCOUNT_TYPED && sign_in_is_guessed(queue)) {
		waiting_log(&queue->all->guesses, &queue->account->key.id,
		    REASON_CREDENTIAL, TOO_MANY_GUESSES);
		sign_in_answer(waiter, ACCOUNT_UNAVAILABLE, TOO_MANY_GUESSES);
		return 1;
	}
	return 0;
}

static void
sign_in_on_timeout(struct waiter *waiter)
{
	struct waiting_queue *queue = waiter->queue;
	int had_room = waiting_has_room(waiter);

	if (!had_room)
		waiting_log(&queue->all->no_room, &queue->account->key.id,
		    REASON_THROTTLED, WAITING_NO_ROOM);
	sign_in_answer(
	    waiter, ACCOUNT_UNAVAILABLE, had_room ? TOO_SLOW : WAITING_NO_ROOM);
}

/* --- requests --- */

/* Answers those with the secret that Entra was asked about. */
static void
sign_in_on_refreshed(struct waiting_queue *queue, enum account_result result,
    const unsigned char *digest, const char *text)
{
	struct waiter *waiter;
	size_t i;

	if (result != ACCOUNT_OK && result != ACCOUNT_REFUSED &&
	    result != ACCOUNT_REFUSED_REQUEST)
		return;
	for (i = 0; i < ACCOUNT_SECRETS; i++) {
again:
		TAILQ_FOREACH(waiter, &queue->lists[i].waiters, entry)
		if (waiter->secret != NULL &&
		    memcmp(waiter->digest, digest, AUTH_CACHE_DIGEST_SIZE) ==
			0) {
			sign_in_answer(waiter, result, text);
			goto again;
		}
	}
}

static void
sign_in_on_stored(void *ctx, enum account_result result,
    const unsigned char *digest, const char *text)
{
	struct waiting_queue *queue = ctx;

	queue->lists[ACCOUNT_STORED].refresh = NULL;
	wake_up(&queue->wake);
	sign_in_on_refreshed(queue, result, digest, text);
}

static void
sign_in_on_typed(void *ctx, enum account_result result,
    const unsigned char *digest, const char *text)
{
	struct waiting_queue *queue = ctx;

	queue->lists[ACCOUNT_TYPED].refresh = NULL;
	places_leave(&queue->lists[ACCOUNT_TYPED].place);
	wake_up(&queue->wake);
	sign_in_on_refreshed(queue, result, digest, text);
}

static int
sign_in_answer_no_room(struct waiter *waiter)
{
	struct waiting_queue *queue = waiter->queue;

	if (waiter->list != &queue->lists[ACCOUNT_TYPED])
		return 0;
	waiting_log(&queue->all->no_room, &queue->account->key.id,
	    REASON_THROTTLED, WAITING_NO_ROOM);
	sign_in_answer(waiter, ACCOUNT_UNAVAILABLE, WAITING_NO_ROOM);
	return 1;
}

static void
sign_in_on_place(void *ctx, int given)
{
	struct waiting_queue *queue = ctx;
	struct waiting_list *list = &queue->lists[ACCOUNT_TYPED];
	struct waiter *waiter, *one;

	wake_up(&queue->wake);
	if (!given) {
		list->place = NULL;
		sign_in_apply(queue, sign_in_answer_no_room);
		return;
	}
	/* while this one waited, its secret may have become known */
	sign_in_apply(queue, sign_in_answer_known);
	sign_in_apply(queue, sign_in_answer_not_now);
	if (list->count > 0) {
		one = waiting_pick(list);
		list->refresh = refresh_start(&queue->all->with, queue->account,
		    one->secret, sign_in_on_typed, queue);
	}
	if (list->refresh == NULL) {
		places_leave(&list->place);
		return;
	}
	TAILQ_FOREACH(waiter, &list->waiters, entry)
	if (refresh_is_about(list->refresh, waiter->digest))
		waiting_extend(waiter, WAITING_SECONDS);
}

/* Asks about what was typed, as soon as there is a place. */
static void
sign_in_ask_typed(struct waiting_queue *queue)
{
	struct waiting_list *list = &queue->lists[ACCOUNT_TYPED];
	struct account *account = queue->account;
	long long left;

	if (list->count == 0 && list->refresh == NULL)
		places_leave(&list->place);
	if (list->count == 0 || list->place != NULL)
		return;
	left = account->known ? 0
			      : account_table_tenant_throttled(
				    queue->all->table, &account->key.id);
	if (left > 0) {
		account_known_be_quiet(account, ACCOUNT_TYPED, left,
		    ACCOUNT_THROTTLED, "Entra asks this tenant to slow down");
		sign_in_apply(queue, sign_in_answer_not_now);
		/* it was not told so itself: nothing of it is kept */
		account->quiet[ACCOUNT_TYPED].until = 0;
		return;
	}
	list->place = places_enter(queue->all->places, account->key.id.tenant,
	    sign_in_on_place, queue);
	if (list->place == NULL)
		sign_in_apply(queue, sign_in_answer_no_room);
}

/*
 * Asks with the stored secret, for a waiter or since the token nears its end.
 */
static void
sign_in_ask_stored(struct waiting_queue *queue)
{
	struct waiting_list *list = &queue->lists[ACCOUNT_STORED];

	if (list->refresh != NULL ||
	    (list->count == 0 && !account_known_is_renewal_due(queue->account)))
		return;
	list->refresh = refresh_start(
	    &queue->all->with, queue->account, NULL, sign_in_on_stored, queue);
	if (list->refresh == NULL)
		sign_in_apply(queue, sign_in_answer_not_now);
}

/* Comes back when those who may have the grace have waited long enough. */
static void
sign_in_watch_patience(struct waiting_queue *queue)
{
	const struct refresh *refresh = queue->lists[ACCOUNT_STORED].refresh;
	long long left =
	    refresh == NULL ? 0 : GRACE_PATIENCE_MS - refresh_age(refresh);

	/* without it they wait for the answer */
	if (left > 0)
		wake_in(&queue->wake, left);
}

/* Answers what can be answered and asks for the rest. */
static void
sign_in_on_wake(struct waiting_queue *queue)
{
	const struct waiting_list *stored = &queue->lists[ACCOUNT_STORED];
	const struct waiting_list *typed = &queue->lists[ACCOUNT_TYPED];

	sign_in_apply(queue, sign_in_answer_known);
	if (sign_in_entra_is_out(queue))
		sign_in_apply(queue, sign_in_answer_in_grace);
	sign_in_apply(queue, sign_in_answer_not_now);
	sign_in_ask_stored(queue);
	sign_in_ask_typed(queue);
	if (stored->count == 0 && stored->refresh == NULL &&
	    typed->count == 0 && typed->refresh == NULL && typed->place == NULL)
		waiting_queue_free(queue);
	else
		sign_in_watch_patience(queue);
}

/* --- all --- */

static const struct waiting_rules sign_in_rules = {
    .wake = sign_in_on_wake, .timeout = sign_in_on_timeout};

void
accounts_sweep(struct accounts *accounts)
{
	account_table_sweep(accounts->table);
}

void
accounts_use_credentials(
    struct accounts *accounts, const struct credentials *credentials)
{
	accounts->with.credentials = credentials;
}

int
accounts_warn(struct accounts *accounts)
{
	return accounts->with.credentials == NULL
	    ? 0
	    : credentials_warn(
		  accounts->with.credentials, &accounts->warned_at);
}

struct accounts *
accounts_new(struct event_base *base, const struct conf *conf,
    struct http *http, struct state *state, struct throttles *throttles,
    account_resource resource)
{
	struct accounts *all = calloc(1, sizeof(*all));

	if (all == NULL)
		return NULL;
	LIST_INIT(&all->queues);
	all->rules = &sign_in_rules;
	all->base = base;
	all->with.base = base;
	all->with.conf = conf;
	all->with.http = http;
	all->with.plain = http_new_plain(base, NULL);
	all->with.throttles = throttles;
	all->with.resource = resource;
	all->with.refusals = refusals_new(REFUSALS_MAX);
	all->table = account_table_new(conf, state);
	all->places = places_new(base, PLACES_MAX, PLACES_WAITING_MAX);
	if (all->with.plain == NULL || all->with.refusals == NULL ||
	    all->table == NULL || all->places == NULL ||
	    auth_cache_init() == -1)
		accounts_free(&all);
	return all;
}

void
accounts_free(struct accounts **accountsp)
{
	struct accounts *all = *accountsp;
	struct waiting_queue *queue;
	struct waiter *waiter;
	size_t i;

	*accountsp = NULL;
	if (all == NULL)
		return;
	while ((queue = LIST_FIRST(&all->queues)) != NULL) {
		for (i = 0; i < ACCOUNT_SECRETS; i++)
			while ((waiter = TAILQ_FIRST(
				    &queue->lists[i].waiters)) != NULL)
				waiting_leave(waiter);
		waiting_queue_free(queue);
	}
	places_free(&all->places);
	account_table_free(&all->table);
	refusals_free(&all->with.refusals);
	http_free(&all->with.plain);
	free(all);
}
