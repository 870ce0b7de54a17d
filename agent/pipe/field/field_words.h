/*
 * field_words.h - text of a header field that may hold 8-bit bytes, written
 * anew with encoded words. For field.c and its like.
 */
#ifndef MSGRAPH_AGENT_FIELD_WORDS_H
#define MSGRAPH_AGENT_FIELD_WORDS_H

#include "fold.h"

enum words {
	WORDS_TEXT, /* words between blanks; what is in quotes is one */
	WORDS_SUBJECT, /* words between blanks; too long ones are encoded too */
	WORDS_COMMENT, /* what stands in "(...)", with its brackets */
	WORDS_NAME, /* a display name: all that is no comment */
	WORDS_TOKENS /* atoms, quoted strings, '.', '@': structured */
};

/*
 * Writes text, with encoded words in the place of words that have 8-bit bytes,
 * quotes around them included (RFC 2047 section 5 has none in quotes). An
 * encoded word that leaves no place to fold a line becomes several.
 */
void words_write(struct fold *, struct span text, enum words);

/* Writes all of a text, blanks and brackets included, as encoded words. */
void words_write_whole(struct fold *, struct span space, struct span text);

#endif
