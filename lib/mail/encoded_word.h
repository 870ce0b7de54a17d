/*
 * encoded_word.h - reads encoded words (RFC 2047).
 */
#ifndef MSGRAPH_ENCODED_WORD_H
#define MSGRAPH_ENCODED_WORD_H

#include "lib/base/buf.h"
#include "lib/base/error.h"
#include "lib/base/span.h"

/*
 * Returns 'q' or 'b', its encoding, when all of this is one encoded word of any
 * charset and length; else 0.
 */
int encoded_word_is(struct span text);

/*
 * Returns the length of the encoded word that starts at p, or 0 where none
 * does. Its text may hold anything but a '?'. Costs nothing much however often
 * it is asked about one text.
 */
size_t encoded_word_length(const char *p, const char *limit);

/*
 * Appends the bytes that an encoded word (all of the text) stands for, and sets
 * *charset to its charset. Returns 0; or -1 when it is none or out has failed.
 */
int encoded_word_bytes(struct span text, struct span *charset, struct buf *out);

/*
 * Appends text as UTF-8 with its encoded words decoded, wherever they stand,
 * and the blanks between two of them dropped. Other text is in the charset that
 * charset_of() makes of it and declared. Returns 0; or -1 with *err as
 * charset_to_utf8() does, and some of the text appended.
 */
int encoded_word_decode(
    struct span text, struct span declared, struct buf *out, struct error *err);

#endif
