/*
 * check_identities.c - see check_identities.h.
 *
 * What an admin probably did not mean, but may have, is a warning: it changes
 * no exit status.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agent/daemon/entra/managed.h"
#include "agent/daemon/identities/dumps.h"
#include "agent/daemon/identities/table_row.h"
#include "check_identities.h"
#include "check_maps.h"

#define CHECK_DAY 86400LL
#define CHECK_ENDS_SOON (30 * CHECK_DAY)

struct check_identities {
	const struct conf *conf;
	const char *user;
	int is_away; /* a service of managed identities did not answer */
};

static void check_identities_warn(const struct entry *entry, const char *fmt,
    ...) __attribute__((format(printf, 2, 3)));

static void
check_identities_warn(const struct entry *entry, const char *fmt, ...)
{
	char place[TABLE_PLACE_SIZE];
	va_list ap;

	fprintf(stderr, "warning: %s: ", table_row_place(entry, place));
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

/* --- limits of one application --- */

static int
check_identities_same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Of lists that are sorted. */
static int
check_identities_same_list(char *const *a, char *const *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	for (; *a != NULL && *b != NULL; a++, b++)
		if (strcmp(*a, *b) != 0)
			return 0;
	return *a == *b;
}

/* Names the limits in which two entries differ; empty: none. */
static void
check_identities_differ(
    const struct entry *a, const struct entry *b, char *names, size_t size)
{
	const char *from =
	    check_identities_same_text(a->from, b->from) ? "" : " from";
	const char *senders = check_identities_same_list(a->senders, b->senders)
	    ? ""
	    : " senders";
	const char *recipients =
	    check_identities_same_list(a->recipients, b->recipients)
	    ? ""
	    : " recipients";
	const char *rate =
	    a->rate_count == b->rate_count && a->rate_seconds == b->rate_seconds
	    ? ""
	    : " rate_limit";

	snprintf(names, size, "%s%s%s%s", from, senders, recipients, rate);
}

/* Compares with the first entry of the application that may be signed into. */
static void
check_identities_limits(const struct table *table, const struct entry *entry)
{
	const struct entry *first =
	    table_first_of(table, ENTRY_SIGN_IN, &entry->application);
	char names[64];

	if (!entry->sign_in || first == entry)
		return;
	check_identities_differ(first, entry, names, sizeof(names));
	if (names[0] != '\0')
		check_identities_warn(entry,
		    "entries \"%s\" and \"%s\" have one application and differ "
		    "in%s: whoever has its secret can sign in as either",
		    first->name, entry->name, names);
}

/* --- one entry --- */

static void
check_identities_networks(const struct entry *entry)
{
	char text[NETWORK_TEXT_SIZE];
	size_t i;

	for (i = 0; i < entry->network_count; i++)
		if (entry->networks[i].bits == 0 ||
		    (network_is_ipv4(&entry->networks[i]) &&
			entry->networks[i].bits == NETWORK_IPV4_BITS))
			check_identities_warn(entry,
			    "entry \"%s\" takes mail from everybody (clients="
			    "%s)",
			    entry->name,
			    network_text(&entry->networks[i], text));
}

static void
check_identities_expires(const struct entry *entry)
{
	long long left = entry->expires_day * CHECK_DAY - (long long)time(NULL);

	if (entry->expires != NULL && left < CHECK_ENDS_SOON)
		check_identities_warn(entry,
		    "the secret of entry \"%s\" ends on %s (expires)",
		    entry->name, entry->expires);
}

/* Complains; returns 1. */
static int
check_identities_complain(
    const struct entry *entry, const char *user, const struct error *err)
{
	fprintf(stderr, "msgraphd: as user %s: %s:%u: %s\n", user, entry->file,
	    entry->line, err->text);
	return 1;
}

/*
 * Asks for a token, as the entry's mail will. Nobody waits more than once for a
 * service that does not answer: it is away for all entries. Returns 1 after a
 * complaint.
 */
static int
check_identities_managed(
    struct check_identities *check, const struct entry *entry)
{
	struct managed_request request = {.id = &entry->application,
	    .identity = credential_value(entry->credential),
	    .resource = check->conf->graph_endpoint};
	struct error err;

	if (entry->disabled || check->is_away ||
	    managed_try(check->conf, &request, &err) == 0)
		return 0;
	if (err.class == ERROR_OURS)
		return check_identities_complain(entry, check->user, &err);
	check->is_away = 1;
	check_identities_warn(entry, "managed_identity %s: %s",
	    credential_value(entry->credential), err.text);
	return 0;
}

/* Returns 1 after a complaint. */
static int
check_identities_credential(
    struct check_identities *check, const struct entry *entry)
{
	long long ends, left;
	struct error err;

	if (entry->credential == NULL)
		return 0;
	if (credential_check(entry->credential, &ends, &err) == -1)
		return check_identities_complain(entry, check->user, &err);
	if (credential_proof(entry->credential) == CREDENTIAL_NO_PROOF)
		return check_identities_managed(check, entry);
	left = ends - (long long)time(NULL);
	if (ends != 0 && left < CHECK_ENDS_SOON)
		check_identities_warn(entry, "%s %s ends in %lld days",
		    credential_attribute(entry->credential),
		    credential_value(entry->credential), left / CHECK_DAY);
	return 0;
}

static struct table *
check_identities_read(const struct conf *conf,
    const struct table_sources *sources, struct error *err)
{
	struct table_dump *dumps = dumps_read(sources, err);
	struct table *table = NULL;

	if (dumps != NULL)
		table = table_read(
		    sources, dumps, conf_has_default_maps(conf), err);
	dumps_free_list(dumps, sources);
	return table;
}

int
check_identities(const struct conf *conf, const char *user)
{
	struct check_identities check = {.conf = conf, .user = user};
	struct table_sources sources;
	struct table *table = NULL;
	struct error err;
	int complaints = 0;
	size_t i;

	if (table_sources_read(&sources, conf->identity_maps, &err) == 0)
		table = check_identities_read(conf, &sources, &err);
	if (table == NULL) {
		fprintf(stderr, "msgraphd: as user %s: %s\n", user, err.text);
		table_sources_clear(&sources);
		return 1;
	}
	for (i = 0; i < table_count(table); i++) {
		check_identities_limits(table, table_at(table, i));
		check_identities_networks(table_at(table, i));
		check_identities_expires(table_at(table, i));
		complaints +=
		    check_identities_credential(&check, table_at(table, i));
	}
	complaints += check_maps(conf, &sources, table, user);
	table_free(&table);
	table_sources_clear(&sources);
	return complaints;
}
