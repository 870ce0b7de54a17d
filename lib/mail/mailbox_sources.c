/*
 * mailbox_sources.c - decides the mailbox. See mailbox_sources.h.
 *
 * By RFC 5322 section 3.6.2, From names the authors, and Sender names the one
 * of several who sends. Where a client leaves both out, or writes addresses
 * that no mailbox can have, the envelope tells. So there is one list of
 * sources, and the first that names one mailbox decides. mailboxes.c reads the
 * addresses of a source.
 *
 * Owns nothing, any thread.
 */
#include <stdio.h>
#include <string.h>

#include "mailbox_sources.h"

enum { FROM, SENDER, ENVELOPE, SOURCES };

/* Of a source, for the client: a name, and whom it names. */
#define DESCRIPTION_SIZE 160

static const char *const names[SOURCES] = {
    [FROM] = "From",
    [SENDER] = "Sender",
    [ENVELOPE] = "the envelope sender",
};

void
mailbox_sources_field(
    struct mailbox_sources *s, struct span name, struct span value)
{
	if (span_is(name, "From"))
		mailboxes_read(&s->from, value);
	else if (span_is(name, "Sender"))
		mailboxes_read(&s->sender, value);
}

void
mailbox_sources_envelope(struct mailbox_sources *s, struct span sender)
{
	if (!span_is(sender, "<>"))
		mailboxes_read(&s->envelope, sender);
}

int
mailbox_sources_lack_from(const struct mailbox_sources *s)
{
	return s->from.count == 0 && s->from.unfit_count == 0;
}

/*
 * Without a From, Sender says little: then it comes last (RFC 5322 section
 * 3.6.2 has it beside From only).
 */
static const int *
mailbox_sources_order(const struct mailbox_sources *s, int envelope_first)
{
	static const int by_header[] = {FROM, SENDER, ENVELOPE},
			 by_envelope[] = {ENVELOPE, FROM, SENDER};

	if (envelope_first || s->from.addresses == 0)
		return by_envelope;
	return by_header;
}

static const struct mailboxes *
mailbox_sources_get(const struct mailbox_sources *s, int source)
{
	if (source == FROM)
		return &s->from;
	return source == SENDER ? &s->sender : &s->envelope;
}

/* Describes a source that did not decide. */
static void
mailbox_sources_describe(
    const struct mailboxes *n, int source, char text[DESCRIPTION_SIZE])
{
	if (n->count == 0 && n->unfit_reason != NULL)
		snprintf(text, DESCRIPTION_SIZE, "%s is <%.60s> (%s)",
		    names[source], n->unfit, n->unfit_reason);
	else
		snprintf(text, DESCRIPTION_SIZE, "%s is %s", names[source],
		    n->count > 0	   ? "naming several mailboxes"
			: n->addresses > 0 ? "without a full address"
					   : "missing or empty");
}

/* Names all that was looked at. 5.1.7: there was an address, but none fit. */
static int
mailbox_sources_refuse(
    const int *order, const struct mailbox_sources *s, struct error *err)
{
	char text[SOURCES][DESCRIPTION_SIZE];
	const struct mailboxes *n;
	const char *dsn = "5.7.1";
	int i;

	for (i = 0; i < SOURCES; i++) {
		n = mailbox_sources_get(s, order[i]);
		mailbox_sources_describe(n, order[i], text[i]);
		if (n->unfit_reason != NULL)
			dsn = "5.1.7";
	}
	return error_set(err, ERROR_PERMANENT, dsn,
	    "cannot tell which mailbox of Microsoft 365 sends this: %s, %s, %s",
	    text[0], text[1], text[2]);
}

int
mailbox_sources_decide(const struct mailbox_sources *s, int envelope_first,
    char mailbox[MAILBOX_SIZE], struct error *err)
{
	const int *order = mailbox_sources_order(s, envelope_first);
	const struct mailboxes *n;
	int i;

	for (i = 0; i < SOURCES; i++) {
		n = mailbox_sources_get(s, order[i]);
		if (n->count != 1)
			continue;
		memcpy(mailbox, n->key, strlen(n->key) + 1);
		return 0;
	}
	return mailbox_sources_refuse(order, s, err);
}
