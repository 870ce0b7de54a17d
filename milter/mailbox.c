/*
 * mailbox.c - decides the mailbox. See mailbox.h.
 *
 * RFC 5322 section 3.6.2: From names the authors, and where they are several,
 * Sender names the one who sends. Clients that leave both out or write them
 * badly are told by the envelope. Whom a field names is lib/mailboxes.c's to say,
 * as it is for the agent, which makes From name this mailbox.
 *
 * Only an address that Postfix's pattern for the stamp matches as a whole may
 * be stamped. A stamp that does not match would leave the message to the
 * default route, past Graph and past the client's own tenant. So the test is
 * a list of what is allowed, and everything else is refused at SMTP time.
 *
 * Owns nothing, any thread.
 */
#include <string.h>

#include "mailbox.h"

#define LOCAL_MAX 64 /* RFC 5321 section 4.5.3.1.1 */
#define LABEL_MAX 63 /* RFC 1035 section 2.3.4 */

/*
 * What the local part of an address in Exchange may hold besides letters,
 * digits and single dots, without the old address operator %, and without what
 * a shell or Postfix's own syntax might give a meaning one day. A "!" may stand
 * in a userPrincipalName (Graph's "user resource type": ' . - _ ! # ^ ~), and
 * Postfix gives it a meaning only where there is no domain.
 */
#define LOCAL_PUNCTUATION "-_'+!#^~=&"

/* --- the stamp --- */

static int
mailbox_is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static const char *
mailbox_local_unfit(const char *local, size_t len)
{
	size_t i;

	if (len == 0 || len > LOCAL_MAX)
		return "its local part is longer than 64 bytes";
	for (i = 0; i < len; i++) {
		if (mailbox_is_letter_or_digit(local[i]) ||
		    strchr(LOCAL_PUNCTUATION, local[i]) != NULL)
			continue;
		if (local[i] != '.')
			return "its local part holds a character that no "
			       "mailbox of Exchange may have";
		if (i == 0 || i == len - 1 || local[i - 1] == '.')
			return "a dot is out of place in its local part";
	}
	return NULL;
}

/* Letters, digits and inner hyphens (RFC 1123 section 2.1). */
static int
mailbox_label_fits(const char *label, size_t len)
{
	size_t i;

	if (len == 0 || len > LABEL_MAX || label[0] == '-' ||
	    label[len - 1] == '-')
		return 0;
	for (i = 0; i < len; i++)
		if (!mailbox_is_letter_or_digit(label[i]) && label[i] != '-')
			return 0;
	return 1;
}

const char *
mailbox_domain_unfit(const char *domain)
{
	const char *label = domain, *dot;

	if (domain[0] == '[')
		return "it has an address literal instead of a domain";
	if (strchr(domain, '.') == NULL)
		return "its domain has no dot";
	for (; (dot = strchr(label, '.')) != NULL; label = dot + 1)
		if (!mailbox_label_fits(label, (size_t)(dot - label)))
			return "its domain is not a name";
	if (!mailbox_label_fits(label, strlen(label)))
		return "its domain is not a name";
	/* RFC 3696 section 2: an address of the Internet, or a mistake */
	if (label[strspn(label, "0123456789")] == '\0')
		return "its domain ends in a number";
	return NULL;
}

const char *
mailbox_unfit(const char *address)
{
	const char *at, *reason;

	if (strlen(address) >= MAILBOX_SIZE)
		return "it is longer than 254 bytes";
	if (address[0] == '"')
		return "its local part needs quotes";
	if ((at = strchr(address, '@')) == NULL)
		return "it has no domain";
	reason = mailbox_local_unfit(address, (size_t)(at - address));
	return reason != NULL ? reason : mailbox_domain_unfit(at + 1);
}

/*
 * A domain has a form in ASCII (RFC 5890), a local part has none, and what
 * Graph makes of one (RFC 6531) is not known.
 */
int
mailbox_check(const char *argument, struct error *err)
{
	const char *at = strrchr(argument, '@');
	size_t len = at == NULL ? strlen(argument) : (size_t)(at - argument);
	size_t i;

	for (i = 0; i < len; i++)
		if ((unsigned char)argument[i] > 127)
			return error_set(err, ERROR_PERMANENT, "5.6.7",
			    "%.254s has characters beyond ASCII before the @, "
			    "which Microsoft Graph is not known to take",
			    argument);
	return 0;
}

/* --- the decision --- */

static const struct mailboxes *
mailbox_by_header(const struct mailbox_sources *s)
{
	if (s->from.count == 1)
		return &s->from;
	if (s->from.elements > 0 && s->sender.count == 1)
		return &s->sender;
	return s->envelope.count == 1 ? &s->envelope : NULL;
}

/* The null sender of a client that has signed in leaves it to the header. */
static const struct mailboxes *
mailbox_by_envelope(const struct mailbox_sources *s)
{
	if (s->envelope.elements > 0)
		return s->envelope.count == 1 ? &s->envelope : NULL;
	return mailbox_by_header(s);
}

/* How a source that did not decide is described to the client. */
static const char *
mailbox_describe(const struct mailboxes *n)
{
	if (n->elements == 0)
		return "missing or empty";
	return n->count == 0 ? "without a full address"
			     : "naming several mailboxes";
}

int
mailbox_decide(enum conf_mailbox_from where, const struct mailbox_sources *s,
    char mailbox[MAILBOX_SIZE], struct error *err)
{
	const struct mailboxes *n;
	const char *reason;

	n = where == MAILBOX_FROM_ENVELOPE ? mailbox_by_envelope(s)
					   : mailbox_by_header(s);
	if (n == NULL && where == MAILBOX_FROM_ENVELOPE &&
	    s->envelope.elements > 0)
		return error_set(err, ERROR_PERMANENT, "5.7.1",
		    "cannot tell which mailbox sends this: the envelope "
		    "sender is %s",
		    mailbox_describe(&s->envelope));
	if (n == NULL)
		return error_set(err, ERROR_PERMANENT, "5.7.1",
		    "cannot tell which mailbox sends this: From is %s, "
		    "Sender is %s, the envelope sender is %s",
		    mailbox_describe(&s->from), mailbox_describe(&s->sender),
		    mailbox_describe(&s->envelope));
	if (mailbox_check(n->key, err) == -1)
		return -1;
	if ((reason = mailbox_unfit(n->key)) != NULL)
		return error_set(err, ERROR_PERMANENT, "5.1.7",
		    "<%.254s> cannot be a mailbox of Microsoft 365: %s", n->key,
		    reason);
	memcpy(mailbox, n->key, strlen(n->key) + 1);
	return 0;
}
