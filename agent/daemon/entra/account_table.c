/*
 * account_table.c - see account_table.h.
 *
 * A binary tree (tsearch(3)) by application. twalk(3) may not delete, so a
 * sweep lists the idle ones in its one walk and deletes them after it.
 */
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account_table.h"
#include "agent/daemon/base/clock.h"

struct account_table {
	void *tree; /* of struct account */
	size_t count;
	const struct conf *conf;
	struct state *state;
	TAILQ_HEAD(account_resting, account) resting; /* unverified, by age */
	size_t resting_count;
};

static int
account_table_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct account_key));
}

struct account_table *
account_table_new(const struct conf *conf, struct state *state)
{
	struct account_table *table = calloc(1, sizeof(*table));

	if (table == NULL)
		return NULL;
	table->conf = conf;
	table->state = state;
	TAILQ_INIT(&table->resting);
	return table;
}

static void
account_table_free_node(void *account)
{
	account_known_free(account);
}

void
account_table_free(struct account_table **tablep)
{
	struct account_table *table = *tablep;

	*tablep = NULL;
	if (table == NULL)
		return;
	tdestroy(table->tree, account_table_free_node);
	free(table);
}

size_t
account_table_count(const struct account_table *table)
{
	return table->count;
}

static struct account *
account_table_add(struct account_table *table, const struct account_key *key)
{
	struct account *account = calloc(1, sizeof(*account));

	if (account == NULL)
		return NULL;
	account->key = *key;
	account->conf = table->conf;
	account->state = table->state;
	if (tsearch(account, &table->tree, account_table_compare) == NULL) {
		free(account);
		return NULL;
	}
	table->count++;
	account_known_load(account);
	return account;
}

/* Puts an account behind those to which something happened before. */
static void
account_table_start_resting(
    struct account_table *table, struct account *account)
{
	long long since = account->quiet[ACCOUNT_TYPED].since;
	struct account *before;

	before = TAILQ_LAST(&table->resting, account_resting);
	while (before != NULL && before->quiet[ACCOUNT_TYPED].since > since)
		before = TAILQ_PREV(before, account_resting, resting);
	if (before == NULL)
		TAILQ_INSERT_HEAD(&table->resting, account, resting);
	else
		TAILQ_INSERT_AFTER(&table->resting, before, account, resting);
	table->resting_count++;
	account->rests = 1;
}

static void
account_table_stop_resting(struct account_table *table, struct account *account)
{
	if (!account->rests)
		return;
	TAILQ_REMOVE(&table->resting, account, resting);
	table->resting_count--;
	account->rests = 0;
}

/* The tree compares whole structs: no stray bytes behind the NULs. */
static void
account_table_fill_key(
    struct account_key *key, const struct identity *id, const char *entry)
{
	memset(key, 0, sizeof(*key));
	strcpy(key->id.tenant, id->tenant);
	strcpy(key->id.client, id->client);
	snprintf(key->entry, sizeof(key->entry), "%s", entry);
}

const struct account *
account_table_find(const struct account_table *table, const struct identity *id,
    const char *entry)
{
	struct account_key key;
	struct account **found;

	account_table_fill_key(&key, id, entry);
	found = tfind(&key, &table->tree, account_table_compare);
	return found == NULL ? NULL : *found;
}

struct account *
account_table_get(
    struct account_table *table, const struct identity *id, const char *entry)
{
	struct account_key key;
	struct account **found;

	account_table_fill_key(&key, id, entry);
	found = tfind(&key, &table->tree, account_table_compare);
	if (found == NULL)
		return account_table_add(table, &key);
	account_table_stop_resting(table, *found);
	return *found;
}

static void
account_table_remove(struct account_table *table, struct account *account)
{
	account_table_stop_resting(table, account);
	tdelete(account, &table->tree, account_table_compare);
	table->count--;
	account_known_free(account);
}

void
account_table_rest(struct account_table *table, struct account *account)
{
	if (account->known)
		return; /* until a sweep finds it idle */
	if (account_known_is_idle(account)) {
		account_table_remove(table, account);
		return;
	}
	account_table_start_resting(table, account);
	if (table->resting_count > ACCOUNT_TABLE_RESTING_MAX)
		account_table_remove(table, TAILQ_FIRST(&table->resting));
}

int
account_table_has_stored(struct account_table *table, const struct identity *id)
{
	struct account *account = account_table_get(table, id, "");
	int has_stored = account != NULL && account->has_stored;

	if (account != NULL && account->work == NULL)
		account_table_rest(table, account);
	return has_stored;
}

static struct account *account_table_idle;

static void
account_table_note_idle(const void *node, VISIT visit, int depth)
{
	struct account *account = *(struct account *const *)node;

	(void)depth;
	if ((visit != postorder && visit != leaf) ||
	    !account_known_is_idle(account))
		return;
	account->idle = account_table_idle;
	account_table_idle = account;
}

void
account_table_sweep(struct account_table *table)
{
	struct account *account;

	account_table_idle = NULL;
	twalk(table->tree, account_table_note_idle);
	while ((account = account_table_idle) != NULL) {
		account_table_idle = account->idle;
		account_table_remove(table, account);
	}
}

long long
account_table_tenant_throttled(
    const struct account_table *table, const struct identity *id)
{
	const struct account_quiet *quiet, *last = NULL;
	const struct account *account;
	long long left, longest = 0;

	TAILQ_FOREACH(account, &table->resting, resting)
	{
		quiet = &account->quiet[ACCOUNT_TYPED];
		left = quiet->until - clock_ms();
		if (quiet->result != ACCOUNT_THROTTLED || left <= 0)
			continue;
		/* cppcheck-suppress uninitvar ; calloc(3) made it */
		if (strcmp(account->key.id.tenant, id->tenant) != 0)
			continue;
		if (last != NULL && left > longest &&
		    quiet->since - last->since < THROTTLE_TOGETHER_MS)
			longest = left;
		last = quiet;
	}
	return longest;
}
