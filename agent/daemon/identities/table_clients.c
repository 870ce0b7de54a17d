/*
 * table_clients.c - see table_clients.h.
 */
#include <stdlib.h>
#include <string.h>

#include "table_clients.h"

/* No network: looked for after all networks. */
#define TABLE_CLIENTS_NO_BITS (-1)

/* What a client must be to use an entry; empty strings: any. */
struct table_condition {
	const char *issuer, *subject, *daemon_name;
	unsigned char address[NETWORK_ADDRESS_BYTES];
	int bits; /* of a network; TABLE_CLIENTS_NO_BITS */
	const struct entry *entry;
};

static int
table_clients_compare(const void *a, const void *b)
{
	const struct table_condition *x = a, *y = b;
	int order;

	if ((order = strcmp(x->subject, y->subject)) != 0 ||
	    (order = strcmp(x->issuer, y->issuer)) != 0 ||
	    (order = x->bits - y->bits) != 0 ||
	    (order = memcmp(x->address, y->address, sizeof(x->address))) != 0)
		return order;
	return strcmp(x->daemon_name, y->daemon_name);
}

/* Of equal ones, that of the entry which stands first in the files is first. */
static int
table_clients_compare_places(const void *a, const void *b)
{
	const struct table_condition *x = a, *y = b;
	int order = table_clients_compare(x, y);

	return order != 0 ? order
			  : (x->entry > y->entry) - (x->entry < y->entry);
}

static int
table_clients_compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* --- making --- */

static size_t
table_clients_conditions_of(const struct entry *entry)
{
	if (entry->network_count > 0)
		return entry->network_count;
	return entry->certificate_subject != NULL ? 1 : 0;
}

static const char *
table_clients_or_empty(const char *s)
{
	return s == NULL ? "" : s;
}

static void
table_clients_add(struct table_clients *clients, const struct entry *entry,
    const struct network *network)
{
	struct table_condition *c = &clients->conditions[clients->count++];

	c->entry = entry;
	c->issuer = table_clients_or_empty(entry->certificate_issuer);
	c->subject = table_clients_or_empty(entry->certificate_subject);
	c->daemon_name = table_clients_or_empty(entry->daemon_name);
	c->bits = TABLE_CLIENTS_NO_BITS;
	if (network != NULL) {
		c->bits = (int)network->bits;
		memcpy(c->address, network->address, sizeof(c->address));
	}
	clients->has_bits[c->subject[0] != '\0'][c->bits + 1] = 1;
}

static void
table_clients_add_entry(
    struct table_clients *clients, const struct entry *entry)
{
	size_t i;

	if (entry->daemon_name != NULL)
		clients->daemons[clients->daemon_count++] = entry->daemon_name;
	if (entry->network_count == 0 && entry->certificate_subject != NULL)
		table_clients_add(clients, entry, NULL);
	for (i = 0; i < entry->network_count; i++)
		table_clients_add(clients, entry, &entry->networks[i]);
}

static int
table_clients_twice(const struct table_condition *first,
    const struct table_condition *second, struct error *err)
{
	const struct entry *entry = second->entry;
	struct network network = {.bits = (unsigned int)second->bits};
	char text[NETWORK_TEXT_SIZE] = "the same certificate";

	memcpy(network.address, second->address, sizeof(network.address));
	if (second->bits != TABLE_CLIENTS_NO_BITS)
		network_text(&network, text);
	if (first->entry == entry)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "%s:%u: clients: %s is given twice", entry->file,
		    entry->line, text);
	return error_set(err, ERROR_OURS, "4.3.5",
	    "%s:%u: entry \"%s\" is for the same clients as \"%s\", %s:%u "
	    "(%s); their daemon_name or client_certificate could tell them "
	    "apart",
	    entry->file, entry->line, entry->name, first->entry->name,
	    first->entry->file, first->entry->line, text);
}

