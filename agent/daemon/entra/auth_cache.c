/*
 * auth_cache.c - see auth_cache.h.
 */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <string.h>

#include "agent/daemon/base/clock.h"
#include "auth_cache.h"

static unsigned char auth_cache_key[AUTH_CACHE_DIGEST_SIZE];

static int
auth_cache_hmac(
    const char *bytes, size_t len, unsigned char digest[AUTH_CACHE_DIGEST_SIZE])
{
	return HMAC(EVP_sha256(), auth_cache_key, sizeof(auth_cache_key),
		   (const unsigned char *)bytes, len, digest, NULL) != NULL
	    ? 0
	    : -1;
}

/* A first digest makes OpenSSL load what it needs while memory is there. */
int
auth_cache_init(void)
{
	unsigned char digest[AUTH_CACHE_DIGEST_SIZE];

	return RAND_bytes(auth_cache_key, sizeof(auth_cache_key)) == 1
	    ? auth_cache_hmac("", 0, digest)
	    : -1;
}

/* Out of memory: fills in what equals no digest, so no secret matches it. */
static void
auth_cache_no_digest(unsigned char digest[AUTH_CACHE_DIGEST_SIZE])
{
	static unsigned long long count;

	count++;
	memset(digest, 0, AUTH_CACHE_DIGEST_SIZE);
	memcpy(digest, &count, sizeof(count));
}

void
auth_cache_digest(
    const struct secret *secret, unsigned char digest[AUTH_CACHE_DIGEST_SIZE])
{
	if (auth_cache_hmac(secret->bytes, secret->len, digest) == -1)
		auth_cache_no_digest(digest);
}

/* Returns the slot of this digest, or NULL. */
static struct auth_answer *
auth_cache_slot(struct auth_cache *auth_cache,
    const unsigned char digest[AUTH_CACHE_DIGEST_SIZE])
{
	size_t i;

	for (i = 0; i < AUTH_CACHE_SLOTS; i++)
		if (auth_cache->slots[i].at != 0 &&
		    CRYPTO_memcmp(auth_cache->slots[i].digest, digest,
			AUTH_CACHE_DIGEST_SIZE) == 0)
			return &auth_cache->slots[i];
	return NULL;
}

void
auth_cache_remember(struct auth_cache *auth_cache,
    const unsigned char digest[AUTH_CACHE_DIGEST_SIZE])
{
	struct auth_answer *slot = auth_cache_slot(auth_cache, digest);
	size_t i;

	if (slot == NULL) {
		slot = &auth_cache->slots[0];
		for (i = 1; i < AUTH_CACHE_SLOTS; i++)
			if (auth_cache->slots[i].at < slot->at)
				slot = &auth_cache->slots[i];
	}
	memcpy(slot->digest, digest, AUTH_CACHE_DIGEST_SIZE);
	slot->at = clock_ms();
}

void
auth_cache_forget(struct auth_cache *auth_cache,
    const unsigned char digest[AUTH_CACHE_DIGEST_SIZE])
{
	struct auth_answer *slot = auth_cache_slot(auth_cache, digest);

	if (slot != NULL)
		memset(slot, 0, sizeof(*slot));
}

static int
auth_cache_still_counts(const struct auth_answer *answer, long long ttl_ms)
{
	return answer->at != 0 && clock_ms() - answer->at < ttl_ms;
}

int
auth_cache_find(const struct auth_cache *auth_cache,
    const unsigned char digest[AUTH_CACHE_DIGEST_SIZE], long long ttl_ms)
{
	const struct auth_answer *answer;
	size_t i;

	for (i = 0; i < AUTH_CACHE_SLOTS; i++) {
		answer = &auth_cache->slots[i];
		if (auth_cache_still_counts(answer, ttl_ms) &&
		    CRYPTO_memcmp(
			answer->digest, digest, AUTH_CACHE_DIGEST_SIZE) == 0)
			return 1;
	}
	return 0;
}

int
auth_cache_any(const struct auth_cache *auth_cache, long long ttl_ms)
{
	size_t i;

	for (i = 0; i < AUTH_CACHE_SLOTS; i++)
		if (auth_cache_still_counts(&auth_cache->slots[i], ttl_ms))
			return 1;
	return 0;
}
