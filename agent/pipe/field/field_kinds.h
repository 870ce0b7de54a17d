/*
 * field_kinds.h - fields with a structure of their own. For field.c.
 */
#ifndef MSGRAPH_AGENT_FIELD_KINDS_H
#define MSGRAPH_AGENT_FIELD_KINDS_H

#include "fold.h"

/*
 * Writes From, To and their like: names and comments, and domains as A-labels.
 */
void field_addresses(struct fold *, struct span value);

/* Writes Keywords: phrases between commas. */
void field_phrases(struct fold *, struct span value);

enum plain {
	PLAIN_IDS, /* identifiers, dates, domains */
	PLAIN_PHRASE, /* a phrase, then an identifier in <> */
	PLAIN_URIS,
	PLAIN_TRACE /* no encoded word in comments either */
};

/* Writes fields where encoded words may stand in comments at most. */
void field_plain(struct fold *, struct span value, enum plain);

/*
 * Writes Content-Type and Content-Disposition: RFC 2231 for parameters,
 * sections of it for one that is too long for a line. What cannot be read goes.
 */
void field_params(struct fold *, struct span value);

#endif
