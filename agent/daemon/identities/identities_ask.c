/*
 * identities_ask.c - answers the questions of policy: may this client send,
 * from this mailbox, to this recipient. See identities.h and identities(5).
 *
 * Each question is decided anew, from the table that is in force then.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/printable.h"
#include "identities_private.h"

#define IDENTITIES_ASK_DSN_NOT_ALLOWED "5.7.1"
#define IDENTITIES_ASK_DSN_SIGN_IN_FIRST "5.7.0"
#define IDENTITIES_ASK_DSN_DISABLED "5.7.13"

static int identities_ask_no(struct policy_answer *answer,
    enum policy_status status, const char *dsn, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Fills in a refusal, or "not now"; returns -1. */
static int
identities_ask_no(struct policy_answer *answer, enum policy_status status,
    const char *dsn, const char *fmt, ...)
{
	va_list ap;

	answer->status = status;
	snprintf(answer->dsn, sizeof(answer->dsn), "%s", dsn);
	va_start(ap, fmt);
	vsnprintf(answer->text, sizeof(answer->text), fmt, ap);
	va_end(ap);
	/* an answer with a control character would be none */
	printable_make(answer->text, '?');
	return -1;
}

static int
identities_ask_is_given(const char *s)
{
	return s != NULL && s[0] != '\0';
}

static const char *
identities_ask_or_unknown(const char *s)
{
	return identities_ask_is_given(s) ? s : "unknown";
}

/* --- who is it --- */

static int
identities_ask_no_table(
    const struct identities *identities, struct policy_answer *answer)
{
	return identities_ask_no(answer, POLICY_LATER, "4.3.5",
	    "table of identities: %s", identities->fault.text);
}

/* Takes an entry that needs no application's secret. */
static int
identities_ask_take(const struct entry *entry, struct policy_answer *answer)
{
	answer->application = entry->application;
	return entry->disabled ? identities_ask_no(answer, POLICY_REFUSED,
				     IDENTITIES_ASK_DSN_DISABLED,
				     "entry \"%s\" is disabled", entry->name)
			       : 0;
}

/* A user whom Postfix let sign in by other means. */
static int
identities_ask_login(struct identities *identities, const char *user,
    struct policy_answer *answer, struct identities_found *found)
{
	if (identities->table == NULL)
		return identities_ask_no_table(identities, answer);
	identities_find_in_table(
	    identities, table_find_login(identities->table, user), found);
	return found->entry != NULL
	    ? identities_ask_take(found->entry, answer)
	    : identities_ask_no(answer, POLICY_REFUSED,
		  IDENTITIES_ASK_DSN_NOT_ALLOWED,
		  "user=%.200s: no entry (logins)", user);
}

/* 0, with found->entry NULL where none decides; or -1. */
static int
identities_ask_user(struct identities *identities,
    const struct policy_question *question, struct policy_answer *answer,
    struct identities_found *found)
{
	struct identities_user user;
	enum identities_result result = identities_who(
	    identities, question->user, strlen(question->user), &user, found);

	if (!user.is_ours)
		return identities_ask_login(
		    identities, question->user, answer, found);
	switch (result) {
	case IDENTITIES_OK:
		answer->application = user.application;
		return 0;
	case IDENTITIES_LATER:
		return identities_ask_no(
		    answer, POLICY_LATER, user.dsn, "%s", user.text);
	default:
		return identities_ask_no(answer, POLICY_REFUSED,
		    strcmp(user.dsn, IDENTITIES_ASK_DSN_DISABLED) == 0
			? user.dsn
			: IDENTITIES_ASK_DSN_NOT_ALLOWED,
		    "%s", user.text);
	}
}

/*
 * Says what was seen, for whoever writes the table; and for whoever has
 * forgotten to sign in, that first.
 */
static int
identities_ask_nobody(struct identities *identities,
    const struct policy_question *question, struct policy_answer *answer)
{
	int is_open =
	    table_names_daemon(identities->table, question->daemon_name);
	char certificate[256] = "";

	if (identities_ask_is_given(question->certificate_subject))
		snprintf(certificate, sizeof(certificate),
		    ", client_certificate=\"%.100s\",\"%.100s\"",
		    identities_ask_or_unknown(question->certificate_issuer),
		    question->certificate_subject);
	return identities_ask_no(answer, POLICY_REFUSED,
	    is_open ? IDENTITIES_ASK_DSN_NOT_ALLOWED
		    : IDENTITIES_ASK_DSN_SIGN_IN_FIRST,
	    "%sclient=%.64s, daemon_name=%.64s%s: no entry%s",
	    is_open ? "" : "Authentication required (",
	    identities_ask_or_unknown(question->client_address),
	    identities_ask_or_unknown(question->daemon_name), certificate,
	    is_open ? "" : ")");
}

static int
identities_ask_client(struct identities *identities,
    const struct policy_question *question, struct policy_answer *answer,
    struct identities_found *found)
{
	const struct table_client client = {
	    .address = question->client_address,
	    .daemon_name = question->daemon_name,
	    .certificate_issuer = question->certificate_issuer,
	    .certificate_subject = question->certificate_subject,
	};

