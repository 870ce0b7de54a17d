/*
 * idn.h - lower case beyond ASCII, and domains as A-labels (RFC 5890), for
 * comparing addresses with libc alone.
 *
 * This is no full IDNA: no normal forms, no check of what a registry allows.
 * Two spellings that need those compare as different, which costs a caller
 * that compares with the envelope no recipient.
 */
#ifndef MSGRAPH_IDN_H
#define MSGRAPH_IDN_H

#include "lib/base/span.h"

/*
 * Both write the result and its NUL and return its length, or -1 when it does
 * not fit. Bytes that are not UTF-8 stay as they are.
 */
int idn_lower(struct span text, char *out, size_t size);

/* In lower case, and each label with bytes above 127 as "xn--...". */
int idn_domain(struct span domain, char *out, size_t size);

#endif
