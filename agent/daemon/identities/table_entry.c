/*
 * table_entry.c - see table_entry.h.
 *
 * An attribute is a row of the table below; tests/lint/test_identities.py holds
 * identities(5) to it. Strings of an entry point into the text of the file,
 * which the table keeps; lists are allocations of the entry's own.
 *
 * Only root may say that a client needs no sign-in, or name a credential of the
 * relay's own: a row of a map outside has the other attributes alone.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/near.h"
#include "table_entry.h"
#include "table_value.h"

struct table_entry_row {
	const char *name;
	int may_be_outside; /* a row of a map outside may have it too */
	int (*read)(struct entry *entry, const char *name, const char *value,
	    struct error *err);
};

static int
table_entry_wrong(struct error *err, const char *what)
{
	return error_set(err, ERROR_OURS, "4.3.5", "%s", what);
}

/* --- one attribute --- */

static int
table_entry_application(
    struct entry *entry, const char *name, const char *value, struct error *err)
{
	(void)name;
	return table_value_application(value, &entry->application, err);
}

static int
table_entry_credential(
    struct entry *entry, const char *name, const char *value, struct error *err)
{
	if (entry->credential != NULL)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "the entry has %s already; keep one of the two",
		    credential_attribute(entry->credential));
	entry->credential = credential_new(name, value, err);
	return entry->credential == NULL ? -1 : 0;
}

static int
table_entry_clients(
    struct entry *entry, const char *name, const char *value, struct error *err)
{
	char **list;
	size_t count, i;
	int result = 0;

	(void)name;
	if (table_value_list(value, &list, err) == -1)
		return -1;
	count = table_value_count(list);
	entry->networks = calloc(count, sizeof(*entry->networks));
	if (entry->networks == NULL)
		result = error_no_memory(err);
	for (i = 0; result == 0 && i < count; i++)
		result = network_parse(list[i], &entry->networks[i], err);
	entry->network_count = entry->networks == NULL ? 0 : count;
	free(list);
	return result;
}

static int
table_entry_daemon_name(
    struct entry *entry, const char *name, const char *value, struct error *err)
{
	(void)name;
	if (strpbrk(value, " \t\r,\"") != NULL)
		return table_entry_wrong(err,
		    "one name is needed, as milter_macro_daemon_name has it in "
		    "master.cf");
	entry->daemon_name = value;
	return 0;
}

static int
table_entry_client_certificate(
    struct entry *entry, const char *name, const char *value, struct error *err)
{
	char **list;

	(void)name;
	if (table_value_list(value, &list, err) == -1)
		return -1;
	entry->certificate = list;
	if (table_value_count(list) != 2 || list[0][0] == '\0' ||
	    list[1][0] == '\0')
		return table_entry_wrong(err,
		    "two names are needed, the issuer's and the subject's, as "
		    "in { client_certificate = \"Example CA\", scanner1 }");
	entry->certificate_issuer = list[0];
	entry->certificate_subject = list[1];
	return 0;
}

/* Whoever has the name of an application is never looked for here. */
static int
table_entry_logins(
    struct entry *entry, const char *name, const char *value, struct error *err)
{
	struct identity application;
	size_t i;

	(void)name;
	if (table_value_list(value, &entry->logins, err) == -1)
		return -1;
	for (i = 0; entry->logins[i] != NULL; i++) {
		if (entry->logins[i][0] == '\0')
			return table_entry_wrong(err, "an empty name");
		if (identity_parse(entry->logins[i], strlen(entry->logins[i]),
			IDENTITY_DELIMITERS_ANY, &application, NULL) == 0)
			return error_set(err, ERROR_OURS, "4.3.5",
			    "\"%.100s\" is the name of an application, which "
			    "signs in without logins",
			    entry->logins[i]);
	}
	return 0;
}

static int
table_entry_senders(
    struct entry *entry, const char *name, const char *value, struct error *err)
{
	(void)name;
	entry->senders_any = strcmp(value, "any") == 0;
	return entry->senders_any
	    ? 0
	    : table_value_addresses(value, &entry->senders, err);
}

static int
table_entry_recipients(
    struct entry *entry, const char *name, const char *value, struct error *err)
{
	(void)name;
	return table_value_addresses(value, &entry->recipients, err);
}

