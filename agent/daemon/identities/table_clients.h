/*
 * table_clients.h - which entry a client may use that has not signed in.
 *
 * Each network of an entry, with what else a client must be, is a condition.
 * They are sorted, so a client is looked for once for each length of networks
 * that the table has.
 */
#ifndef MSGRAPHD_TABLE_CLIENTS_H
#define MSGRAPHD_TABLE_CLIENTS_H

#include "lib/base/error.h"
#include "entry.h"

struct table_condition;

struct table_clients {
	struct table_condition *conditions; /* sorted */
	size_t count;
	const char **daemons; /* names, sorted */
	size_t daemon_count;

	/* by "has a certificate" and bits + 1: whether a condition has */
	unsigned char has_bits[2][NETWORK_BITS_MAX + 2];
};

/*
 * Makes the conditions of count entries, which must stay where they are. 0; or
 * -1 with *err where two are for the same clients: file and line of both.
 */
int table_clients_make(struct table_clients *clients,
    const struct entry *entries, size_t count, struct error *err);
void table_clients_clear(struct table_clients *clients);

/* Does what table_find_client() and table_names_daemon() of table.h do. */
const struct entry *table_clients_find(
    const struct table_clients *clients, const struct table_client *client);
int table_clients_names_daemon(
    const struct table_clients *clients, const char *daemon_name);

#endif
