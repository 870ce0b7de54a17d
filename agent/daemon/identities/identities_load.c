/*
 * identities_load.c - reads the table of identities, at the start, at a reload,
 * and when its files have changed: see identities.h.
 *
 * Files are read at once. Maps that are read whole take a process each, which
 * writes into the event loop (dumps.h); until the last one has ended the old
 * table stays in force. A mistake keeps the old table too.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "identities_private.h"

/* Looks at a file that is always just being written, before it is read. */
#define IDENTITIES_PUT_OFF_MAX 6

/* Takes the counts of entries over that have kept their names. */
static struct rate *
identities_load_carry_rates(
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
identities_load_swap(struct identities *identities, struct table *new,
    struct table_watch *watch, struct error *err)
{
	struct rate *rates = identities_load_carry_rates(identities, new);

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
	    watch->sources.count == 0 ? "no file" : watch->setting);
	return 0;
}

/*
 * The default file need not be there, and a file that the table in force is of
 * may be gone: only a reload comes as far as reading where one is. Any other
 * that is named is a mistake.
 */
static int
identities_load_may_lack(
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
identities_load_is_settled(
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

/* Reads what was looked at. Takes dumps. NULL with *err. */
static struct table *
identities_load_read_sources(struct identities *identities,
    const struct table_watch *now, struct table_dump *dumps, int is_reload,
    struct error *err)
{
	struct table *table = table_read(&now->sources, dumps,
	    identities_load_may_lack(identities, now), err);

	dumps_free_list(dumps, &now->sources);
	if (table == NULL || is_reload ||
	    identities_load_is_settled(identities, now))
		return table;
	table_free(&table);
	error_set(err, ERROR_TEMPORARY, "4.3.5",
	    "a file was changed while it was read, which is tried again");
	return NULL;
}

static void
identities_load_fail(struct identities *identities, const struct error *err)
{
	identities->fault = *err;
	/* the file is not at fault: it is read again at the next look */
	if (err->class == ERROR_TEMPORARY)
		table_watch_clear(&identities->seen);
	log_error("table of identities: %s: %s",
	    identities->table != NULL
		? "not read again, the old one stays"
		: "not read, and until it is mended nobody signs in and mail "
		  "waits",
	    err->text);
}

/* Takes the watch and the dumps. */
static void
identities_load_finish(struct identities *identities, struct table_watch *now,
    struct table_dump *dumps, int is_reload)
{
	struct error err;
	struct table *table = identities_load_read_sources(
	    identities, now, dumps, is_reload, &err);

	if (table != NULL && identities->outside != NULL &&
	    outside_use(identities->outside, &now->sources, &err) == -1)
		table_free(&table);
	if (table == NULL)
		table_watch_clear(now);
	if (table == NULL ||
	    identities_load_swap(identities, table, now, &err) == -1)
		identities_load_fail(identities, &err);
	else if (is_reload && identities->outside != NULL)
		outside_expire(identities->outside);
}

/* --- maps that are read whole --- */

static void
identities_load_on_dumps(
    void *ctx, struct table_dump *list, const struct error *err)
{
	struct identities *identities = ctx;
	struct identities_load *load = &identities->load;
	struct table_watch now = load->now;

	load->dumps = NULL;
	memset(&load->now, 0, sizeof(load->now));
	if (err == NULL) {
		identities_load_finish(identities, &now, list, load->is_reload);
		return;
	}
	table_watch_clear(&now);
	identities_load_fail(identities, err);
}

void
identities_load_cancel(struct identities *identities)
{
	dumps_cancel(&identities->load.dumps);
	table_watch_clear(&identities->load.now);
}

/*
 * Before the event loop runs, nobody is served who would be delayed, and at
 * once is better. Takes the watch.
 */
static void
identities_load_whole(struct identities *identities, struct table_watch *now,
    int is_reload, struct error *err)
{
	struct identities_load *load = &identities->load;
	struct table_dump *list;

	if (!identities->is_started) {
		list = dumps_read(&now->sources, err);
		if (list != NULL) {
			identities_load_finish(
			    identities, now, list, is_reload);
			return;
		}
	} else {
		load->now = *now;
		load->is_reload = is_reload;
		load->dumps =
		    dumps_start(identities->with.base, &load->now.sources,
			identities_load_on_dumps, identities, err);
		if (load->dumps != NULL)
			return;
		memset(&load->now, 0, sizeof(load->now));
	}
	table_watch_clear(now);
	identities_load_fail(identities, err);
}

static void
identities_load_all(struct identities *identities, int is_reload)
{
	struct table_watch now = {0};
	struct error err;

	/* one that is under way ends, but what it was for stays */
	is_reload = is_reload ||
	    (identities->load.dumps != NULL && identities->load.is_reload);
	identities_load_cancel(identities);
	if (table_watch_look(&now, identities->conf->identity_maps, &err) ==
	    -1) {
		table_watch_clear(&now);
		identities_load_fail(identities, &err);
	} else if (table_sources_count(&now.sources, TABLE_WHOLE) > 0) {
		identities_load_whole(identities, &now, is_reload, &err);
	} else {
		identities_load_finish(identities, &now, NULL, is_reload);
	}
}

/* Returns 1 when the table must be read again; what was seen is kept. */
static int
identities_load_has_changed(struct identities *identities)
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
		if (identities_load_has_changed(identities))
			identities_load_all(identities, 0);
		return;
	}
	table_watch_look(&now, identities->conf->identity_maps, NULL);
	table_watch_clear(&identities->seen);
	identities->seen = now;
	identities_load_all(identities, 1);
	identities_notice(identities);
}
