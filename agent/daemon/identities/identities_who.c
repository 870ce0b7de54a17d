/*
 * identities_who.c - finds out as which entry a client signs in, and whether
 * that application may sign in at all, at AUTH and at MAIL. See identities.h
 * and identities(5).
 *
 * Whoever tries does so as often as they like, so the lines about refusals go
 * through seldom.c.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/daemon/base/reason.h"
#include "lib/base/log.h"
#include "identities_private.h"

/* RFC 4954 section 6, RFC 5248 section 2.4 ("User Account Disabled") */
#define IDENTITIES_WHO_DSN_CREDENTIAL "5.7.8"
#define IDENTITIES_WHO_DSN_DISABLED "5.7.13"

/*
 * RFC 3463: not until an admin acts; configuration; a fault of this host; a
 * directory that does not answer
 */
#define IDENTITIES_WHO_DSN_NEW "4.7.0"
#define IDENTITIES_WHO_DSN_TABLE "4.3.5"
#define IDENTITIES_WHO_DSN_STATE "4.3.0"
#define IDENTITIES_WHO_DSN_MAPS "4.4.3"

static enum identities_result identities_who_answer(
    struct identities_user *user, enum identities_result result,
    const char *dsn, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/*
 * Fills in a refusal, or "not now", and returns which it is: no refusal is
 * certain while a map outside is out of reach.
 */
static enum identities_result
identities_who_answer(struct identities_user *user,
    enum identities_result result, const char *dsn, const char *fmt, ...)
{
	va_list ap;

	if (user->is_unsure && result == IDENTITIES_REFUSED) {
		result = IDENTITIES_LATER;
		dsn = IDENTITIES_WHO_DSN_MAPS;
	}
	user->dsn = dsn;
	va_start(ap, fmt);
	vsnprintf(user->text, sizeof(user->text), fmt, ap);
	va_end(ap);
	return result;
}

/*
 * Logs what became of a sign-in; remedy says why and what an admin can do. The
 * same matter, which is a tenant, an application or an entry, is not logged
 * again soon. application may be NULL.
 */
static void
identities_who_log(struct identities *identities, const char *matter,
    const struct identity *application, const char *status, const char *remedy)
{
	char text[IDENTITY_TEXT_SIZE], others[64] = "";
	unsigned long left_out;

	if (!seldom_may(&identities->seldom, matter, &left_out))
		return;
	if (left_out > 0)
		snprintf(others, sizeof(others),
		    "; %lu such lines were left out before", left_out);
	if (application == NULL)
		log_warning("NOQUEUE: reason=" REASON_IDENTITY
			    ", status=%s (%s%s)",
		    status, remedy, others);
	else
		log_warning("NOQUEUE: application=%s, reason=" REASON_IDENTITY
			    ", status=%s (%s%s)",
		    identity_text(application, text), status, remedy, others);
}

/* --- whose applications may sign in --- */

/* Writes the line that lets the tenant in. */
static void
identities_who_line_to_add(
    const struct conf *conf, const char *tenant, char *line, size_t size)
{
	const char *old = conf->allowed_tenants;
	int n = snprintf(line, size, "allowed_tenants = %s%s%s",
	    old == NULL ? "" : old, old == NULL ? "" : ", ", tenant);

	if (n < 0 || (size_t)n >= size)
		snprintf(line, size, "add %s to allowed_tenants", tenant);
}

/* Neither setting nor table says who may sign in, as before there were any. */
static const char *
identities_who_status(const struct identities_user *user)
{
	return user->is_unsure ? "unavailable" : "refused";
}

static enum identities_result
identities_who_grandfather(
    struct identities *identities, struct identities_user *user)
{
	const char *tenant = user->application.tenant;
	struct state_credential known = {0};
	char line[128], remedy[512];
	struct error err;
	int found;

	found = state_get(identities->state, &user->application, &known, &err);
	state_credential_clear(&known);
	if (found == 1)
		return IDENTITIES_OK;
	if (found == -1) {
		identities_who_log(identities, "state", &user->application,
		    "unavailable", err.text);
		return identities_who_answer(user, IDENTITIES_LATER,
		    IDENTITIES_WHO_DSN_STATE, "%s", err.text);
	}
	identities_who_line_to_add(
	    identities->conf, tenant, line, sizeof(line));
	snprintf(remedy, sizeof(remedy),
	    "the application is new here, and nothing says which ones may sign "
	    "in; if tenant %s is yours, add to msgraph.conf and reload: %s",
	    tenant, line);
	identities_who_log(
	    identities, tenant, &user->application, "unavailable", remedy);
	return identities_who_answer(user, IDENTITIES_LATER,
	    IDENTITIES_WHO_DSN_NEW,
	    "the relay's admin must allow tenant %s first", tenant);
}

/* With identity_required, whatever allowed_tenants says. */
static enum identities_result
identities_who_not_named(
    struct identities *identities, struct identities_user *user)
{
	char matter[IDENTITY_TEXT_SIZE];

	identities_who_log(identities,
	    identity_text(&user->application, matter), &user->application,
	    identities_who_status(user),
	    "neither the table of identities nor a map names the application, "
	    "and identity_required lets no other sign in");
	return identities_who_answer(user, IDENTITIES_REFUSED,
	    IDENTITIES_WHO_DSN_CREDENTIAL,
	    "the relay takes only applications that its table of identities "
	    "names");
}

/* Decides about an application that the table does not name. */
static enum identities_result
identities_who_gate(struct identities *identities, struct identities_user *user)
{
	const char *tenant = user->application.tenant;
	char line[256], remedy[512];

	if (identities->conf->identity_required)
		return identities_who_not_named(identities, user);
	if (conf_allows_tenant(identities->conf, tenant))
		return IDENTITIES_OK;
	if (identities->conf->allowed_tenants == NULL &&
	    table_count(identities->table) == 0 &&
	    !outside_is_used(identities->outside))
		return identities_who_grandfather(identities, user);
	identities_who_line_to_add(
	    identities->conf, tenant, line, sizeof(line));
	snprintf(remedy, sizeof(remedy),
	    "neither allowed_tenants nor the table of identities names tenant "
	    "%s; to let it in: %s",
	    tenant, line);
	identities_who_log(identities, tenant, &user->application,
	    identities_who_status(user), remedy);
	return identities_who_answer(user, IDENTITIES_REFUSED,
	    IDENTITIES_WHO_DSN_CREDENTIAL,
	    "the relay takes no applications of tenant %s", tenant);
}

/* --- which entry --- */

static enum identities_result
identities_who_sign_in_as(struct identities *identities,
    struct identities_user *user, const struct entry *entry)
{
	const char *dsn = IDENTITIES_WHO_DSN_DISABLED;
	char remedy[256] = "", label[IDENTITIES_LABEL_SIZE];

	user->application = entry->application;
	identities_label(entry, label);
	if (entry->disabled) {
		snprintf(remedy, sizeof(remedy), "%s is disabled", label);
	} else if (!entry->sign_in) {
		dsn = IDENTITIES_WHO_DSN_CREDENTIAL;
		snprintf(remedy, sizeof(remedy),
		    "%s is for clients that bring no secret, unless it has "
		    "sign_in=yes",
		    label);
	}
	if (remedy[0] != '\0') {
		identities_who_log(identities, label, &user->application,
		    identities_who_status(user), remedy);
		return identities_who_answer(
		    user, IDENTITIES_REFUSED, dsn, "%s", remedy);
	}
	memcpy(user->entry, entry->name, sizeof(user->entry));
	return IDENTITIES_OK;
}

/* More than one entry: the log names them, the client is not told. */
static enum identities_result
identities_who_ambiguous(
    struct identities *identities, struct identities_user *user)
{
	const struct entry *entry = table_first_of(
	    identities->table, ENTRY_SIGN_IN, &user->application);
	char remedy[512], names[256] = "", matter[IDENTITY_TEXT_SIZE];
	size_t used = 0;

	for (; entry != NULL && used < sizeof(names) - 1;
	     entry = table_next_of(identities->table, ENTRY_SIGN_IN, entry)) {
		snprintf(names + used, sizeof(names) - used, "%s%s",
		    used == 0 ? "" : ", ", entry->name);
		used = strlen(names);
	}
	snprintf(remedy, sizeof(remedy),
	    "several entries have this application: %s; the user name must "
	    "end with one of them, as in %s@%s.NAME, or be NAME@%s",
	    names, user->application.tenant, user->application.client,
	    identities->conf->identity_lookup_suffix);
	identities_who_log(identities,
	    identity_text(&user->application, matter), &user->application,
	    identities_who_status(user), remedy);
	return identities_who_answer(user, IDENTITIES_REFUSED,
	    IDENTITIES_WHO_DSN_CREDENTIAL,
	    "several entries have this application, so the user name must "
	    "name one, which the log lists");
}

/* A name without an entry's: the one entry that may be signed into. */
static enum identities_result
identities_who_raw(struct identities *identities, struct identities_user *user,
    struct identities_found *found)
{
	const struct table *table = identities->table;
	const struct entry *any =
	    table_first_of(table, ENTRY_ALL, &user->application);
	const struct entry *entry =
	    table_first_of(table, ENTRY_SIGN_IN, &user->application);

	if (identities_is_disabled(table, &user->application))
		return identities_who_sign_in_as(identities, user, any);
	if (entry != NULL && table_next_of(table, ENTRY_SIGN_IN, entry) != NULL)
		return identities_who_ambiguous(identities, user);
	if (entry != NULL) {
		identities_find_in_table(identities, entry, found);
		return identities_who_sign_in_as(identities, user, entry);
	}
	if (any != NULL &&
	    (identities->conf->identity_required ||
		!conf_allows_tenant(
		    identities->conf, user->application.tenant)))
		return identities_who_sign_in_as(identities, user, any);
	return identities_who_gate(identities, user);
}

static enum identities_result
identities_who_nobody(struct identities *identities, const char *name,
    struct identities_user *user)
{
	char remedy[256];

	snprintf(remedy, sizeof(remedy),
	    "a user name asks for entry \"%s\", which is not in the table",
	    name);
	identities_who_log(
	    identities, remedy, NULL, identities_who_status(user), remedy);
	return identities_who_answer(user, IDENTITIES_REFUSED,
	    IDENTITIES_WHO_DSN_CREDENTIAL,
	    "the table of identities has no entry of that name");
}

static enum identities_result
identities_who_no_answer(struct identities *identities,
    const struct identities_found *found, struct identities_user *user)
{
	char remedy[512];

	snprintf(remedy, sizeof(remedy), "nothing is known of \"%s\": %s",
	    found->key, found->text);
	identities_who_log(
	    identities, found->text, NULL, "unavailable", remedy);
	return identities_who_answer(user, IDENTITIES_LATER,
	    IDENTITIES_WHO_DSN_MAPS, "a map of identities does not answer");
}

static enum identities_result
identities_who_no_table(
    struct identities *identities, struct identities_user *user)
{
	identities_who_log(
	    identities, "", NULL, "unavailable", identities->fault.text);
	return identities_who_answer(user, IDENTITIES_LATER,
	    IDENTITIES_WHO_DSN_TABLE, "table of identities: %s",
	    identities->fault.text);
}

enum identities_result
identities_who(struct identities *identities, const char *name, size_t len,
    struct identities_user *user, struct identities_found *found)
{
	struct identities_name read;
	const char *reason;

	memset(user, 0, sizeof(*user));
	memset(found, 0, sizeof(*found));
	if (identities_read_name(identities, name, len, &read, &reason) == -1)
		return identities_who_answer(user, IDENTITIES_REFUSED,
		    IDENTITIES_WHO_DSN_CREDENTIAL, "%s", reason);
	user->is_ours = 1;
	user->application = read.application;
	if (identities->table == NULL)
		return identities_who_no_table(identities, user);
	if (identities_find(identities, &read, 1, found) == -1)
		return identities_who_no_answer(identities, found, user);
	user->is_unsure = found->is_unsure;
	if (found->entry != NULL)
		return identities_who_sign_in_as(
		    identities, user, found->entry);
	return read.is_lookup
	    ? identities_who_nobody(identities, read.entry, user)
	    : identities_who_raw(identities, user, found);
}

/*
 * Warns of a name that libentra has passed on because it is looked up, and that
 * is not looked up here. libentra has settings of its own, and shows them to
 * nobody. Only a name that the table has is logged: it cannot be a secret.
 */
static void
identities_who_warn_lookup(
    struct identities *identities, const char *name, size_t len)
{
	const struct conf *conf = identities->conf;
	const struct entry *entry = NULL;
	char asked[ENTRY_NAME_SIZE], remedy[512];
	size_t at = 0;

	while (at < len && strchr(IDENTITY_DELIMITERS_ANY, name[at]) == NULL)
		at++;
	if (at < len && identities->table != NULL &&
	    identity_parse_entry_name(name, at, asked) == 0)
		entry = table_find(identities->table, asked);
	if (entry == NULL)
		return;
	snprintf(remedy, sizeof(remedy),
	    "a user name asks for entry \"%s\", but not as %s%c%s; "
	    "entra_lookup in the SASL settings must say the same as "
	    "identity_lookup_suffix, and username_delimiter allow what stands "
	    "between",
	    entry->name, entry->name, conf_delimiters(conf)[0],
	    conf->identity_lookup_suffix);
	identities_who_log(identities, remedy, NULL, "refused", remedy);
}

enum identities_result
identities_sign_in(struct identities *identities, const char *name, size_t len,
    struct identities_user *user)
{
	struct identities_found found;
	enum identities_result result =
	    identities_who(identities, name, len, user, &found);

	if (!user->is_ours) {
		/* it may be a secret, in the wrong field */
		log_info("NOQUEUE: reason=" REASON_CREDENTIAL
			 ", status=refused (a user name of %zu bytes: %s)",
		    len, user->text);
		identities_who_warn_lookup(identities, name, len);
	}
	return result;
}
