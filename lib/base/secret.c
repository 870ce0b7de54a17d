/*
 * secret.c - see secret.h.
 *
 * explicit_bzero(3) of the C library does the wiping, so that lib/ (and with it
 * the agent and the plugin) needs no OpenSSL.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "secret.h"

struct secret *
secret_new(const char *bytes, size_t len)
{
	struct secret *secret;

	if (len >= SIZE_MAX - sizeof(*secret))
		return NULL;
	secret = malloc(sizeof(*secret) + len + 1);
	if (secret == NULL)
		return NULL;
	secret->len = len;
	if (bytes != NULL)
		memcpy(secret->bytes, bytes, len);
	else
		memset(secret->bytes, 0, len);
	secret->bytes[len] = '\0';
	return secret;
}

void
secret_free(struct secret **secretp)
{
	struct secret *secret = *secretp;

	*secretp = NULL;
	if (secret == NULL)
		return;
	secret_wipe(secret, sizeof(*secret) + secret->len + 1);
	free(secret);
}

int
secret_equal(const struct secret *a, const struct secret *b)
{
	unsigned char differ = 0;
	size_t i;

	if (a->len != b->len)
		return 0;
	for (i = 0; i < a->len; i++)
		differ |= (unsigned char)(a->bytes[i] ^ b->bytes[i]);
	return differ == 0;
}

void
secret_wipe(void *p, size_t len)
{
	if (p != NULL)
		explicit_bzero(p, len);
}