int
table_clients_make(struct table_clients *clients, const struct entry *entries,
    size_t count, struct error *err)
{
	size_t i, conditions = 0;

	memset(clients, 0, sizeof(*clients));
	for (i = 0; i < count; i++)
		conditions += table_clients_conditions_of(&entries[i]);
	clients->conditions =
	    calloc(conditions + 1, sizeof(*clients->conditions));
	clients->daemons = malloc((count + 1) * sizeof(*clients->daemons));
	if (clients->conditions == NULL || clients->daemons == NULL)
		return error_no_memory(err);
	for (i = 0; i < count; i++)
		table_clients_add_entry(clients, &entries[i]);
	qsort(clients->conditions, clients->count, sizeof(*clients->conditions),
	    table_clients_compare_places);
	qsort(clients->daemons, clients->daemon_count,
	    sizeof(*clients->daemons), table_clients_compare_names);
	for (i = 1; i < clients->count; i++)
		if (table_clients_compare(&clients->conditions[i - 1],
			&clients->conditions[i]) == 0)
			return table_clients_twice(&clients->conditions[i - 1],
			    &clients->conditions[i], err);
	return 0;
}

void
table_clients_clear(struct table_clients *clients)
{
	free(clients->conditions);
	free(clients->daemons);
	memset(clients, 0, sizeof(*clients));
}

/* --- looking --- */

static const struct entry *
table_clients_search(
    const struct table_clients *clients, const struct table_condition *wanted)
{
	const struct table_condition *found =
	    bsearch(wanted, clients->conditions, clients->count,
		sizeof(*clients->conditions), table_clients_compare);

	return found == NULL ? NULL : found->entry;
}

/* Of two that differ in it alone, the one that names the daemon comes first. */
static const struct entry *
table_clients_search_daemon(const struct table_clients *clients,
    struct table_condition *wanted, const char *daemon_name)
{
	const struct entry *found;

	wanted->daemon_name = table_clients_or_empty(daemon_name);
	found = table_clients_search(clients, wanted);
	wanted->daemon_name = "";
	return found != NULL ? found : table_clients_search(clients, wanted);
}

/* The longest network first; no network of IPv6 holds an IPv4 address. */
static const struct entry *
table_clients_search_networks(const struct table_clients *clients,
    struct table_condition *wanted, const struct table_client *client)
{
	const unsigned char *has =
	    clients->has_bits[wanted->subject[0] != '\0'];
	const struct entry *found;
	struct network network;
	int bits, least;

	if (client->address == NULL ||
	    network_parse_address(client->address, &network) == -1)
		return NULL;
	least = network_is_ipv4(&network) ? NETWORK_IPV4_BITS : 0;
	for (bits = NETWORK_BITS_MAX; bits >= least; bits--) {
		if (!has[bits + 1])
			continue;
		network_mask(&network, (unsigned int)bits);
		memcpy(
		    wanted->address, network.address, sizeof(wanted->address));
		wanted->bits = bits;
		found = table_clients_search_daemon(
		    clients, wanted, client->daemon_name);
		if (found != NULL)
			return found;
	}
	return NULL;
}

const struct entry *
table_clients_find(
    const struct table_clients *clients, const struct table_client *client)
{
	struct table_condition wanted = {
	    .issuer = table_clients_or_empty(client->certificate_issuer),
	    .subject = table_clients_or_empty(client->certificate_subject)};
	const struct entry *found;

	if (wanted.issuer[0] != '\0' && wanted.subject[0] != '\0') {
		found = table_clients_search_networks(clients, &wanted, client);
		if (found != NULL)
			return found;
		memset(wanted.address, 0, sizeof(wanted.address));
		wanted.bits = TABLE_CLIENTS_NO_BITS;
		found = table_clients_search_daemon(
		    clients, &wanted, client->daemon_name);
		if (found != NULL)
			return found;
	}
	wanted.issuer = wanted.subject = "";
	return table_clients_search_networks(clients, &wanted, client);
}

int
table_clients_names_daemon(
    const struct table_clients *clients, const char *daemon_name)
{
	return daemon_name != NULL &&
	    bsearch(&daemon_name, clients->daemons, clients->daemon_count,
		sizeof(*clients->daemons), table_clients_compare_names) != NULL;
}