static int
table_entry_from(
    struct entry *entry, const char *name, const char *value, struct error *err)
{
	(void)name;
	entry->from = value;
	return table_value_address(value, 0, err);
}

static int
table_entry_fallback_mailbox(
    struct entry *entry, const char *name, const char *value, struct error *err)
{
	(void)name;
	entry->fallback_mailbox = value;
	return table_value_address(value, 0, err);
}

static int
table_entry_rate_limit(
    struct entry *entry, const char *name, const char *value, struct error *err)
{
	(void)name;
	return table_value_rate(
	    value, &entry->rate_count, &entry->rate_seconds, err);
}

static int
table_entry_transport(
    struct entry *entry, const char *name, const char *value, struct error *err)
{
	(void)name;
	entry->transport = value;
	return table_value_transport(value, err);
}

static int
table_entry_sign_in(
    struct entry *entry, const char *name, const char *value, struct error *err)
{
	(void)name;
	return table_value_yes(value, &entry->sign_in, err);
}

static int
table_entry_disabled(
    struct entry *entry, const char *name, const char *value, struct error *err)
{
	(void)name;
	return table_value_yes(value, &entry->disabled, err);
}

static int
table_entry_expires(
    struct entry *entry, const char *name, const char *value, struct error *err)
{
	(void)name;
	entry->expires = value;
	return table_value_date(value, &entry->expires_day, err);
}

static int
table_entry_expect(
    struct entry *entry, const char *name, const char *value, struct error *err)
{
	(void)name;
	return table_value_duration(value, &entry->expect, err);
}

static const struct table_entry_row table_entry_rows[] = {
    {"application", 1, table_entry_application},
    {"secret_file", 0, table_entry_credential},
    {"certificate_file", 0, table_entry_credential},
    {"federated_token_file", 0, table_entry_credential},
    {"managed_identity", 0, table_entry_credential},
    {"clients", 0, table_entry_clients},
    {"daemon_name", 0, table_entry_daemon_name},
    {"client_certificate", 0, table_entry_client_certificate},
    {"logins", 0, table_entry_logins},
    {"sign_in", 0, table_entry_sign_in},
    {"from", 1, table_entry_from},
    {"senders", 1, table_entry_senders},
    {"recipients", 1, table_entry_recipients},
    {"rate_limit", 1, table_entry_rate_limit},
    {"fallback_mailbox", 1, table_entry_fallback_mailbox},
    {"transport", 1, table_entry_transport},
    {"expires", 0, table_entry_expires},
    {"expect", 0, table_entry_expect},
    {"disabled", 1, table_entry_disabled},
};

#define TABLE_ENTRY_ROWS \
	(sizeof(table_entry_rows) / sizeof(table_entry_rows[0]))

_Static_assert(
    TABLE_ENTRY_ROWS <= TABLE_ATTRIBUTES_MAX, "struct entry has room");

const char *
table_entry_attribute(size_t place)
{
	return place < TABLE_ENTRY_ROWS ? table_entry_rows[place].name : NULL;
}

static const char *
table_entry_value_of(const struct entry *entry, const char *name)
{
	size_t i;

	for (i = 0; i < TABLE_ENTRY_ROWS; i++)
		if (strcmp(table_entry_rows[i].name, name) == 0)
			return entry->values[i];
	return NULL;
}

/* A name that has no such form may be a part of a secret, and is not shown. */
static int
table_entry_unknown(const char *name, struct error *err)
{
	const char *near = near_name(name, table_entry_attribute);
	size_t len = strspn(name,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	    "_-");

	if (len == 0 || len > 40 || name[len] != '\0')
		return table_entry_wrong(err,
		    "an attribute whose name has other characters than letters "
		    "and '_'");
	if (near != NULL)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "unknown attribute \"%s\"; did you mean \"%s\"?", name,
		    near);
	return error_set(err, ERROR_OURS, "4.3.5",
	    "unknown attribute \"%s\"; see identities(5)", name);
}

int
table_entry_set(
    struct entry *entry, const char *name, const char *value, struct error *err)
{
	size_t i;

