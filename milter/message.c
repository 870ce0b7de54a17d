/*
 * message.c - see message.h.
 *
 * Of the header only what decides is kept: counts, and the mailboxes that From
 * and Sender name. So memory does not depend on what a client sends, but for
 * the names of fields that are to be removed, which the header's limit bounds.
 *
 * A message belongs to one connection, and libmilter runs at most one callback
 * of a connection at a time, so there is no locking.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/mail/header.h"
#include "message.h"
#include "repair.h"

static struct span
message_whole(const char *text)
{
	return span_between(text, text + strlen(text));
}

/* --- MAIL FROM --- */

struct message *
message_new(struct settings *settings, const char *sender)
{
	struct message *m;

	if ((m = calloc(1, sizeof(*m))) == NULL ||
	    (m->argument = strdup(sender)) == NULL) {
		free(m);
		settings_put(&settings);
		return NULL;
	}
	m->settings = settings;
	reply_sender(sender, m->sender);
	mailbox_sources_envelope(&m->sources, message_whole(sender));
	return m;
}

void
message_free(struct message **messagep)
{
	struct message *m = *messagep;
	size_t i;

	*messagep = NULL;
	if (m == NULL)
		return;
	for (i = 0; i < m->ours_used; i++)
		free(m->ours[i].name);
	client_free(&m->client);
	free(m->argument);
	settings_put(&m->settings);
	free(m);
}

/* --- header --- */

static int
message_is_blank(const char *value)
{
	while (span_is_space(*value))
		value++;
	return *value == '\0';
}

static void
message_count(struct message_fields *fields, int filled)
{
	fields->seen++;
	if (filled)
		fields->filled++;
}

static void
message_note_id(struct message *m, const char *value)
{
	while (span_is_space(*value))
		value++;
	if (m->message_id.filled == 0)
		reply_sender(value, m->message_id_text);
	message_count(&m->message_id, *value != '\0');
}

static void
message_note_ours(struct message *m, const char *name)
{
	size_t i;

	if (m->ours_seen == MESSAGE_REMOVALS_MAX) {
		error_set(&m->err, ERROR_PERMANENT, "5.6.0",
		    "more than %d header fields named %s*",
		    MESSAGE_REMOVALS_MAX, MESSAGE_OURS);
		return;
	}
	m->ours_seen++;
	for (i = 0; i < m->ours_used; i++) {
		if (strcasecmp(m->ours[i].name, name) == 0) {
			m->ours[i].count++;
			return;
		}
	}
	if ((m->ours[i].name = strdup(name)) == NULL) {
		error_no_memory(&m->err);
		return;
	}
	m->ours[i].count = 1;
	m->ours_used++;
}

/* What the agent gets: a fold comes as LF and goes there as CR LF. */
static size_t
message_field_bytes(const char *name, const char *value)
{
	size_t n = strlen(name) + strlen(value) + strlen(": \r\n");
	const char *lf = value;

	for (; (lf = strchr(lf, '\n')) != NULL; lf++)
		n += lf == value || lf[-1] != '\r';
	return n;
}

/* 0 when the field may be looked at. */
static int
message_check_field(struct message *m, const char *name, const char *value)
{
	m->header_bytes += message_field_bytes(name, value);
	if (m->header_bytes > MESSAGE_HEADER_MAX)
		return error_set(&m->err, ERROR_PERMANENT, "5.3.4",
		    "the message header is larger than %d bytes",
		    MESSAGE_HEADER_MAX);
	if (header_has_stray_line_end(message_whole(value)))
		return error_set(&m->err, ERROR_PERMANENT, "5.6.0",
		    "the header field %.64s holds a CR or LF that ends no line",
		    name);
	return 0;
}

void
message_header(struct message *m, const char *name, const char *value)
{
	if (m->err.class != ERROR_NONE ||
	    message_check_field(m, name, value) == -1)
		return;
	mailbox_sources_field(
	    &m->sources, message_whole(name), message_whole(value));
	if (strncasecmp(name, MESSAGE_OURS, strlen(MESSAGE_OURS)) == 0)
		message_note_ours(m, name);
	else if (strcasecmp(name, "From") == 0)
		message_count(&m->from, !message_is_blank(value));
	else if (strcasecmp(name, "Date") == 0)
		message_count(&m->date, !message_is_blank(value));
	else if (strcasecmp(name, "Message-ID") == 0)
		message_note_id(m, value);
}

/* --- end of message --- */

/*
 * A From without an address says nothing that Exchange could use. One whose
 * address no mailbox can have is the agent's, which keeps the name.
 */
static int
message_lacks_from(const struct message *m)
{
	return mailbox_sources_lack_from(&m->sources);
}

