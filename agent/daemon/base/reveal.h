/*
 * reveal.h - finds a secret in a text from outside, which must not be logged or
 * passed on then.
 */
#ifndef MSGRAPHD_REVEAL_H
#define MSGRAPHD_REVEAL_H

#include <stddef.h>

#include "lib/base/secret.h"

/* A shorter secret would be found in every text; Entra's have 34 characters. */
#define REVEAL_SECRET_MIN 4

/*
 * Looks for a part of the secret in the first len bytes of text: a sixth of
 * it, but 6 bytes at least and 16 at most (a shorter secret: all of it). It is
 * found as it is, percent-encoded once or twice, in hex, and in both kinds of
 * base64 (RFC 4648 sections 4 and 5), upper and lower case alike. Returns 1
 * when it is there, also when a text is longer than it can look through.
 */
int reveals(const struct secret *secret, const char *text, size_t len);

#endif
