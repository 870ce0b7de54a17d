/*
 * account_table.c - which accounts there are; see account_private.h.
 *
 * A binary tree (tsearch(3)) by identity. An account is made when its identity
 * is first named and goes when it knows nothing any more.
 */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "agent/daemon/base/clock.h"
#include "account_private.h"

/*
 * Anybody can name identities that do not exist, so the last part of the room
 * is for those that are known.
 */
#define ACCOUNTS_MAX 10000
#define UNVERIFIED_MAX (ACCOUNTS_MAX / 2)
#define SWEEP_SECONDS 60

static int
account_table_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct identity));
}

static void
account_table_free(struct account *account)
{
	struct waiter *waiter;

	while ((waiter = TAILQ_FIRST(&account->waiters)) != NULL)
		account_cancel(&waiter);
	entra_cancel(&account->call);
	secret_free(&account->asked);
	secret_free(&account->token);
	if (account->wake != NULL)
		event_free(account->wake);
	free(account);
}

static struct account *
account_table_new(struct accounts *all, const struct identity *id)
{
	struct account *account;

	if (all->count >= ACCOUNTS_MAX ||
	    (account = calloc(1, sizeof(*account))) == NULL)
		return NULL;
	account->id = *id;
	account->all = all;
	TAILQ_INIT(&account->waiters);
	account_load_token(account);
	account->wake = event_new(all->base, -1, 0, account_on_wake, account);
	if (account->wake == NULL ||
	    (!account->known && all->count >= UNVERIFIED_MAX) ||
	    tsearch(account, &all->tree, account_table_compare) == NULL) {
		account_table_free(account);
		return NULL;
	}
	all->count++;
	return account;
}

struct account *
account_find(struct accounts *all, const struct identity *id)
{
	struct identity key;
	struct account **found;

	/* the tree compares whole structs: no stray bytes behind the NULs */
	memset(&key, 0, sizeof(key));
	strcpy(key.tenant, id->tenant);
	strcpy(key.client, id->client);
	found = tfind(&key, &all->tree, account_table_compare);
	return found != NULL ? *found : account_table_new(all, &key);
}

static int
account_table_is_idle(const struct account *account)
{
	return TAILQ_EMPTY(&account->waiters) && account->call == NULL &&
	    !account_has_token(account) && !account_is_warned(account) &&
	    clock_ms() >= account->quiet_until &&
	    !auth_cache_any(&account->auth_cache, account_ttl(account));
}

static struct account *idle_account;

static void
account_table_note_idle(const void *node, VISIT visit, int depth)
{
	struct account *account = *(struct account *const *)node;

	(void)depth;
	if ((visit == preorder || visit == leaf) && idle_account == NULL &&
	    account_table_is_idle(account))
		idle_account = account;
}

/*
 * Forgets accounts that know nothing any more: anybody can name identities
 * that do not exist. twalk(3) may not delete, so one a walk.
 */
static void
account_table_on_sweep(evutil_socket_t fd, short what, void *ctx)
{
	struct accounts *all = ctx;

	(void)fd;
	(void)what;
	for (;;) {
		idle_account = NULL;
		twalk(all->tree, account_table_note_idle);
		if (idle_account == NULL)
			return;
		tdelete(idle_account, &all->tree, account_table_compare);
		all->count--;
		account_table_free(idle_account);
	}
}

struct accounts *
accounts_new(struct event_base *base, const struct conf *conf,
    struct http *http, struct state *state, struct throttles *throttles)
{
	const struct timeval every = {.tv_sec = SWEEP_SECONDS};
	struct accounts *all = calloc(1, sizeof(*all));

	if (all == NULL)
		return NULL;
	all->base = base;
	all->conf = conf;
	all->http = http;
	all->state = state;
	all->throttles = throttles;
	all->sweep =
	    event_new(base, -1, EV_PERSIST, account_table_on_sweep, all);
	if (all->sweep == NULL || event_add(all->sweep, &every) == -1 ||
	    auth_cache_init() == -1)
		accounts_free(&all);
	return all;
}

static void
account_table_free_node(void *account)
{
	account_table_free(account);
}

void
accounts_free(struct accounts **accountsp)
{
	struct accounts *all = *accountsp;

	*accountsp = NULL;
	if (all == NULL)
		return;
	tdestroy(all->tree, account_table_free_node);
	if (all->sweep != NULL)
		event_free(all->sweep);
	free(all);
}
