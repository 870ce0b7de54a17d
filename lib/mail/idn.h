/*
 * idn.h - lower case beyond ASCII, and domains as A-labels (RFC 5890), for
 * comparing addresses with libc alone.
 *
 * This is no full IDNA: no normal forms, no check of what a registry allows.
 * Two spellings that need those compare as different. A caller that compares
 * with the envelope loses no recipient by that.
 */
#ifndef MSGRAPH_IDN_H
#define MSGRAPH_IDN_H

#include "lib/base/span.h"

/*
 * Writes the text in lower case and a NUL. Returns the length, or -1 when the
 * result does not fit. Bytes that are not UTF-8 stay as they are.
 */
int idn_lower(struct span text, char *out, size_t size);

/* Does the same, and writes each label with bytes above 127 as "xn--...". */
int idn_domain(struct span domain, char *out, size_t size);

#endif
