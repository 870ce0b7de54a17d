/*
 * recipient_unfit.c - see recipient_unfit.h. Pure functions, for any thread.
 */
#include <string.h>

#include "address.h"
#include "mailbox_unfit.h"
#include "recipient_unfit.h"

#define ADDRESS_MAX 254 /* RFC 5321 section 4.5.3.1.3 without the <> */

/*
 * A domain has a form in ASCII (RFC 5890), a local part has none, and what
 * Graph makes of one (RFC 6531) is not known.
 */
static int
recipient_unfit_is_ascii(struct span address)
{
	char key[ADDRESS_KEY_SIZE];
	int len = address_key(address, key, sizeof(key));

	return len == -1 ||
	    address_is_ascii(span_between(key, key + (size_t)len));
}

const char *
recipient_unfit(struct span address, const char **dsn)
{
	char key[ADDRESS_KEY_SIZE];
	int len;

	*dsn = "5.6.7";
	if (!recipient_unfit_is_ascii(address))
		return "it has characters beyond ASCII before the @, which "
		       "Microsoft Graph is not known to deliver to";
	*dsn = "5.1.3";
	len = address_header_key(address, key);
	if (len == -1)
		return "it cannot be written into a message";
	if (len > ADDRESS_MAX)
		return "it is longer than 254 bytes";
	return mailbox_domain_unfit(strrchr(key, '@') + 1);
}
