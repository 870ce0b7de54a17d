/*
 * auth_cache.c - see verdict.h.
 */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "agent/daemon/base/clock.h"
#include "auth_cache.h"

static unsigned char key[VERDICT_DIGEST_SIZE];

static int
hmac(const char *bytes, size_t len, unsigned char digest[VERDICT_DIGEST_SIZE])
{
	return HMAC(EVP_sha256(), key, sizeof(key),
		   (const unsigned char *)bytes, len, digest, NULL) != NULL
	    ? 0
	    : -1;
}

/* A first digest makes OpenSSL load what it needs while memory is there. */
int
verdict_init(void)
{
	unsigned char digest[VERDICT_DIGEST_SIZE];

	return RAND_bytes(key, sizeof(key)) == 1 ? hmac("", 0, digest) : -1;
}

/*
 * With memory short there is no digest. What is given instead equals no other,
 * so that no secret passes for another one.
 */
static void
no_digest(unsigned char digest[VERDICT_DIGEST_SIZE])
{
	static unsigned long long count;

	count++;
	memset(digest, 0, VERDICT_DIGEST_SIZE);
	memcpy(digest, &count, sizeof(count));
}

void
verdict_digest(
    const struct secret *secret, unsigned char digest[VERDICT_DIGEST_SIZE])
{
	if (hmac(secret->bytes, secret->len, digest) == -1)
		no_digest(digest);
}

/* Whoever guesses secrets must not push out the one that is right. */
static int
goes_first(const struct verdict *a, const struct verdict *b)
{
	return a->accepted != b->accepted ? !a->accepted : a->at < b->at;
}

void
verdict_remember(struct verdicts *verdicts, const struct secret *secret,
    int accepted, const char *text)
{
	unsigned char digest[VERDICT_DIGEST_SIZE];
	struct verdict *v, *slot = &verdicts->slots[0];
	size_t i;

	verdict_digest(secret, digest);
	for (i = 0; i < VERDICTS; i++) {
		v = &verdicts->slots[i];
		if (memcmp(v->digest, digest, sizeof(digest)) == 0) {
			slot = v;
			break;
		}
		if (goes_first(v, slot))
			slot = v;
	}
	memcpy(slot->digest, digest, sizeof(digest));
	slot->accepted = accepted;
	slot->at = clock_ms();
	snprintf(slot->text, sizeof(slot->text), "%s", text);
}

static int
still_counts(const struct verdict *v, long long ttl_ms)
{
	long long ttl = v->accepted ? ttl_ms : VERDICT_REFUSED_MS;

	return v->at != 0 && clock_ms() - v->at < ttl;
}

const struct verdict *
verdict_find(const struct verdicts *verdicts,
    const unsigned char digest[VERDICT_DIGEST_SIZE], long long ttl_ms)
{
	const struct verdict *v;
	size_t i;

	for (i = 0; i < VERDICTS; i++) {
		v = &verdicts->slots[i];
		if (still_counts(v, ttl_ms) &&
		    CRYPTO_memcmp(v->digest, digest, sizeof(v->digest)) == 0)
			return v;
	}
	return NULL;
}

int
verdict_any(const struct verdicts *verdicts, long long ttl_ms)
{
	size_t i;

	for (i = 0; i < VERDICTS; i++)
		if (still_counts(&verdicts->slots[i], ttl_ms))
			return 1;
	return 0;
}
