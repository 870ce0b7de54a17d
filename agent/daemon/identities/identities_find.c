/*
 * identities_find.c - which entry is meant by a user name, or by the nexthop of
 * a message. See identities_private.h.
 *
 * Root's files come first: a map is asked only for what they do not have. What
 * is asked is the name of an entry; and for an application without one,
 * tenant@client, where something here names the tenant. Else anybody could have
 * the maps asked for applications of tenants that nobody has heard of.
 */
#include <stdio.h>
#include <string.h>

#include "identities_private.h"

int
identities_read_name(const struct identities *identities, const char *name,
    size_t len, struct identities_name *to, const char **reason)
{
	const struct conf *conf = identities->conf;
	const char *delimiters = conf_delimiters(conf);

	memset(to, 0, sizeof(*to));
	to->is_lookup = identity_parse_lookup(
	    name, len, delimiters, conf->identity_lookup_suffix, to->entry);
	return to->is_lookup ? 0
			     : identity_parse_entry(name, len, delimiters,
				   &to->application, to->entry, reason);
}

int
identities_is_disabled(
    const struct table *table, const struct identity *application)
{
	return table_first_of(table, ENTRY_ENABLED, application) == NULL &&
	    table_first_of(table, ENTRY_ALL, application) != NULL;
}

void
identities_find_in_table(struct identities *identities,
    const struct entry *entry, struct identities_found *found)
{
	found->entry = entry;
	if (entry != NULL)
		found->rate =
		    &identities->rates[table_place(identities->table, entry)];
}

/* 0 with found->entry or without, or -1. */
static int
identities_find_outside(struct identities *identities, const char *key,
    int is_asked, struct identities_found *found)
{
	struct outside_answer answer;

	snprintf(found->key, sizeof(found->key), "%s", key);
	found->result =
	    outside_find(identities->outside, key, is_asked, &answer);
	if (answer.is_old)
		found->is_unsure = 1;
	found->entry = answer.entry;
	found->rate = answer.rate;
	found->text = answer.text;
	return found->result == OUTSIDE_UNKNOWN ||
		found->result == OUTSIDE_UNAVAILABLE
	    ? -1
	    : 0;
}

/* Something here, or that nobody else signs in, lets the maps be asked. */
static int
identities_find_may_ask(const struct identities *identities, const char *tenant)
{
	return identities->conf->identity_required ||
	    conf_allows_tenant(identities->conf, tenant) ||
	    table_has_tenant(identities->table, tenant);
}

/* The application alone: the table decides where it can. */
static int
identities_find_application(struct identities *identities,
    const struct identity *application, int is_asked,
    struct identities_found *found)
{
	const struct table *table = identities->table;
	char key[IDENTITY_CANONICAL_SIZE];

	found->entry = NULL;
	if (!outside_is_used(identities->outside) ||
	    identities_is_disabled(table, application) ||
	    table_first_of(table, ENTRY_SIGN_IN, application) != NULL ||
	    !identities_find_may_ask(identities, application->tenant))
		return 0;
	return identities_find_outside(identities,
	    identity_canonical(application, "", key), is_asked, found);
}

int
identities_find(struct identities *identities,
    const struct identities_name *name, int is_asked,
    struct identities_found *found)
{
	const struct entry *entry = NULL;

	memset(found, 0, sizeof(*found));
	if (identities->table == NULL)
		return 0;
	if (name->entry[0] != '\0')
		entry = table_find(identities->table, name->entry);
	if (name->is_lookup && entry == NULL && name->entry[0] == '\0')
		return 0;
	if (entry == NULL && name->entry[0] != '\0' &&
	    outside_is_used(identities->outside)) {
		if (identities_find_outside(
			identities, name->entry, is_asked, found) == -1)
			return -1;
		entry = found->entry;
	} else {
		identities_find_in_table(identities, entry, found);
	}
	/* a suffix counts only where the entry has that application */
	if (name->is_lookup ||
	    (entry != NULL &&
		identity_equal(&entry->application, &name->application)))
		return 0;
	return identities_find_application(
	    identities, &name->application, is_asked, found);
}

const char *
identities_label(const struct entry *entry, char text[IDENTITIES_LABEL_SIZE])
{
	char canonical[IDENTITY_CANONICAL_SIZE];

	if (entry->name[0] != '\0')
		snprintf(
		    text, IDENTITIES_LABEL_SIZE, "entry \"%s\"", entry->name);
	else
		snprintf(text, IDENTITIES_LABEL_SIZE, "entry \"%s\"",
		    identity_canonical(&entry->application, "", canonical));
	return text;
}
