/*
 * admin_applications.c - the requests "applications", "identities" and "forget"
 * of the admin socket: see admin_answer.h.
 *
 * Applications are listed in three parts: those of the state that no entry
 * names, the entries of the table of identities, and those that have mail and
 * nothing to get a token with. Each is listed once, but for entries that share
 * an application.
 */
#include <stdio.h>
#include <string.h>

#include "agent/daemon/base/activity.h"
#include "agent/daemon/entra/account.h"
#include "agent/daemon/identities/identities.h"
#include "agent/daemon/identities/table_entry.h"
#include "agent/daemon/store/state.h"
#include "lib/base/log.h"
#include "admin_answer.h"

/* --- one application --- */

static long long
admin_applications_later(long long a, long long b)
{
	return a > b ? a : b;
}

/* When it last signed in and sent, and since when it fails. */
static void
admin_applications_activity(struct admin_answer *answer,
    const struct identity *id, const char *entry, const char *own)
{
	static const struct activity_row none;
	const struct activity *activity = answer->daemon->activity;
	const struct activity_row *as_entry, *as_none, *token;

	as_entry = activity_find(activity, id, entry);
	as_none = own[0] == '\0' ? activity_find(activity, id, "") : NULL;
	token = activity_find(activity, id, own);
	as_entry = as_entry == NULL ? &none : as_entry;
	as_none = as_none == NULL ? &none : as_none;
	admin_number(answer, "signed-in",
	    admin_applications_later(as_entry->signed_in, as_none->signed_in));
	admin_number(answer, "sent",
	    admin_applications_later(as_entry->sent, as_none->sent));
	if (token == NULL || token->failing_since == 0)
		return;
	admin_number(answer, "failing-since", token->failing_since);
	admin_text(answer, "failing", token->why);
}

/* The day that the table says a secret ends, as its first second in UTC. */
static void
admin_applications_expires(
    struct admin_answer *answer, const struct entry *entry)
{
	if (entry != NULL && entry->expires != NULL)
		admin_number(answer, "expires", entry->expires_day * 86400LL);
}

/*
 * Of an application whose secret clients bring; entry may be NULL, and row is
 * where none is stored.
 */
static void
admin_applications_record(struct admin_answer *answer,
    const struct identity *id, const struct entry *entry,
    const struct state_summary *row)
{
	const char *name = entry == NULL ? "" : entry->name;

	admin_begin(answer, "application");
	admin_identity(answer, id);
	admin_text(answer, "entry", name);
	admin_applications_expires(answer, entry);
	admin_text(answer, "stored", row != NULL ? "yes" : "no");
	admin_applications_activity(answer, id, name, "");
	if (row != NULL) {
		admin_number(answer, "accepted", row->verified);
		admin_number(answer, "token-until", row->token_expires);
	}
	admin_end(answer);
}

/* Of an entry with a credential of the relay's own. */
static void
admin_applications_own(struct admin_answer *answer, const struct entry *entry)
{
	const struct identity *id = &entry->application;
	char credential[512];
	long long ends = 0;
	struct error err;

	snprintf(credential, sizeof(credential), "%s %s",
	    credential_attribute(entry->credential),
	    credential_value(entry->credential));
	admin_begin(answer, "application");
	admin_identity(answer, id);
	admin_text(answer, "entry", entry->name);
	admin_text(answer, "credential", credential);
	if (credential_check(entry->credential, &ends, &err) == -1)
		admin_text(answer, "credential-fault", err.text);
	admin_number(answer, "credential-ends", ends);
	admin_applications_expires(answer, entry);
	admin_applications_activity(answer, id, entry->name, entry->name);
	admin_number(answer, "token-until",
	    account_token_until(answer->daemon->accounts, id, entry->name));
	admin_end(answer);
}

/* --- the parts --- */

/* Ends the answer, since the state cannot be read. */
static int
admin_applications_fail(struct admin_answer *answer, const struct error *err)
{
	log_error("%s", err->text);
	snprintf(answer->failure, sizeof(answer->failure), "%s", err->text);
	return 0;
}

/* The next application of the state that no entry lists. */
static int
admin_applications_stored(struct admin_answer *answer)
{
	struct state_summary row;
	struct identity id;
	struct error err;
	int found = state_summary_after(
	    answer->daemon->state, answer->after, &row, &err);

	if (found == -1)
		return admin_applications_fail(answer, &err);
	if (found == 0) {
		answer->part++;
		return 1;
	}
	memcpy(answer->after, row.identity, sizeof(answer->after));
	if (identity_parse(
		row.identity, strlen(row.identity), "/", &id, NULL) == 0 &&
	    !identities_is_signed_into(answer->daemon->identities, &id))
		admin_applications_record(answer, &id, NULL, &row);
	return 1;
}