	if (identities->table == NULL)
		return identities_ask_no_table(identities, answer);
	identities_find_in_table(
	    identities, table_find_client(identities->table, &client), found);
	return found->entry != NULL
	    ? identities_ask_take(found->entry, answer)
	    : identities_ask_nobody(identities, question, answer);
}

/* --- what may it do --- */

static int
identities_ask_rate(
    const struct identities_found *found, struct policy_answer *answer)
{
	const struct entry *entry = found->entry;
	char label[IDENTITIES_LABEL_SIZE];
	long wait =
	    rate_wait(found->rate, entry->rate_count, entry->rate_seconds);

	return wait == 0
	    ? 0
	    : identities_ask_no(answer, POLICY_LATER, "4.7.1",
		  "%s has sent its %ld messages in %ld s (rate_limit); the "
		  "next may go in %ld s",
		  identities_label(entry, label), entry->rate_count,
		  entry->rate_seconds, wait);
}

static int
identities_ask_recipient(const struct entry *entry, const char *recipient,
    struct policy_answer *answer)
{
	char label[IDENTITIES_LABEL_SIZE];

	if (entry->recipients == NULL ||
	    (identities_ask_is_given(recipient) &&
		table_covers(entry->recipients, recipient)))
		return 0;
	return identities_ask_no(answer, POLICY_REFUSED,
	    IDENTITIES_ASK_DSN_NOT_ALLOWED,
	    "%s may not send to %.300s (recipients)",
	    identities_label(entry, label),
	    identities_ask_or_unknown(recipient));
}

static int
identities_ask_sender(const struct entry *entry, const char *address,
    const char *what, struct policy_answer *answer)
{
	char label[IDENTITIES_LABEL_SIZE];

	if (entry->senders == NULL ||
	    (identities_ask_is_given(address) &&
		table_covers(entry->senders, address)))
		return 0;
	return identities_ask_no(answer, POLICY_REFUSED,
	    IDENTITIES_ASK_DSN_NOT_ALLOWED,
	    "%s may not send %s %.300s (senders)",
	    identities_label(entry, label), what,
	    identities_ask_or_unknown(address));
}

/*
 * From's address as well where the envelope chooses the mailbox: else anybody
 * could write there what they like. An entry's from replaces both.
 */
static int
identities_ask_end(struct identities *identities,
    const struct identities_found *found,
    const struct policy_question *question, struct policy_answer *answer)
{
	const struct entry *entry = found->entry;

	if (entry->from == NULL) {
		if (identities_ask_sender(
			entry, question->mailbox, "from", answer) == -1)
			return -1;
		if (identities->conf->mailbox_from == MAILBOX_FROM_ENVELOPE &&
		    identities_ask_is_given(question->from) &&
		    identities_ask_sender(entry, question->from,
			"with the From address", answer) == -1)
			return -1;
	}
	rate_count(found->rate, entry->rate_seconds);
	identities_seen(identities, entry);
	return 0;
}

static int
identities_ask_entry(struct identities *identities,
    const struct identities_found *found,
    const struct policy_question *question, struct policy_answer *answer)
{
	switch (question->stage) {
	case POLICY_MAIL:
		return identities_ask_rate(found, answer);
	case POLICY_RECIPIENT:
		return identities_ask_recipient(
		    found->entry, question->recipient, answer);
	case POLICY_END:
		return identities_ask_end(identities, found, question, answer);
	}
	return 0;
}

static void
identities_ask_fill(const struct entry *entry, struct policy_answer *answer)
{
	snprintf(answer->entry, sizeof(answer->entry), "%s", entry->name);
	if (entry->from != NULL)
		snprintf(answer->from, sizeof(answer->from), "%s", entry->from);
	if (entry->transport != NULL)
		snprintf(answer->transport, sizeof(answer->transport), "%s",
		    entry->transport);
	answer->recipients = entry->recipients != NULL;
}

/*
 * An entry that a map outside had once, before it fell silent, refuses nothing.
 */
static void
identities_ask_soften(struct policy_answer *answer)
{
	if (answer->status != POLICY_REFUSED)
		return;
	answer->status = POLICY_LATER;
	answer->dsn[0] = '4';
}

void
identities_ask(struct identities *identities,
    const struct policy_question *question, struct policy_answer *answer)
{
	struct identities_found found = {0};
	int result;

	memset(answer, 0, sizeof(*answer));
	answer->status = POLICY_OK;
	/* whoever signed in is never taken for one of a network */
	result = identities_ask_is_given(question->user)
	    ? identities_ask_user(identities, question, answer, &found)
	    : identities_ask_client(identities, question, answer, &found);
	if (result == 0 && found.entry != NULL)
		result =
		    identities_ask_entry(identities, &found, question, answer);
	if (result == 0 && found.entry != NULL)
		identities_ask_fill(found.entry, answer);
	if (found.is_unsure)
		identities_ask_soften(answer);
}
