/*
 * mailbox.c - decides the mailbox. See mailbox.h.
 *
 * RFC 5322 section 3.6.2: From names the authors, and where they are several,
 * Sender names the one who sends. Clients that leave both out, or write what
 * cannot be a mailbox, are told by the envelope. So there is one list of
 * sources, and the first that names one mailbox decides. Whom a source names is
 * lib/mail/mailboxes.c's to say, as it is for the agent, which makes From name
 * this mailbox.
 *
 * Owns nothing, any thread.
 */
#include <stdio.h>
#include <string.h>

#include "mailbox.h"

enum { FROM, SENDER, ENVELOPE, SOURCES };

/* Of a source, for the client: a name, and whom it names. */
#define DESCRIPTION_SIZE 160

static const char *const names[SOURCES] = {
    [FROM] = "From",
    [SENDER] = "Sender",
    [ENVELOPE] = "the envelope sender",
};

/*
 * Without a From, Sender says little: then it comes last (RFC 5322 section
 * 3.6.2 has it beside From only).
 */
static const int *
mailbox_order(enum conf_mailbox_from where, const struct mailbox_sources *s)
{
	static const int by_header[] = {FROM, SENDER, ENVELOPE},
			 by_envelope[] = {ENVELOPE, FROM, SENDER};

	if (where == MAILBOX_FROM_ENVELOPE || s->from.elements == 0)
		return by_envelope;
	return by_header;
}

static const struct mailboxes *
mailbox_source(const struct mailbox_sources *s, int source)
{
	if (source == FROM)
		return &s->from;
	return source == SENDER ? &s->sender : &s->envelope;
}

/* Describes a source that did not decide. */
static void
mailbox_describe(
    const struct mailboxes *n, int source, char text[DESCRIPTION_SIZE])
{
	if (n->count == 0 && n->unfit_reason != NULL)
		snprintf(text, DESCRIPTION_SIZE, "%s is <%.60s> (%s)",
		    names[source], n->unfit, n->unfit_reason);
	else
		snprintf(text, DESCRIPTION_SIZE, "%s is %s", names[source],
		    n->count > 0	  ? "naming several mailboxes"
			: n->elements > 0 ? "without a full address"
					  : "missing or empty");
}

/* Names all that was looked at. 5.1.7: there was an address, but none fit. */
static int
mailbox_refuse(
    const int *order, const struct mailbox_sources *s, struct error *err)
{
	char text[SOURCES][DESCRIPTION_SIZE];
	const struct mailboxes *n;
	const char *dsn = "5.7.1";
	int i;

	for (i = 0; i < SOURCES; i++) {
		n = mailbox_source(s, order[i]);
		mailbox_describe(n, order[i], text[i]);
		if (n->unfit_reason != NULL)
			dsn = "5.1.7";
	}
	return error_set(err, ERROR_PERMANENT, dsn,
	    "cannot tell which mailbox of Microsoft 365 sends this: %s, %s, %s",
	    text[0], text[1], text[2]);
}

int
mailbox_decide(enum conf_mailbox_from where, const struct mailbox_sources *s,
    char mailbox[MAILBOX_SIZE], struct error *err)
{
	const int *order = mailbox_order(where, s);
	const struct mailboxes *n;
	int i;

	for (i = 0; i < SOURCES; i++) {
		n = mailbox_source(s, order[i]);
		if (n->count != 1)
			continue;
		memcpy(mailbox, n->key, strlen(n->key) + 1);
		return 0;
	}
	return mailbox_refuse(order, s, err);
}
