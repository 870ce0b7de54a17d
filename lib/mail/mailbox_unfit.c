/*
 * mailbox_unfit.c - see mailbox_unfit.h.
 *
 * An address that Exchange cannot have would be stamped for nothing. And a
 * stamp that Postfix's pattern does not match would leave the message to the
 * default route, past Graph and past the client's own tenant. So there is a
 * list of what is allowed, and everything else is refused. Pure functions, for
 * any thread.
 */
#include <string.h>

#include "mailbox_unfit.h"

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

static int
mailbox_unfit_is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static const char *
mailbox_unfit_local(const char *local, size_t len)
{
	size_t i;

	if (len == 0 || len > LOCAL_MAX)
		return "its local part is empty or over 64 bytes";
	for (i = 0; i < len; i++) {
		if (mailbox_unfit_is_letter_or_digit(local[i]) ||
		    strchr(LOCAL_PUNCTUATION, local[i]) != NULL)
			continue;
		if ((unsigned char)local[i] > 127)
			return "it is not ASCII before the @";
		if (local[i] != '.')
			return "its local part has a character that no "
			       "mailbox has";
		if (i == 0 || i == len - 1 || local[i - 1] == '.')
			return "a dot is out of place in its local part";
	}
	return NULL;
}

/* Letters, digits and inner hyphens (RFC 1123 section 2.1). */
static int
mailbox_unfit_label_fits(const char *label, size_t len)
{
	size_t i;

	if (len == 0 || len > LABEL_MAX || label[0] == '-' ||
	    label[len - 1] == '-')
		return 0;
	for (i = 0; i < len; i++)
		if (!mailbox_unfit_is_letter_or_digit(label[i]) &&
		    label[i] != '-')
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
		if (!mailbox_unfit_label_fits(label, (size_t)(dot - label)))
			return "its domain is not a name";
	if (!mailbox_unfit_label_fits(label, strlen(label)))
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
	reason = mailbox_unfit_local(address, (size_t)(at - address));
	return reason != NULL ? reason : mailbox_domain_unfit(at + 1);
}
