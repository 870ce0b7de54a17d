/*
 * field_names.h - of which kind a header field is, by its name. For field.c,
 * and for tests of all that there are.
 */
#ifndef MSGRAPH_AGENT_FIELD_NAMES_H
#define MSGRAPH_AGENT_FIELD_NAMES_H

#include <stddef.h>

#include "lib/base/span.h"

/*
 * What a value is made of, and so where an encoded word may stand in it (RFC
 * 2047 section 5) and where it may be folded (RFC 5322 section 2.2.3).
 */
enum field_kind {
	FIELD_TEXT, /* unknown: words, and quoted strings that may be such */
	FIELD_SUBJECT, /* text and nothing else */
	FIELD_ADDRESSES,
	FIELD_PARAMS, /* a word, then parameters (RFC 2045) */
	FIELD_PHRASES, /* between commas */
	FIELD_IDS, /* identifiers, dates, words without phrases */
	FIELD_PHRASE_ID, /* a phrase, then an identifier in <> */
	FIELD_URIS,
	FIELD_TRACE /* no encoded word in comments either */
};

struct field_name {
	const char *name;
	enum field_kind kind;
};

/* Ends with a NULL. Names that are not in it are text. */
extern const struct field_name field_names[];

/* Returns the kind of a field of this name, in any letter case. */
enum field_kind field_kind(struct span name);

#endif
