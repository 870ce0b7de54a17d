/*
 * base64.c - see base64.h.
 */
#include <string.h>

#include "base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			       "abcdefghijklmnopqrstuvwxyz"
			       "0123456789+/=";

void
base64_quantum(const char *in, size_t len, char out[4])
{
	unsigned int bits = 0;
	size_t i;

	for (i = 0; i < 3; i++)
		bits = bits << 8 | (i < len ? (unsigned char)in[i] : 0);
	for (i = 0; i < 4; i++)
		out[i] = i <= len ? alphabet[bits >> (18 - 6 * i) & 0x3F] : '=';
}

int
base64_is(char c)
{
	return c != '\0' && strchr(alphabet, c) != NULL;
}
