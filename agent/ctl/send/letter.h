/*
 * letter.h - the message of test-send.
 */
#ifndef MSGRAPHCTL_LETTER_H
#define MSGRAPHCTL_LETTER_H

#include "lib/base/buf.h"

struct letter {
	const char *from, *to; /* addresses, checked; borrowed */
	struct buf text; /* the message, with CRLF line ends */
};

/*
 * Writes the message. 0; or -1 when out of memory, or when an address is none
 * that a header field and a line of SMTP can carry as it is.
 */
int letter_write(struct letter *letter, const char *from, const char *to);

/* Frees the message's text. */
void letter_free(struct letter *letter);

#endif
