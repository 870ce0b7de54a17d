/*
 * auth_cache.c - see auth_cache.h.
 */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "agent/daemon/base/clock.h"
#include "auth_cache.h"

static unsigned char key[AUTH_CACHE_DIGEST_SIZE];

static int
auth_cache_hmac(
    const char *bytes, size_t len, unsigned char digest[AUTH_CACHE_DIGEST_SIZE])
{
	return HMAC(EVP_sha256(), key, sizeof(key),
		   (const unsigned char *)bytes, len, digest, NULL) != NULL
	    ? 0
	    : -1;
}

/* A first digest makes OpenSSL load what it needs while memory is there. */
int
auth_cache_init(void)
{
	unsigned char digest[AUTH_CACHE_DIGEST_SIZE];

	return RAND_bytes(key, sizeof(key)) == 1
	    ? auth_cache_hmac("", 0, digest)
	    : -1;
}

/*
 * With memory short there is no digest. What is given instead equals no other,
 * so that no secret passes for another one.
 */
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

/* Whoever guesses secrets must not push out the one that is right. */
static int
auth_cache_goes_first(const struct auth_answer *a, const struct auth_answer *b)
{
	return a->accepted != b->accepted ? !a->accepted : a->at < b->at;
}

void
auth_cache_remember(struct auth_cache *auth_cache, const struct secret *secret,
    int accepted, const char *text)
{
	unsigned char digest[AUTH_CACHE_DIGEST_SIZE];
	struct auth_answer *v, *slot = &auth_cache->slots[0];
	size_t i;

	auth_cache_digest(secret, digest);
	for (i = 0; i < AUTH_CACHE_SLOTS; i++) {
		v = &auth_cache->slots[i];
		if (memcmp(v->digest, digest, sizeof(digest)) == 0) {
			slot = v;
			break;
		}
		if (auth_cache_goes_first(v, slot))
			slot = v;
	}
	memcpy(slot->digest, digest, sizeof(digest));
	slot->accepted = accepted;
	slot->at = clock_ms();
	snprintf(slot->text, sizeof(slot->text), "%s", text);
}

static int
auth_cache_still_counts(const struct auth_answer *v, long long ttl_ms)
{
	long long ttl = v->accepted ? ttl_ms : AUTH_CACHE_REFUSED_MS;

	return v->at != 0 && clock_ms() - v->at < ttl;
}

const struct auth_answer *
auth_cache_find(const struct auth_cache *auth_cache,
    const unsigned char digest[AUTH_CACHE_DIGEST_SIZE], long long ttl_ms)
{
	const struct auth_answer *v;
	size_t i;

	for (i = 0; i < AUTH_CACHE_SLOTS; i++) {
		v = &auth_cache->slots[i];
		if (auth_cache_still_counts(v, ttl_ms) &&
		    CRYPTO_memcmp(v->digest, digest, sizeof(v->digest)) == 0)
			return v;
	}
	return NULL;
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
