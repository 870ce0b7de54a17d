/*
 * identities_private.h - what the files of the decisions share. Others use
 * identities.h.
 */
#ifndef MSGRAPHD_IDENTITIES_PRIVATE_H
#define MSGRAPHD_IDENTITIES_PRIVATE_H

#include "identities.h"
#include "rate.h"
#include "seldom.h"
#include "table.h"
#include "table_watch.h"

struct identities {
	const struct conf *conf; /* borrowed, as the next */
	struct state *state;
	struct table *table; /* in force; NULL: none could be read yet */
	struct rate *rates; /* by place in the table */
	struct error fault; /* why there is no table */
	struct table_watch loaded; /* the files, when the table was read */
	struct table_watch seen; /* when they were last looked at */
	unsigned int put_off; /* looks since, at files just written */
	size_t looked_at; /* so many entries, for files of credentials */
	struct seldom seldom;
	struct credentials credentials;
};

/* Logs the entries that were added, changed and removed. */
void identities_audit(const struct table *old, const struct table *new);

/* Decides as identities_sign_in(), and does not log a name of another form. */
enum identities_result identities_who(struct identities *identities,
    const char *name, size_t len, struct identities_user *user);

/* Returns the entry of this name if it has the application, else NULL. */
const struct entry *identities_entry_of(const struct table *table,
    const char *name, const struct identity *application);

/* Returns 1 when the application has entries and all are disabled. */
int identities_is_disabled(
    const struct table *table, const struct identity *application);

#endif
