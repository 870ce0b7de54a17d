/*
 * table_entry.h - the attributes of an entry, and what they must be together.
 */
#ifndef MSGRAPHD_TABLE_ENTRY_H
#define MSGRAPHD_TABLE_ENTRY_H

#include "lib/base/error.h"
#include "entry.h"

/*
 * Returns the name of an attribute, in identities(5)'s order; NULL past the
 * end.
 */
const char *table_entry_attribute(size_t place);

/*
 * Sets an attribute of the entry, which borrows the value. 0; or -1 with *err,
 * which names the attribute, and the one that was meant where one is near.
 */
int table_entry_set(struct entry *entry, const char *name, const char *value,
    struct error *err);

/* Checks an entry whose attributes are all set. 0, or -1 with *err. */
int table_entry_check(struct entry *entry, struct error *err);

/* Frees what the entry owns, but not the entry. */
void table_entry_clear(struct entry *entry);

#endif
