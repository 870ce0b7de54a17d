/*
 * utf8.h - UTF-8 (RFC 3629): the shortest form of each character, no
 * surrogates, nothing past U+10FFFF.
 */
#ifndef MSGRAPH_UTF8_H
#define MSGRAPH_UTF8_H

#include <stdint.h>

#include "span.h"

#define UTF8_MAX 4 /* bytes of a character */

/*
 * Checks bytes that come piece by piece. Starts as all zeros.
 */
struct utf8_check {
	unsigned char need; /* bytes that the character still lacks */
	unsigned char low, high; /* of the next byte, where need > 0 */
	int bad;
};

/* Takes the next bytes in. */
void utf8_check(struct utf8_check *, const char *bytes, size_t len);

/* Returns 1 when all that came was UTF-8 and no character is cut off. */
int utf8_check_end(const struct utf8_check *);

/* Returns 1 when all of the text is UTF-8. */
int utf8_is(struct span text);

/*
 * Reads the character at the start of a text that is not empty into *c. Returns
 * how many bytes the character has; 0 with *c unset where there is none.
 */
size_t utf8_get(struct span text, uint32_t *c);

/* Writes a character; returns how many bytes. */
size_t utf8_put(uint32_t c, char out[UTF8_MAX]);

#endif
