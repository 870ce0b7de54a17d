/*
 * fold.h - writes the value of a header field anew: what stays, folded where
 * it must be, and encoded words (RFC 2047) in place of text with 8-bit bytes.
 */
#ifndef MSGRAPH_AGENT_FOLD_H
#define MSGRAPH_AGENT_FOLD_H

#include "lib/base/buf.h"
#include "lib/base/span.h"

struct fold {
	struct buf *out; /* borrowed */
	struct span charset; /* that the message says, or empty; borrowed */
	size_t column; /* bytes of the line that is written */
	int has_word; /* there is an encoded word in it */
};

/* Starts a field, whose name and colon are to be in out already. */
void fold_init(struct fold *, struct buf *out, struct span charset);

/* Writes text as it is, but for CR alone, a blank then, and LF alone. */
void fold_raw(struct fold *, struct span text);

/*
 * Writes the space before next bytes that must stay in one line. Where the
 * line has an encoded word and gets over 76 bytes (RFC 2047 section 2), it is
 * folded here.
 */
void fold_space(struct fold *, struct span space, size_t next);

/* Folds here; the next line starts with space, or with a blank if empty. */
void fold_here(struct fold *, struct span space);

/* Writes text as encoded words after a space, which may be folded. */
void fold_words(struct fold *, struct span space, struct span text);

/* Does the same for bytes that are in this charset, a known one. */
void fold_words_in(
    struct fold *, struct span space, struct span text, struct span charset);

/*
 * Appends a field ("name: value"), folded where a line of it is over 998 bytes:
 * behind each byte of behind that stands for itself (outside quotes, comments
 * and <>; behind a '>' only before a '<'), with named before each '<' too,
 * where there is a blank or not; and where that is not enough, at blanks. What
 * has none of these stays.
 */
void fold_long(
    struct buf *out, struct span field, const char *behind, int named);

/* Returns 1 when there is an 8-bit byte. */
int fold_needs(struct span text);

#endif