	for (i = 0; i < TABLE_ENTRY_ROWS; i++)
		if (strcmp(table_entry_rows[i].name, name) == 0)
			break;
	if (i == TABLE_ENTRY_ROWS)
		return table_entry_unknown(name, err);
	if (entry->is_outside && !table_entry_rows[i].may_be_outside)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "\"%s\" counts in root's files alone, and a map outside "
		    "may not say it",
		    name);
	if (entry->values[i] != NULL)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "\"%s\" is given twice; keep one of the two", name);
	entry->values[i] = value;
	if (value[0] == '\0')
		return error_set(err, ERROR_OURS, "4.3.5",
		    "%s: nothing stands behind the '='", name);
	if (table_entry_rows[i].read(entry, name, value, err) == 0)
		return 0;
	return strncmp(err->text, name, strlen(name)) == 0
	    ? -1
	    : error_prefix(err, "%s", name);
}

/* --- all attributes --- */

/* Without signing in, an entry lends the relay's own credential. */
static int
table_entry_check_open(const struct entry *entry, struct error *err)
{
	if (entry->credential == NULL)
		return table_entry_wrong(err,
		    "a client that does not sign in brings no secret, so "
		    "clients and client_certificate need a credential of the "
		    "relay's own, such as secret_file");
	if (entry->from == NULL && entry->senders == NULL &&
	    !entry->senders_any)
		return table_entry_wrong(err,
		    "clients and client_certificate need from or senders "
		    "(senders=any lets them send as every mailbox)");
	return 0;
}

/*
 * Checks the mailboxes that the entry names itself: whoever reads its senders
 * sees every mailbox that its mail can come from.
 */
static int
table_entry_check_mailbox(
    const struct entry *entry, const char *name, struct error *err)
{
	const char *mailbox = table_entry_value_of(entry, name);

	if (mailbox == NULL || entry->senders == NULL ||
	    table_value_covers(entry->senders, mailbox))
		return 0;
	return error_set(err, ERROR_OURS, "4.3.5",
	    "senders does not cover %s, which %s names", mailbox, name);
}

static int
table_entry_check_mailboxes(const struct entry *entry, struct error *err)
{
	if (table_entry_check_mailbox(entry, "from", err) == -1 ||
	    table_entry_check_mailbox(entry, "fallback_mailbox", err) == -1)
		return -1;
	if (entry->from == NULL || entry->fallback_mailbox == NULL ||
	    strcmp(entry->from, entry->fallback_mailbox) != 0)
		return 0;
	return table_entry_wrong(err,
	    "fallback_mailbox names the mailbox of from; it must be another "
	    "one");
}

static int
table_entry_check_managed(const struct entry *entry, struct error *err)
{
	const char *identity = table_entry_value_of(entry, "managed_identity");
	char client[UUID_TEXT_SIZE];

	if (identity == NULL)
		return 0;
	if (identity_parse_id(identity, strlen(identity), client) == 0 &&
	    strcmp(client, entry->application.client) != 0)
		return table_entry_wrong(err,
		    "managed_identity and application name two clients; both "
		    "must be the identity's client id");
	if (entry->expires != NULL)
		return table_entry_wrong(err,
		    "a managed identity has no secret, so nothing expires");
	return 0;
}

int
table_entry_check(struct entry *entry, struct error *err)
{
	int is_open =
	    entry->network_count > 0 || entry->certificate_subject != NULL;

	if (table_entry_value_of(entry, "application") == NULL)
		return table_entry_wrong(
		    err, "application=tenant/client is missing");
	if (table_entry_check_managed(entry, err) == -1)
		return -1;
	if (!is_open && entry->daemon_name != NULL)
		return table_entry_wrong(err,
		    "daemon_name needs clients or client_certificate beside "
		    "it");
	if (is_open && table_entry_check_open(entry, err) == -1)
		return -1;
	if (entry->logins != NULL && entry->credential == NULL)
		return table_entry_wrong(err,
		    "logins need a credential of the relay's own, such as "
		    "secret_file");
	if (table_entry_check_mailboxes(entry, err) == -1)
		return -1;
	if (is_open || entry->logins != NULL)
		return 0;
	if (table_entry_value_of(entry, "sign_in") != NULL && !entry->sign_in)
		return table_entry_wrong(err,
		    "sign_in=no leaves nobody who could use the entry; "
		    "disabled=yes turns it off");
	entry->sign_in = 1;
	return 0;
}

void
table_entry_clear(struct entry *entry)
{
	credential_free(&entry->credential);
	free(entry->networks);
	free(entry->certificate);
	free(entry->logins);
	free(entry->senders);
	free(entry->recipients);
	memset(entry, 0, sizeof(*entry));
}
