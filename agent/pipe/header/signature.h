/*
 * signature.h - tells whether the edits of the header have broken all DKIM
 * signatures of a message (RFC 6376). Starts as all zeros.
 */
#ifndef MSGRAPH_AGENT_SIGNATURE_H
#define MSGRAPH_AGENT_SIGNATURE_H

#include "lib/base/span.h"

/* Edited are From, Sender, and the six lists. */
#define SIGNATURE_NAMES_MAX 16

struct signature {
	struct span edited[SIGNATURE_NAMES_MAX]; /* borrowed */
	size_t count;
};

/* Notes that a field of this name goes or changes. */
void signature_note(struct signature *, struct span name);

/*
 * Returns 1 when the header has a DKIM-Signature and each of them names an
 * edited field in its h= tag (section 3.5); a tag that cannot be found names
 * none.
 */
int signature_is_broken(const struct signature *, struct span head);

#endif
