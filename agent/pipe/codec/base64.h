/*
 * base64.h - base64 (RFC 4648 section 4), for bodies and encoded words.
 */
#ifndef MSGRAPH_AGENT_BASE64_H
#define MSGRAPH_AGENT_BASE64_H

#include <stddef.h>

/* Encodes 1 to 3 bytes as 4 characters. */
void base64_quantum(const char *in, size_t len, char out[4]);

/* 1 when c is of the alphabet, '=' included. */
int base64_is(char c);

/* Characters for so many bytes, without line ends. */
static inline long long
base64_size(long long len)
{
	return (len + 2) / 3 * 4;
}

#endif
