/*
 * table_index.h - finds entries by name, application and client, without
 * walking them: sorted arrays.
 */
#ifndef MSGRAPHD_TABLE_INDEX_H
#define MSGRAPHD_TABLE_INDEX_H

#include "table_clients.h"

/* Pointers to entries, sorted. */
struct table_sorted {
	const struct entry **entries;
	size_t count;
};

/* A user of the relay that no application is. */
struct table_login {
	const char *user;
	const struct entry *entry;
};

struct table_index {
	struct table_sorted by_name;
	struct table_sorted by_application[ENTRY_GROUPS];
	struct table_login *logins; /* sorted */
	size_t login_count;
	struct table_clients clients;
};

/*
 * Makes an index of count entries, which must stay where they are. 0; or -1
 * with *err where two have the same name, or are for the same logins or
 * clients: file and line of both.
 */
int table_index_make(struct table_index *index, const struct entry *entries,
    size_t count, struct error *err);
void table_index_clear(struct table_index *index);

/* Does what the function of table.h does that is called so without "index". */
const struct entry *table_index_find(
    const struct table_index *index, const char *name);
const struct entry *table_index_first_of(const struct table_index *index,
    enum entry_group group, const struct identity *application);
const struct entry *table_index_next_of(const struct table_index *index,
    enum entry_group group, const struct entry *entry);
const struct entry *table_index_find_login(
    const struct table_index *index, const char *user);
int table_index_has_tenant(const struct table_index *index, const char *tenant);

#endif
