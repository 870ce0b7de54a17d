/*
 * recipients.h - the recipients of the envelope, and which of them the header
 * names.
 */
#ifndef MSGRAPH_AGENT_RECIPIENTS_H
#define MSGRAPH_AGENT_RECIPIENTS_H

#include <stddef.h>

#include "error.h"
#include "span.h"

struct recipient {
	const char *address; /* how to write it: as given, or the key */
	char *key; /* owned; see address.h */
	int again; /* the same address stands before it in the list */
	int named; /* in To or Cc */
	int in_bcc;
};

struct recipients {
	struct recipient *list; /* owned; in pipe's order */
	struct recipient **sorted; /* owned; by key, each key once */
	size_t count, sorted_count;
};

/*
 * 0; or -1: 5.1.3 when an address cannot be read, since nothing that is
 * no address may be written into a header. recipients_free() takes
 * what either leaves.
 */
int recipients_init(
    struct recipients *, char *const *addresses, size_t count, struct error *);
void recipients_free(struct recipients *);

/* The recipient that an addr-spec names, or NULL. The result is borrowed. */
struct recipient *recipients_find(const struct recipients *, struct span spec);

/* How many are neither named in To or Cc nor twice in the list. */
size_t recipients_hidden(const struct recipients *);

/* 1 when this one is among them. */
int recipient_is_hidden(const struct recipient *);

#endif