/* How many fields go to make room for one that says something. */
static unsigned int
message_replaced(const struct message *m)
{
	unsigned int n = 0;

	if (message_lacks_from(m))
		n += m->from.seen;
	if (m->date.filled == 0)
		n += m->date.seen;
	if (m->message_id.filled == 0)
		n += m->message_id.seen;
	return n;
}

int
message_finish(
    const struct message *m, char mailbox[MAILBOX_SIZE], struct error *err)
{
	if (m->err.class != ERROR_NONE) {
		*err = m->err;
		return -1;
	}
	if (message_replaced(m) > MESSAGE_REMOVALS_MAX)
		return error_set(err, ERROR_PERMANENT, "5.6.0",
		    "more than %d empty From, Date or Message-ID fields",
		    MESSAGE_REMOVALS_MAX);
	if (m->answer.from[0] != '\0') {
		memcpy(mailbox, m->answer.from, sizeof(m->answer.from));
		return 0;
	}
	return mailbox_sources_decide(&m->sources,
	    m->settings->conf.mailbox_from == MAILBOX_FROM_ENVELOPE, mailbox,
	    err);
}

static int
message_remove_all(
    const char *name, unsigned int n, message_change *change, void *arg)
{
	for (; n > 0; n--)
		if (change(arg, name, n, NULL) == -1)
			return -1;
	return 0;
}

static int
message_replace(const char *name, const struct message_fields *fields,
    const char *value, message_change *change, void *arg)
{
	if (message_remove_all(name, fields->seen, change, arg) == -1)
		return -1;
	return change(arg, name, 0, value);
}

/* Fills in what a client left out. */
static int
message_repair(struct message *m, const char *mailbox, time_t now,
    message_change *change, void *arg)
{
	char date[REPAIR_DATE_SIZE], id[REPAIR_MESSAGE_ID_SIZE];

	if (message_lacks_from(m) &&
	    message_replace("From", &m->from, mailbox, change, arg) == -1)
		return -1;
	if (m->date.filled == 0 &&
	    (repair_date(now, date) == -1 ||
		message_replace("Date", &m->date, date, change, arg) == -1))
		return -1;
	if (m->message_id.filled > 0)
		return 0;
	if (repair_message_id(now, mailbox, id) == -1)
		return -1;
	reply_sender(id, m->message_id_text);
	return message_replace("Message-ID", &m->message_id, id, change, arg);
}

/* Adds what msgraph-agent and Postfix are to do with the message. */
static int
message_add_orders(const struct message *m, const char *mailbox,
    message_change *change, void *arg)
{
	const struct policy_answer *answer = &m->answer;
	char stamp[ROUTE_SIZE];

	if (route_stamp(stamp, answer->transport, mailbox, &answer->application,
		answer->entry) == -1)
		return -1;
	if (answer->from[0] != '\0' &&
	    change(arg, MESSAGE_FROM, 0, "replace") == -1)
		return -1;
	if (answer->recipients &&
	    change(arg, MESSAGE_RECIPIENTS, 0, "trim") == -1)
		return -1;
	return change(arg, MESSAGE_STAMP, 0, stamp);
}

int
message_edit(struct message *m, const char *mailbox, time_t now,
    message_change *change, void *arg)
{
	size_t i;

	for (i = 0; i < m->ours_used; i++)
		if (message_remove_all(
			m->ours[i].name, m->ours[i].count, change, arg) == -1)
			return -1;
	if (message_repair(m, mailbox, now, change, arg) == -1)
		return -1;
	return message_add_orders(m, mailbox, change, arg);
}

void
message_added(const struct message *m, char out[MESSAGE_ADDED_SIZE])
{
	const struct mailboxes *from = &m->sources.from;
	const char *names[3];
	char old[REPLY_SENDER_SIZE];
	size_t i, n = 0, used = 0;

	if (message_lacks_from(m))
		names[n++] = "From";
	if (m->date.filled == 0)
		names[n++] = "Date";
	if (m->message_id.filled == 0)
		names[n++] = "Message-ID";
	out[0] = '\0';
	for (i = 0; i < n; i++) {
		snprintf(out + used, MESSAGE_ADDED_SIZE - used, "%s%s",
		    i == 0 ? " (added " : ", ", names[i]);
		used = strlen(out);
	}
	if (from->count == 0 && from->unfit_count > 0) {
		reply_sender(from->unfit, old);
		snprintf(out + used, MESSAGE_ADDED_SIZE - used,
		    "%sFrom was <%s>: %s", used == 0 ? " (" : "; ", old,
		    from->unfit_reason);
		used = strlen(out);
	}
	if (used > 0)
		strcpy(out + used, ")");
}
