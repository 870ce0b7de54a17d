/*
 * auth_cache.h - what Entra said of the last few secrets of one identity.
 *
 * Of a secret, a digest is kept under a key that lives as long as the process
 * (HMAC-SHA256), so that memory tells nothing about the secret.
 */
#ifndef MSGRAPHD_AUTH_CACHE_H
#define MSGRAPHD_AUTH_CACHE_H

#include "lib/base/secret.h"

#define AUTH_CACHE_DIGEST_SIZE 32
#define AUTH_CACHE_SLOTS 4 /* secrets remembered of one identity */

/* A new secret can be refused until it has spread inside Entra. */
#define AUTH_CACHE_REFUSED_MS (30 * 1000LL)

struct auth_answer {
	unsigned char digest[AUTH_CACHE_DIGEST_SIZE];
	long long at; /* clock_ms(); 0 for an empty slot */
	int accepted;
	char text[192]; /* why it was refused */
};

struct auth_cache {
	struct auth_answer slots[AUTH_CACHE_SLOTS];
};

/* Draws the key. Once, before anything else here. 0, or -1. */
int auth_cache_init(void);

void auth_cache_digest(
    const struct secret *secret, unsigned char digest[AUTH_CACHE_DIGEST_SIZE]);

/*
 * Takes the slot of the same secret, else the oldest, those of refused secrets
 * first. text: see above.
 */
void auth_cache_remember(struct auth_cache *auth_cache,
    const struct secret *secret, int accepted, const char *text);

/* NULL when nothing that still counts is known. ttl_ms is of acceptance. */
const struct auth_answer *auth_cache_find(const struct auth_cache *auth_cache,
    const unsigned char digest[AUTH_CACHE_DIGEST_SIZE], long long ttl_ms);

/* 1 when some verdict still counts. */
int auth_cache_any(const struct auth_cache *auth_cache, long long ttl_ms);

#endif
