/*
 * table.h - the table of identities, read from files and from maps that are
 * read whole: identities(5).
 *
 * A table does not change once it is read: a reload reads a new one, and swaps
 * them when that has no mistake. No look-up walks the entries.
 */
#ifndef MSGRAPHD_TABLE_H
#define MSGRAPHD_TABLE_H

#include "lib/base/error.h"
#include "entry.h"
#include "table_source.h"

struct table;

/* The rows of a map that is read whole, as postmap(1) writes them. */
struct table_dump {
	char *bytes; /* owned; with a NUL behind them */
	size_t len;
};

/*
 * Reads sources into one table: the files in their order, and behind them the
 * maps that are read whole, whose rows are dumps[] at the source's place and
 * become the table's. A row of a map has only the attributes that may come from
 * outside, and does not count where an entry before it has its name. Maps that
 * are asked key by key are passed over. A file that is missing is an error,
 * unless may_lack. NULL with *err (ERROR_OURS, 4.3.5), whose text begins with
 * the place.
 */
struct table *table_read(const struct table_sources *sources,
    struct table_dump *dumps, int may_lack, struct error *err);

/* Frees *tablep and makes it NULL. Takes NULL. */
void table_free(struct table **tablep);

/*
 * Returns the number of entries, and the one at a place, in the files' order.
 */
size_t table_count(const struct table *table);
const struct entry *table_at(const struct table *table, size_t place);

/* Returns the place of an entry of the table, for table_at(). */
size_t table_place(const struct table *table, const struct entry *entry);

/* Returns the entry of a name in lower case, or NULL. */
const struct entry *table_find(const struct table *table, const char *name);

/*
 * Returns the first entry of the application in a group, in the order of the
 * files, or NULL; and the one after an entry of the group.
 */
const struct entry *table_first_of(const struct table *table,
    enum entry_group group, const struct identity *application);
const struct entry *table_next_of(const struct table *table,
    enum entry_group group, const struct entry *entry);

/* Returns 1 when an entry has an application of this tenant. */
int table_has_tenant(const struct table *table, const char *tenant);

/* Returns the entry whose logins name this user, or NULL. */
const struct entry *table_find_login(
    const struct table *table, const char *user);

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
