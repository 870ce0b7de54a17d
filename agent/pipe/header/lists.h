/*
 * lists.h - makes To, Cc, Bcc and Resent-* name the recipients of the
 * envelope, each once, and nobody else.
 *
 *	lists_survey(&lists, head, recipients, keep);
 *	while (header_next(...))
 *		switch (lists_field(&lists, &field, &out)) ...
 *	if (lists_hidden(&lists) > 0)
 *		lists_bcc(&lists, &out);
 *
 * What these fields say, and whether Exchange mails Resent-To too, is settled
 * in lists_survey(); the fields must then be shown to lists_field() where they
 * are, in the same memory.
 */
#ifndef MSGRAPH_AGENT_LISTS_H
#define MSGRAPH_AGENT_LISTS_H

#include "lib/base/buf.h"
#include "lib/mail/header.h"
#include "disposition.h"
#include "recipients.h"

enum list_kind {
	LIST_TO,
	LIST_CC,
	LIST_BCC,
	LIST_RESENT_TO,
	LIST_RESENT_CC,
	LIST_RESENT_BCC,
	LIST_NONE
};

struct list {
	size_t fields;
	size_t kept; /* addresses that stay */
	int changes;
	const char *first; /* its first field */
};

struct lists {
	struct span head; /* borrowed; starts with the header */
	struct recipients *recipients; /* borrowed */
	int keep; /* those whom the envelope lacks stay */
	int resent_stays;
	struct list list[LIST_NONE];
};

/* Returns which list a field is, or LIST_NONE. */
enum list_kind list_kind(struct span name);

/* Reads all lists, and notes in the recipients where the header names them. */
void lists_survey(
    struct lists *, struct span head, struct recipients *, int keep);

/*
 * Returns what becomes of a field that is one of the lists. Appends to out what
 * takes its place.
 */
enum disposition lists_field(
    const struct lists *, const struct header_field *, struct buf *out);

/* Returns how many recipients a new Bcc must name; appends that field. */
size_t lists_hidden(const struct lists *);
void lists_bcc(const struct lists *, struct buf *out);

/* Returns how many addresses in To, Cc and Bcc no recipient has. */
size_t lists_foreign(struct span head, const struct recipients *);

#endif
