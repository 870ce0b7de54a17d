/*
 * auth_cache.h - what Entra said of the last few secrets of one identity.
 *
 * Of a secret, a digest is kept under a key that lives as long as the process
 * (HMAC-SHA256), so that memory tells nothing about the secret.
 */
#ifndef MSGRAPHD_VERDICT_H
#define MSGRAPHD_VERDICT_H

#include "lib/base/secret.h"

#define VERDICT_DIGEST_SIZE 32
#define VERDICTS 4 /* secrets remembered of one identity */

/* A new secret can be refused until it has spread inside Entra. */
#define VERDICT_REFUSED_MS (30 * 1000LL)

struct verdict {
	unsigned char digest[VERDICT_DIGEST_SIZE];
	long long at; /* clock_ms(); 0 for an empty slot */
	int accepted;
	char text[192]; /* why it was refused */
};

struct verdicts {
	struct verdict slots[VERDICTS];
};

/* Draws the key. Once, before anything else here. 0, or -1. */
int verdict_init(void);

void verdict_digest(
    const struct secret *secret, unsigned char digest[VERDICT_DIGEST_SIZE]);

/*
 * Takes the slot of the same secret, else the oldest, those of refused secrets
 * first. text: see above.
 */
void verdict_remember(struct verdicts *verdicts, const struct secret *secret,
    int accepted, const char *text);

/* NULL when nothing that still counts is known. ttl_ms is of acceptance. */
const struct verdict *verdict_find(const struct verdicts *verdicts,
    const unsigned char digest[VERDICT_DIGEST_SIZE], long long ttl_ms);

/* 1 when some verdict still counts. */
int verdict_any(const struct verdicts *verdicts, long long ttl_ms);

#endif
