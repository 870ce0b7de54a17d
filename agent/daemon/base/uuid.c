/*
 * uuid.c - see uuid.h.
 */
#include <openssl/rand.h>
#include <stdio.h>

#include "uuid.h"

int
uuid_new(char text[UUID_TEXT_SIZE])
{
	unsigned char b[16] = {0};
	int result = RAND_bytes(b, sizeof(b)) == 1 ? 0 : -1;

	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	snprintf(text, UUID_TEXT_SIZE,
	    "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
	    "%02x%02x%02x%02x%02x%02x",
	    b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10],
	    b[11], b[12], b[13], b[14], b[15]);
	return result;
}
