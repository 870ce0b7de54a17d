/*
 * identities.c - see identities.h; what the other files share, and mail that
 * waits.
 *
 * identities_load.c reads the table, outside.c asks the maps, and
 * identities_prepare.c sees to it that they were asked. The decisions are in
 * identities_who.c (who is it, who may sign in) and identities_ask.c (who sends
 * as whom).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "identities_private.h"
#include "table_row.h"

/* --- the relay's own credentials --- */

/* Returns the entry of this name if it has the application, else NULL. */
static const struct entry *
identities_entry_of(const struct table *table, const char *name,
    const struct identity *application)
{
	const struct entry *entry = table_find(table, name);

	return entry != NULL && identity_equal(&entry->application, application)
	    ? entry
	    : NULL;
}

static const struct credential *
identities_find_credential(void *ctx, const struct identity *application,
    const char *entry, char name[ENTRY_NAME_SIZE])
{
	const struct identities *identities = ctx;
	const struct entry *e;

	if (identities->table == NULL)
		return NULL;
	e = entry[0] != '\0'
	    ? identities_entry_of(identities->table, entry, application)
	    : table_first_of(identities->table, ENTRY_LENDING, application);
	if (e == NULL || e->disabled || e->credential == NULL)
		return NULL;
	memcpy(name, e->name, ENTRY_NAME_SIZE);
	return e->credential;
}

static void
identities_each_credential(void *ctx, credential_visit visit, void *arg)
{
	const struct identities *identities = ctx;
	const struct entry *entry;
	size_t i;

	if (identities->table == NULL)
		return;
	for (i = 0; i < table_count(identities->table); i++) {
		entry = table_at(identities->table, i);
		if (entry->credential != NULL && !entry->disabled)
			visit(arg, entry->name, entry->credential);
	}
}

const struct credentials *
identities_credentials(struct identities *identities)
{
	return &identities->credentials;
}

/* --- beginning and end --- */

/* For a map that is asked with the credential of an entry. */
static int
identities_find_entry(
    void *ctx, const char *entry, struct identity *application)
{
	const struct identities *identities = ctx;
	const struct entry *found = identities->table == NULL
	    ? NULL
	    : table_find(identities->table, entry);

	if (found == NULL || found->is_outside)
		return -1;
	*application = found->application;
	return 0;
}

struct identities *
identities_new(
    const struct map_with *with, struct state *state, struct error *err)
{
	struct identities *identities = calloc(1, sizeof(*identities));

	if (identities == NULL) {
		error_no_memory(err);
		return NULL;
	}
	identities->with = *with;
	identities->with.find_entry = identities_find_entry;
	identities->with.ctx = identities;
	identities->conf = with->conf;
	identities->state = state;
	identities->credentials.find = identities_find_credential;
	identities->credentials.each = identities_each_credential;
	identities->credentials.ctx = identities;
	if (with->base != NULL &&
	    (identities->outside = outside_new(
		 &identities->with, &identities->seldom)) == NULL) {
		identities_free(&identities);
		error_no_memory(err);
		return NULL;
	}
	identities_refresh(identities, 1);
	identities->is_started = 1;
	return identities;
}

void
identities_stop(struct identities *identities)
{
	if (identities == NULL)
		return;
	identities_load_cancel(identities);
	outside_free(&identities->outside);
}

void
identities_free(struct identities **identitiesp)
{
	struct identities *identities = *identitiesp;

	*identitiesp = NULL;
	if (identities == NULL)
		return;
	identities_stop(identities);
	table_free(&identities->table);
	free(identities->rates);
	table_watch_clear(&identities->loaded);
	table_watch_clear(&identities->seen);
	free(identities);
}

/* --- for msgraphctl --- */

const struct entry *
identities_at(const struct identities *identities, size_t place)
{
	return identities->table != NULL &&
		place < table_count(identities->table)
	    ? table_at(identities->table, place)
	    : NULL;
}

size_t
identities_count(const struct identities *identities)
{
	return identities->table == NULL ? 0 : table_count(identities->table);
}

int
identities_is_signed_into(
    const struct identities *identities, const struct identity *application)
{
	const struct entry *entry;

	if (identities->table == NULL)
		return 0;
	entry = table_first_of(identities->table, ENTRY_ALL, application);
	while (entry != NULL && entry->credential != NULL)
		entry = table_next_of(identities->table, ENTRY_ALL, entry);
	return entry != NULL;
}

const char *
identities_fault(const struct identities *identities)
{
	return identities->fault.text;
}

int
identities_find_lending(struct identities *identities, const char *name,
    struct identity *application, struct error *err)
{
	const struct entry *entry = identities->table == NULL
	    ? NULL
	    : table_find(identities->table, name);

	if (entry == NULL)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "the table of identities has no entry \"%s\"", name);
	if (entry->credential == NULL)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "entry \"%s\" has no credential of its own: give the user "
		    "name of a client, and its secret",
		    name);
	if (entry->disabled)
		return error_set(
		    err, ERROR_OURS, "4.3.5", "entry \"%s\" is disabled", name);
	*application = entry->application;
	return 0;
}

/* --- mail that waits --- */

int
identities_may_deliver(struct identities *identities,
    const struct identity *application, const char *entry, struct error *err)
{
	struct identities_name name = {.application = *application};
	char label[IDENTITIES_LABEL_SIZE], place[TABLE_PLACE_SIZE];
	struct identities_found found;

	if (identities->table == NULL)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "table of identities: %s", identities->fault.text);
	snprintf(name.entry, sizeof(name.entry), "%s", entry);
	if (identities_find(identities, &name, 1, &found) == -1)
		return error_set(err, ERROR_TEMPORARY, "4.4.3",
		    "identity_maps: %s", found.text);
	if (found.entry != NULL && found.entry->disabled)
		return error_set(err, ERROR_OURS, "4.7.13",
		    "%s of the table of identities is disabled (disabled=yes, "
		    "%s)",
		    identities_label(found.entry, label),
		    table_row_place(found.entry, place));
	if (found.entry == NULL &&
	    identities_is_disabled(identities->table, application))
		return error_set(err, ERROR_OURS, "4.7.13",
		    "every entry of the application is disabled in the table "
		    "of identities (disabled=yes)");
	return 0;
}

const char *
identities_fallback(struct identities *identities,
    const struct identity *application, const char *entry)
{
	struct identities_name name = {.application = *application};
	struct identities_found found;

	if (identities->table == NULL)
		return NULL;
	snprintf(name.entry, sizeof(name.entry), "%s", entry);
	if (identities_find(identities, &name, 1, &found) == -1 ||
	    found.entry == NULL)
		return NULL;
	return found.entry->fallback_mailbox;
}
