/*
 * table.h - the table of identities, read from files: identities(5).
 *
 * A table does not change once it is read: a reload reads a new one, and swaps
 * them when that has no mistake. No look-up walks the entries.
 */
#ifndef MSGRAPHD_TABLE_H
#define MSGRAPHD_TABLE_H

#include <stddef.h>

#include "agent/daemon/base/limits.h"
#include "agent/daemon/entra/credential.h"
#include "lib/base/error.h"
#include "lib/local/identity.h"
#include "lib/local/route.h"

/* A network of clients. IPv4 is mapped into IPv6 (RFC 4291 section 2.5.5.2). */
struct network {
	unsigned char address[16];
	unsigned int bits;
};

struct entry {
	char name[ENTRY_NAME_SIZE];
	struct identity application;
	struct credential *credential; /* NULL: clients bring their secret */
	struct network *networks; /* of clients= */
	size_t network_count;
	char *daemon_name; /* NULL as the next: any */
	char *certificate_issuer, *certificate_subject;
	char **logins; /* NULL at the end, as the next two; NULL: none */
	char **senders; /* addresses and "@domain"; NULL: any */
	char **recipients;
	int senders_any; /* senders=any, said aloud */
	int sign_in; /* 1: clients may sign in as this entry */
	int disabled;
	char *from; /* NULL as the next two: none */
	char *fallback_mailbox;
	char *transport;
	long rate_count, rate_seconds; /* rate_limit; 0: none */
	const char *file; /* the table's; where the entry begins */
	unsigned int line;
};

struct table;

/*
 * Reads files, one after the other, into one table. files is a list as in the
 * setting identity_maps: separated by blanks or commas. A file that is missing is
 * an error, unless may_lack. NULL with *err (ERROR_OURS, 4.3.5), whose text
 * begins with file and line.
 */
struct table *table_read(const char *files, int may_lack, struct error *err);

/* Frees *tablep and makes it NULL. Takes NULL. */
void table_free(struct table **tablep);

/* Returns the number of entries, and the one at a place, in the files' order. */
size_t table_count(const struct table *table);
const struct entry *table_at(const struct table *table, size_t place);

/* Returns the entry of a name in lower case, or NULL. */
const struct entry *table_find(const struct table *table, const char *name);

/*
 * Returns the first entry of the application, in the order of the files, or NULL;
 * and the one after an entry, of the same application.
 */
const struct entry *table_first_of(
    const struct table *table, const struct identity *application);
const struct entry *table_next_of(
    const struct table *table, const struct entry *entry);

/* Returns 1 when an entry has an application of this tenant. */
int table_has_tenant(const struct table *table, const char *tenant);

/* Returns the entry whose logins name this user, or NULL. */
const struct entry *table_find_login(
    const struct table *table, const char *user);

/* What is known of a client that has not signed in; empty: not known. */
struct table_client {
	const char *address, *daemon_name;
	const char *certificate_issuer, *certificate_subject;
};

/*
 * Returns the entry that such a client may use: by certificate before by
 * network, then the longest network, then one that names the daemon; or NULL.
 */
const struct entry *table_find_client(
    const struct table *table, const struct table_client *client);

/* Returns 1 when an entry names the daemon (daemon_name=). */
int table_names_daemon(const struct table *table, const char *daemon_name);

/*
 * Returns 1 when the list (NULL at its end) covers the address: it names it, or
 * "@domain" of it. Both are in canonical form.
 */
int table_covers(char *const *list, const char *address);

#endif
