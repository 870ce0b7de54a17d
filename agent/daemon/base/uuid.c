/*
 * uuid.c - see uuid.h.
 */
#include <openssl/rand.h>

#include "uuid.h"

int
uuid_new(char text[UUID_TEXT_SIZE])
{
	unsigned char b[UUID_SIZE] = {0};
	int result = RAND_bytes(b, sizeof(b)) == 1 ? 0 : -1;

	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	uuid_text(b, text);
	return result;
}
