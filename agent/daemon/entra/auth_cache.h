/*
 * auth_cache.h - the last few secrets of one application that Entra accepted.
 *
 * Only digests are kept, under a key that lives as long as the process
 * (HMAC-SHA256), so that memory tells nothing about a secret.
 */
#ifndef MSGRAPHD_AUTH_CACHE_H
#define MSGRAPHD_AUTH_CACHE_H

#include "lib/base/secret.h"

#define AUTH_CACHE_DIGEST_SIZE 32
#define AUTH_CACHE_SLOTS 4 /* secrets remembered of one application */

struct auth_answer {
	unsigned char digest[AUTH_CACHE_DIGEST_SIZE];
	long long at; /* clock_ms(); 0 for an empty slot */
};

struct auth_cache {
	struct auth_answer slots[AUTH_CACHE_SLOTS];
};

/*
 * Draws the key. Call before anything else here; a later call makes all digests
 * so far worthless. 0, or -1.
 */
int auth_cache_init(void);

/* Computes the digest of a secret under the key. */
void auth_cache_digest(
    const struct secret *secret, unsigned char digest[AUTH_CACHE_DIGEST_SIZE]);

/* Remembers an accepted secret in its own slot, else in the oldest. */
void auth_cache_remember(struct auth_cache *auth_cache,
    const unsigned char digest[AUTH_CACHE_DIGEST_SIZE]);

/* Forgets a secret that is refused now. */
void auth_cache_forget(struct auth_cache *auth_cache,
    const unsigned char digest[AUTH_CACHE_DIGEST_SIZE]);

/* Returns 1 when the secret was accepted in the last ttl_ms milliseconds. */
int auth_cache_find(const struct auth_cache *auth_cache,
    const unsigned char digest[AUTH_CACHE_DIGEST_SIZE], long long ttl_ms);

/* Returns 1 when some secret was accepted in the last ttl_ms milliseconds. */
int auth_cache_any(const struct auth_cache *auth_cache, long long ttl_ms);

#endif
