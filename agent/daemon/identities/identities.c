/*
 * identities.c - see identities.h; the table in force, and reading it again.
 *
 * The decisions are in identities_who.c (who is it, who may sign in) and
 * identities_ask.c (who sends as whom).
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "identities_private.h"

/* Looks at a file that is always just being written, before it is read. */
#define IDENTITIES_PUT_OFF_MAX 6

/* --- the relay's own credentials --- */

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

/* --- reading --- */

/* Takes the counts of entries over that have kept their names. */
static struct rate *
identities_carry_rates(
    const struct identities *identities, const struct table *new)
{
	struct rate *rates = calloc(table_count(new) + 1, sizeof(*rates));
	const struct entry *old;
	size_t i;

	for (i = 0;
	     rates != NULL && identities->table != NULL && i < table_count(new);
	     i++) {
		old = table_find(identities->table, table_at(new, i)->name);
		if (old != NULL)
			rates[i] =
			    identities
				->rates[table_place(identities->table, old)];
	}
	return rates;
}

/* Puts a new table in force. Takes it and the watch, whatever the outcome. */
static int
identities_swap(struct identities *identities, struct table *new,
    struct table_watch *watch, struct error *err)
{
	struct rate *rates = identities_carry_rates(identities, new);

	if (rates == NULL) {
		table_free(&new);
		table_watch_clear(watch);
		return error_no_memory(err);
	}
	if (identities->table != NULL)
		identities_audit(identities->table, new);
	table_free(&identities->table);
	free(identities->rates);
	table_watch_clear(&identities->loaded);
	identities->table = new;
	identities->rates = rates;
	identities->loaded = *watch;
	memset(&identities->fault, 0, sizeof(identities->fault));
	log_info("table of identities: %zu entries of %s", table_count(new),
	    watch->count == 0 ? "no file" : watch->setting);
	return 0;
}

/*
 * The default file need not be there, and a file that the table in force is of
 * may be gone: only a reload comes as far as reading where one is. Any other
 * that is named is a mistake.
 */
static int
identities_may_lack(
    const struct identities *identities, const struct table_watch *now)
{
	return conf_has_default_maps(identities->conf) ||
	    (identities->table != NULL &&
		strcmp(identities->loaded.setting, now->setting) == 0);
}

/*
 * Returns 1 when the files are still those that were looked at before they were
 * read: whoever writes one anew may take it away for a moment.
 */
static int
identities_is_settled(
    const struct identities *identities, const struct table_watch *before)
{
	struct table_watch after;
	int same;

	same = table_watch_look(
		   &after, identities->conf->identity_maps, NULL) == 0 &&
	    table_watch_same(before, &after);
	table_watch_clear(&after);
	return same;
}

/* Reads the files that were looked at. NULL with *err. */
static struct table *
identities_read_files(struct identities *identities,
    const struct table_watch *now, int is_reload, struct error *err)
{
	struct table *table =
	    table_read(now->setting, identities_may_lack(identities, now), err);

	if (table == NULL || is_reload ||
	    identities_is_settled(identities, now))
		return table;
	table_free(&table);
	error_set(err, ERROR_TEMPORARY, "4.3.5",
	    "a file was changed while it was read, which is tried again");
	return NULL;
}

static void
identities_read(struct identities *identities, int is_reload)
{
	struct table_watch now = {0};
	struct table *table = NULL;
	struct error err;

	if (table_watch_look(&now, identities->conf->identity_maps, &err) == 0)
		table =
		    identities_read_files(identities, &now, is_reload, &err);
	if (table != NULL &&
	    identities_swap(identities, table, &now, &err) == 0)
		return;
	if (table == NULL)
		table_watch_clear(&now);
	identities->fault = err;
	/* the file is not at fault: it is read again at the next look */
	if (err.class == ERROR_TEMPORARY)
		table_watch_clear(&identities->seen);
	log_error("table of identities: %s: %s",
	    identities->table != NULL
		? "not read again, the old one stays"
		: "not read, and until it is mended nobody signs in and mail "
		  "waits",
	    err.text);
}

/* Returns 1 when the table must be read again; what was seen is kept. */
static int
identities_has_changed(struct identities *identities)
{
	struct table_watch now;
	const char *gone;

	if (table_watch_look(&now, identities->conf->identity_maps, NULL) ==
		-1 ||
	    table_watch_same(&identities->seen, &now) ||
	    (table_watch_is_fresh(&now) &&
		++identities->put_off < IDENTITIES_PUT_OFF_MAX)) {
		table_watch_clear(&now);
		return 0;
	}
	identities->put_off = 0;
	table_watch_clear(&identities->seen);
	identities->seen = now;
	gone = table_watch_gone(&identities->loaded, &now);
	if (gone != NULL)
		log_warning("table of identities: %s has gone; the old table "
			    "stays, until a reload says that this is meant",
		    gone);
	return gone == NULL;
}

void
identities_refresh(struct identities *identities, int is_reload)
{
	struct table_watch now;

	if (!is_reload) {
		if (identities_has_changed(identities))
			identities_read(identities, 0);
		return;
	}
	table_watch_look(&now, identities->conf->identity_maps, NULL);
	table_watch_clear(&identities->seen);
	identities->seen = now;
	identities_read(identities, 1);
}

struct identities *
identities_new(const struct conf *conf, struct state *state, struct error *err)
{
	struct identities *identities = calloc(1, sizeof(*identities));

	if (identities == NULL) {
		error_no_memory(err);
		return NULL;
	}
	identities->conf = conf;
	identities->state = state;
	identities->credentials.find = identities_find_credential;
	identities->credentials.each = identities_each_credential;
	identities->credentials.ctx = identities;
	identities_refresh(identities, 1);
	return identities;
}

void
identities_free(struct identities **identitiesp)
{
	struct identities *identities = *identitiesp;

	*identitiesp = NULL;
	if (identities == NULL)
		return;
	table_free(&identities->table);
	free(identities->rates);
	table_watch_clear(&identities->loaded);
	table_watch_clear(&identities->seen);
	free(identities);
}

/* --- for those who look on --- */

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

/* --- mail that waits --- */

const struct entry *
identities_entry_of(const struct table *table, const char *name,
    const struct identity *application)
{
	const struct entry *entry = table_find(table, name);

	return entry != NULL && identity_equal(&entry->application, application)
	    ? entry
	    : NULL;
}

int
identities_is_disabled(
    const struct table *table, const struct identity *application)
{
	return table_first_of(table, ENTRY_ENABLED, application) == NULL &&
	    table_first_of(table, ENTRY_ALL, application) != NULL;
}

int
identities_may_deliver(struct identities *identities,
    const struct identity *application, const char *entry, struct error *err)
{
	const struct table *table = identities->table;
	const struct entry *found;

	if (table == NULL)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "table of identities: %s", identities->fault.text);
	found = identities_entry_of(table, entry, application);
	if (found != NULL && found->disabled)
		return error_set(err, ERROR_OURS, "4.7.13",
		    "entry \"%s\" of the table of identities is disabled "
		    "(disabled=yes, %s:%u)",
		    found->name, found->file, found->line);
	if (found == NULL && identities_is_disabled(table, application))
		return error_set(err, ERROR_OURS, "4.7.13",
		    "every entry of the application is disabled in the table "
		    "of identities (disabled=yes)");
	return 0;
}
