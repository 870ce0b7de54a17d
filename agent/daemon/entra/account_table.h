/*
 * account_table.h - the applications that something is known about.
 *
 * Anybody can name an application. One is unverified until Entra has accepted a
 * secret of it. An unverified application that nobody waits for is kept as long
 * as there is a reason not to ask Entra about it, and only the last few are.
 * The number of the others is not bounded.
 */
#ifndef MSGRAPHD_ACCOUNT_TABLE_H
#define MSGRAPHD_ACCOUNT_TABLE_H

#include "account_known.h"

/*
 * The most unverified applications that are kept while nobody waits for them.
 */
#define ACCOUNT_TABLE_RESTING_MAX 1000

struct account_table;

/* Makes an empty table. Everything is borrowed. NULL when out of memory. */
struct account_table *account_table_new(
    const struct conf *conf, struct state *state);

/* Frees all accounts, none of which may have work any more. */
void account_table_free(struct account_table **tablep);

/*
 * Finds the account of an application, or makes it: that of clients' secrets
 * where entry is empty, else that of the entry's own credential. The caller
 * sets its work, which keeps it, and calls account_table_rest() when that is
 * done. NULL when out of memory.
 */
struct account *account_table_get(
    struct account_table *table, const struct identity *id, const char *entry);

/* Returns the account if memory has it, else NULL; reads no state. */
const struct account *account_table_find(const struct account_table *table,
    const struct identity *id, const char *entry);

/* Returns 1 when a client's secret is stored for the application. */
int account_table_has_stored(
    struct account_table *table, const struct identity *id);

/* Takes an account back that nobody waits for; it may be gone after that. */
void account_table_rest(struct account_table *table, struct account *account);

/* Forgets accounts about which nothing is known any more, in one walk. */
void account_table_sweep(struct account_table *table);

/*
 * Returns for how many ms unverified applications of the tenant must not be
 * asked about, since Entra has slowed down two within a minute. 0: they may.
 */
long long account_table_tenant_throttled(
    const struct account_table *table, const struct identity *id);

/* Counts the accounts. */
size_t account_table_count(const struct account_table *table);

#endif
