/*
 * identities_audit.c - what a reload has changed, a line for each entry; and
 * which own credentials were replaced. Values are as written, so another way to
 * write the same is a change as well.
 */
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/log.h"
#include "identities_private.h"
#include "table_entry.h"
#include "table_row.h"

#define IDENTITIES_AUDIT_MAX 512
#define IDENTITIES_AUDIT_FILES 64 /* at a time, so that nobody waits for it */

static int
identities_audit_differ(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a != b : strcmp(a, b) != 0;
}

/* Appends the names of the attributes that differ. */
static void
identities_audit_compare(
    struct buf *names, const struct entry *old, const struct entry *new)
{
	const char *name;
	size_t i;

	for (i = 0; (name = table_entry_attribute(i)) != NULL; i++)
		if (identities_audit_differ(old->values[i], new->values[i]))
			buf_printf(
			    names, "%s%s", names->len == 0 ? "" : " ", name);
}

static void
identities_audit_line(
    const struct entry *entry, const char *action, const char *attributes)
{
	char application[IDENTITY_TEXT_SIZE], place[TABLE_PLACE_SIZE];

	log_info("audit: entry=%s, application=%s, action=%s (%s%s%s)",
	    entry->name, identity_text(&entry->application, application),
	    action, table_row_place(entry, place),
	    attributes[0] == '\0' ? "" : ": ", attributes);
}

static void
identities_audit_entry(const struct table *old, const struct entry *entry)
{
	const struct entry *before = table_find(old, entry->name);
	struct buf names;

	if (before == NULL) {
		identities_audit_line(entry, "added", "");
		return;
	}
	if (entry->credential != NULL && before->credential != NULL)
		credential_carry(entry->credential, before->credential);
	buf_init(&names, IDENTITIES_AUDIT_MAX);
	identities_audit_compare(&names, before, entry);
	if (names.len > 0)
		identities_audit_line(entry, "changed", names.bytes);
	buf_free(&names);
}

void
identities_audit(const struct table *old, const struct table *new)
{
	size_t i;

	for (i = 0; i < table_count(new); i++)
		identities_audit_entry(old, table_at(new, i));
	for (i = 0; i < table_count(old); i++)
		if (table_find(new, table_at(old, i)->name) == NULL)
			identities_audit_line(table_at(old, i), "removed", "");
}

static void
identities_audit_file(const struct entry *entry)
{
	char application[IDENTITY_TEXT_SIZE];

	if (credential_is_replaced(entry->credential))
		log_info("audit: entry=%s, application=%s, action=replaced "
			 "(%s %s)",
		    entry->name,
		    identity_text(&entry->application, application),
		    credential_attribute(entry->credential),
		    credential_value(entry->credential));
}

int
identities_look_at_files(struct identities *identities)
{
	const struct table *table = identities->table;
	size_t *at = &identities->looked_at, looks = 0;
	const struct entry *entry;

	while (table != NULL && *at < table_count(table)) {
		if (looks == IDENTITIES_AUDIT_FILES)
			return 1;
		entry = table_at(table, (*at)++);
		if (entry->credential == NULL)
			continue;
		identities_audit_file(entry);
		looks++;
	}
	*at = 0;
	return 0;
}
