/*
 * recipients.h - the recipients of the envelope, and where the header names
 * them.
 *
 * One call to msgraphd is for some of them: all, unless they are more than
 * Graph takes at once. What is said here about the header is about that
 * call.
 */
#ifndef MSGRAPH_AGENT_RECIPIENTS_H
#define MSGRAPH_AGENT_RECIPIENTS_H

#include <stddef.h>

#include "lib/base/error.h"
#include "lib/base/span.h"

struct recipient {
	const char *address; /* how to write it: as given, or the key */
	char *key; /* owned; see address.h */
	size_t rank; /* among the sorted; the same address has the same */
	int left_out; /* of the sorted: of this call, although in its range */
	int unwritable; /* no header can have it; the key is as it was given */

	/* The addr-spec of the header that stands for it; NULL: none does. */
	const char *place;
	int resent; /* in Resent-To or Resent-Cc */
};

/* What Postfix made of an address: for which recipient it stands. */
struct original {
	char *key; /* owned */
	struct recipient *recipient; /* NULL: for several */
};

struct recipients {
	struct recipient *list; /* owned; in pipe's order */
	struct recipient **sorted; /* owned; by key, each key once */
	struct original *originals; /* owned; by key */
	size_t count, sorted_count, original_count;
	size_t from, to; /* ranks of those that this call is for */
};

/*
 * Reads the addresses, and chooses all. originals has what they were before
 * Postfix rewrote them, in the same order; NULL where that is not known. 0; or
 * -1 without memory. recipients_free() takes what either leaves.
 */
int recipients_init(struct recipients *, char *const *addresses,
    const char *const *originals, size_t count, struct error *);
void recipients_free(struct recipients *);

/*
 * Chooses those that the next call is for, and forgets what is known of their
 * places: at most count from this rank on, without the unwritable. So it does
 * not depend on the order in which Postfix names them who is in which call.
 */
void recipients_choose(struct recipients *, size_t rank, size_t count);

/*
 * Forgets the places of those that are chosen, for another look at the header.
 */
void recipients_forget_places(struct recipients *);

/* Leaves the one of this rank out of the call, until the next choice. */
void recipients_leave_out(struct recipients *, size_t rank);

/*
 * Returns how many ranks were chosen, with those left out; 1 when this one is.
 */
size_t recipients_chosen(const struct recipients *);
int recipient_is_chosen(const struct recipients *, const struct recipient *);

/*
 * Returns the chosen recipient whose address this is; or, second, was before
 * Postfix rewrote it. NULL if there is none, or are several. Borrowed.
 */
struct recipient *recipients_find(const struct recipients *, struct span spec);
struct recipient *recipients_find_rewritten(
    const struct recipients *, struct span spec);

/*
 * Returns the one that this very addr-spec of the header stands for, or NULL.
 * Borrowed.
 */
struct recipient *recipients_at(const struct recipients *, struct span spec);

/* Returns 1 when it is, or was, the address of any recipient, chosen or not. */
int recipients_know(const struct recipients *, struct span spec);

/*
 * Returns 1 for a chosen one that the header names nowhere (once, if the list
 * has it twice); how many these are.
 */
int recipient_is_hidden(const struct recipients *, const struct recipient *);
size_t recipients_hidden(const struct recipients *);

#endif
