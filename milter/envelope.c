/*
 * envelope.c - see envelope.h.
 *
 * pipe(8) knows one outcome for all recipients of a delivery. So what cannot be
 * sent to one of them must be said here, while there is an answer for each.
 *
 * Postfix takes more than RFC 5321 allows and mends it: it appends a domain,
 * drops routes and comments, closes brackets. What cannot be read here as one
 * address is left to it, but for what it mends into an empty local part.
 */
#include <string.h>

#include "lib/base/printable.h"
#include "lib/mail/address.h"
#include "lib/mail/mailbox_unfit.h"
#include "lib/mail/recipient_unfit.h"
#include "envelope.h"

/* The same as recipient_unfit() says, of what cannot be read as an address. */
static int
envelope_check_local(const char *argument, struct error *err)
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

static int
envelope_has_control(const char *s)
{
	for (; *s != '\0'; s++)
		if (printable_is_control(*s))
			return 1;
	return 0;
}

int
envelope_sender(const char *argument, struct error *err)
{
	if (envelope_has_control(argument))
		return error_set(err, ERROR_PERMANENT, "5.1.7",
		    "the sender's address holds a control character");
	return envelope_check_local(argument, err);
}

/* "a@[192.0.2.1", which Postfix closes. */
static int
envelope_has_literal(const char *argument)
{
	const char *at = strrchr(argument, '@');

	return at != NULL && at[1 + strspn(at + 1, " ")] == '[';
}

/* "<@example.com>", and not the route of "<@example.com:a@example.org>". */
static int
envelope_lacks_local_part(const char *argument)
{
	return argument[strspn(argument, "< ")] == '@' &&
	    strchr(argument, ':') == NULL;
}

/* What has no domain, or none that can be read, is Postfix's to mend. */
static const char *
envelope_recipient_unfit(const char *argument)
{
	struct address_reader r;
	struct address a;
	const char *dsn;

	if (envelope_has_control(argument))
		return "it holds a control character";
	if (envelope_lacks_local_part(argument))
		return "it has no local part";
	address_init(&r, argument, strlen(argument));
	if (!address_next(&r, &a) || a.kind != ADDRESS_MAILBOX)
		return envelope_has_literal(argument)
		    ? mailbox_domain_unfit("[")
		    : NULL;
	return recipient_unfit(a.spec, &dsn);
}

int
envelope_recipient(const char *argument, struct error *err)
{
	const char *reason;

	if (envelope_check_local(argument, err) == -1)
		return -1;
	reason = envelope_recipient_unfit(argument);
	if (reason == NULL)
		return 0;
	return error_set(err, ERROR_PERMANENT, "5.1.3",
	    "%.254s is not an address that a message can be sent to: %s",
	    argument, reason);
}
