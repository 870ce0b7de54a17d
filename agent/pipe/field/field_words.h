/*
 * field_words.h - text of a header field that may hold 8-bit bytes, written
 * anew with encoded words. For field.c and its like.
 */
#ifndef MSGRAPH_AGENT_FIELD_WORDS_H
#define MSGRAPH_AGENT_FIELD_WORDS_H

#include "fold.h"

enum words {
	WORDS_TEXT, /* words between blanks */
	WORDS_SUBJECT, /* the same; words too long for a line are encoded too */
	WORDS_COMMENT, /* what stands in "(...)", with its brackets */
	WORDS_NAME, /* a display name: all that is no comment */
	WORDS_TOKENS, /* atoms, quoted strings and dots of a structured field */
	/* Atoms, each for itself, also in quotes and comments. All that
	 * separates them stays, so what could not be read as an address
	 * cannot be afterwards. */
	WORDS_ALONE
};

void words_write(struct fold *, struct span text, enum words);

#endif