/* The next entry of the table. */
static int
admin_applications_entry(struct admin_answer *answer)
{
	const struct entry *entry =
	    identities_at(answer->daemon->identities, answer->place++);
	struct state_summary row;
	struct error err;
	int found;

	if (entry == NULL) {
		answer->part++;
		answer->place = 0;
		return 1;
	}
	if (entry->credential != NULL) {
		admin_applications_own(answer, entry);
		return 1;
	}
	found = state_summary(
	    answer->daemon->state, &entry->application, &row, &err);
	if (found == -1)
		return admin_applications_fail(answer, &err);
	admin_applications_record(
	    answer, &entry->application, entry, found == 1 ? &row : NULL);
	return 1;
}

/* The next application that fails and was not listed before. */
static int
admin_applications_failing(struct admin_answer *answer)
{
	const struct activity_row *fails =
	    activity_failing_at(answer->daemon->activity, answer->place++);
	const struct identity *id;
	struct state_summary row;
	struct error err;
	int found;

	if (fails == NULL)
		return 0;
	id = &fails->key.id;
	if (fails->key.entry[0] != '\0' ||
	    identities_is_signed_into(answer->daemon->identities, id))
		return 1;
	found = state_summary(answer->daemon->state, id, &row, &err);
	if (found == -1)
		return admin_applications_fail(answer, &err);
	if (found == 0)
		admin_applications_record(answer, id, NULL, NULL);
	return 1;
}

int
admin_applications(struct admin_answer *answer)
{
	static const admin_step parts[] = {admin_applications_stored,
	    admin_applications_entry, admin_applications_failing};

	return parts[answer->part](answer);
}

/* --- the table of identities --- */

/*
 * Writes the attributes as the file has them, but for the application. Returns
 * 1 when they were too long: then they end with dots.
 */
static int
admin_applications_attributes(
    const struct entry *entry, char text[ADMIN_VALUE_MAX + 1])
{
	const char *name, *value;
	size_t i, used = 0;
	int is_braced;

	text[0] = '\0';
	for (i = 0; (name = table_entry_attribute(i)) != NULL; i++) {
		if ((value = entry->values[i]) == NULL ||
		    strcmp(name, "application") == 0)
			continue;
		is_braced =
		    value[0] == '\0' || value[strcspn(value, " \t{}")] != '\0';
		used += (size_t)snprintf(text + used,
		    ADMIN_VALUE_MAX + 1 - used, "%s%s%s%s%s%s",
		    used > 0 ? " " : "", is_braced ? "{ " : "", name,
		    is_braced ? " = " : "=", value, is_braced ? " }" : "");
		if (used > ADMIN_VALUE_MAX) {
			memcpy(text + ADMIN_VALUE_MAX - 3, "...", 3);
			return 1;
		}
	}
	return 0;
}

int
admin_identities(struct admin_answer *answer)
{
	const struct entry *entry =
	    identities_at(answer->daemon->identities, answer->place++);
	char attributes[ADMIN_VALUE_MAX + 1];
	int is_cut;

	if (entry == NULL)
		return 0;
	is_cut = admin_applications_attributes(entry, attributes);
	admin_begin(answer, "entry");
	admin_text(answer, "entry", entry->name);
	admin_identity(answer, &entry->application);
	admin_text(answer, "file", entry->file);
	admin_number(answer, "line", entry->line);
	admin_text(answer, "attributes", attributes);
	admin_text(answer, "cut", is_cut ? "yes" : NULL);
	admin_end(answer);
	return 1;
}

/* --- forget --- */

static void
admin_applications_forgotten(
    struct admin_answer *answer, const struct account_forgotten *what)
{
	char application[IDENTITY_TEXT_SIZE];

	log_info("audit: application=%s, action=forgotten, uid=%u (stored "
		 "secret: %s)",
	    identity_text(&answer->application, application),
	    (unsigned int)answer->uid, what->stored ? "yes" : "no");
	admin_begin(answer, "forgotten");
	admin_identity(answer, &answer->application);
	admin_text(answer, "stored", what->stored ? "yes" : "no");
	admin_text(answer, "token", what->token ? "yes" : "no");
	admin_text(answer, "accepted", what->accepted ? "yes" : "no");
	admin_count(answer, "refusals", what->refusals);
	admin_end(answer);
}

int
admin_forget(struct admin_answer *answer)
{
	struct msgraphd *daemon = answer->daemon;
	const struct identity *id = &answer->application;
	struct account_forgotten what = {0};
	const struct entry *entry;
	struct error err;
	size_t i;

	if (account_forget(daemon->accounts, id, "", &what, &err) == -1)
		return admin_applications_fail(answer, &err);
	for (i = 0; (entry = identities_at(daemon->identities, i)) != NULL; i++)
		if (entry->credential != NULL &&
		    identity_equal(&entry->application, id) &&
		    account_forget(
			daemon->accounts, id, entry->name, &what, &err) == -1)
			return admin_applications_fail(answer, &err);
	admin_applications_forgotten(answer, &what);
	return 0;
}
