/*
 * identities_private.h - what the files of the decisions share. Others use
 * identities.h.
 */
#ifndef MSGRAPHD_IDENTITIES_PRIVATE_H
#define MSGRAPHD_IDENTITIES_PRIVATE_H

#include "dumps.h"
#include "identities.h"
#include "outside.h"
#include "rate.h"
#include "seldom.h"
#include "table.h"
#include "table_watch.h"

/* Maps that are just being read whole. */
struct identities_load {
	struct dumps *dumps; /* NULL: none */
	struct table_watch now; /* what they are of */
	int is_reload;
};

struct identities {
	struct map_with with;
	const struct conf *conf; /* borrowed, as the next */
	struct state *state;
	struct table *table; /* in force; NULL: none could be read yet */
	struct rate *rates; /* by place in the table */
	struct error fault; /* why the files could not be read; or empty */
	struct outside *outside; /* NULL: no event loop, so no maps */
	struct table_watch loaded; /* the files, when the table was read */
	struct table_watch seen; /* when they were last looked at */
	unsigned int put_off; /* looks since, at files just written */
	size_t looked_at; /* so many entries, for files of credentials */
	struct identities_load load;
	int is_started; /* somebody is served already */
	struct seldom seldom;
	size_t remind_at; /* the place of identities_remind() */
	struct credentials credentials;
};

/* Notes that a message of the entry was accepted, if some are expected. */
void identities_seen(struct identities *identities, const struct entry *entry);

/* Gives up what is just being read. */
void identities_load_cancel(struct identities *identities);

/* Logs the entries that were added, changed and removed. */
void identities_audit(const struct table *old, const struct table *new);

/*
 * Logs the tenants that the state knows, while neither allowed_tenants nor the
 * table says who may sign in.
 */
void identities_notice(struct identities *identities);

/* A user name, or what stands in the nexthop of a message. */
struct identities_name {
	int is_lookup; /* entry@lookup: there is no application */
	struct identity application;
	char entry[ENTRY_NAME_SIZE]; /* empty: none */
};

/*
 * Reads a user name. 0; or -1 where it has another form, with *reason a
 * constant text.
 */
int identities_read_name(const struct identities *identities, const char *name,
    size_t len, struct identities_name *to, const char **reason);

/* What the table and the maps have for a name. */
struct identities_found {
	const struct entry *entry; /* NULL: none, or the table decides */
	struct rate *rate; /* of the entry */
	int is_unsure; /* a map is out of reach, and said this once */
	enum outside_result result; /* of the map that was asked last */
	char key[MAP_KEY_SIZE]; /* that it was asked for */
	const char *text; /* OUTSIDE_UNAVAILABLE */
};

/*
 * Finds the entry of a name: in the table, and else in the maps. Returns 0; or
 * -1 where found->result is OUTSIDE_UNKNOWN, which is not where the maps were
 * asked before (is_asked), or OUTSIDE_UNAVAILABLE.
 */
int identities_find(struct identities *identities,
    const struct identities_name *name, int is_asked,
    struct identities_found *found);

/* Sets entry and rate of what was found: an entry of the table, or NULL. */
void identities_find_in_table(struct identities *identities,
    const struct entry *entry, struct identities_found *found);

/*
 * Decides as identities_sign_in(), and does not log a name of another form.
 * *found is what there is for it, where it is of our form.
 */
enum identities_result identities_who(struct identities *identities,
    const char *name, size_t len, struct identities_user *user,
    struct identities_found *found);

/* Returns 1 when the application has entries and all are disabled. */
int identities_is_disabled(
    const struct table *table, const struct identity *application);

/* The longest text of identities_label(), with its NUL. */
#define IDENTITIES_LABEL_SIZE (IDENTITY_CANONICAL_SIZE + 16)

/* Writes what a text calls an entry, which may have no name; returns text. */
const char *identities_label(
    const struct entry *entry, char text[IDENTITIES_LABEL_SIZE]);

#endif
