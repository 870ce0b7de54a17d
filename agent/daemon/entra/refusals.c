/*
 * refusals.c - see refusals.h.
 *
 * A hash by application, and a list in the order of time. Somebody who finds
 * names that fall into one bucket makes a search as long as the table at most,
 * which takes some ten microseconds.
 */
#include <openssl/crypto.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "agent/daemon/base/clock.h"
#include "refusals.h"

#define BUCKETS 1024

struct refusal {
	TAILQ_ENTRY(refusal) order;
	LIST_ENTRY(refusal) bucket;
	struct identity id;
	unsigned char digest[AUTH_CACHE_DIGEST_SIZE];
	long long at; /* clock_ms() */
	char text[REFUSALS_TEXT_SIZE];
};

struct refusals {
	TAILQ_HEAD(refusal_order, refusal) order; /* the oldest first */
	LIST_HEAD(refusal_bucket, refusal) buckets[BUCKETS];
	size_t count, max;
};

/* Hashes an application (FNV-1a). */
static size_t
refusals_bucket(const struct identity *id)
{
	char text[IDENTITY_TEXT_SIZE];
	const char *p;
	uint32_t hash = 2166136261u;

	for (p = identity_text(id, text); *p != '\0'; p++)
		hash = (hash ^ (unsigned char)*p) * 16777619u;
	return hash % BUCKETS;
}

struct refusals *
refusals_new(size_t max)
{
	struct refusals *refusals = calloc(1, sizeof(*refusals));

	if (refusals == NULL)
		return NULL;
	TAILQ_INIT(&refusals->order);
	refusals->max = max;
	return refusals;
}

static void
refusals_remove(struct refusals *refusals, struct refusal *refusal)
{
	TAILQ_REMOVE(&refusals->order, refusal, order);
	LIST_REMOVE(refusal, bucket);
	refusals->count--;
	free(refusal);
}

void
refusals_free(struct refusals **refusalsp)
{
	struct refusals *refusals = *refusalsp;

	*refusalsp = NULL;
	if (refusals == NULL)
		return;
	while (!TAILQ_EMPTY(&refusals->order))
		refusals_remove(refusals, TAILQ_FIRST(&refusals->order));
	free(refusals);
}

static struct refusal *
refusals_get(const struct refusals *refusals, const struct identity *id,
    const unsigned char digest[AUTH_CACHE_DIGEST_SIZE])
{
	struct refusal *refusal;

	LIST_FOREACH(refusal, &refusals->buckets[refusals_bucket(id)], bucket)
	if (identity_equal(&refusal->id, id) &&
	    CRYPTO_memcmp(refusal->digest, digest, AUTH_CACHE_DIGEST_SIZE) == 0)
		return refusal;
	return NULL;
}

/* Makes room: drops those that count no more, and the oldest of too many. */
static void
refusals_trim(struct refusals *refusals)
{
	struct refusal *oldest;

	while ((oldest = TAILQ_FIRST(&refusals->order)) != NULL &&
	    (refusals->count >= refusals->max ||
		clock_ms() - oldest->at >= REFUSALS_COUNTED_MS))
		refusals_remove(refusals, oldest);
}

void
refusals_add(struct refusals *refusals, const struct identity *id,
    const unsigned char digest[AUTH_CACHE_DIGEST_SIZE], const char *text)
{
	struct refusal *refusal;

	refusals_drop(refusals, id, digest);
	refusals_trim(refusals);
	if ((refusal = calloc(1, sizeof(*refusal))) == NULL)
		return;
	refusal->id = *id;
	memcpy(refusal->digest, digest, AUTH_CACHE_DIGEST_SIZE);
	refusal->at = clock_ms();
	snprintf(refusal->text, sizeof(refusal->text), "%s", text);
	TAILQ_INSERT_TAIL(&refusals->order, refusal, order);
	LIST_INSERT_HEAD(
	    &refusals->buckets[refusals_bucket(id)], refusal, bucket);
	refusals->count++;
}

void
refusals_drop(struct refusals *refusals, const struct identity *id,
    const unsigned char digest[AUTH_CACHE_DIGEST_SIZE])
{
	struct refusal *refusal = refusals_get(refusals, id, digest);

	if (refusal != NULL)
		refusals_remove(refusals, refusal);
}

size_t
refusals_forget(struct refusals *refusals, const struct identity *id)
{
	struct refusal *refusal, *next;
	size_t count = 0;

	for (refusal = LIST_FIRST(&refusals->buckets[refusals_bucket(id)]);
	     refusal != NULL; refusal = next) {
		next = LIST_NEXT(refusal, bucket);
		if (!identity_equal(&refusal->id, id))
			continue;
		refusals_remove(refusals, refusal);
		count++;
	}
	return count;
}

const char *
refusals_find(const struct refusals *refusals, const struct identity *id,
    const unsigned char digest[AUTH_CACHE_DIGEST_SIZE])
{
	const struct refusal *refusal = refusals_get(refusals, id, digest);

	return refusal != NULL && clock_ms() - refusal->at < REFUSALS_REFUSED_MS
	    ? refusal->text
	    : NULL;
}

size_t
refusals_count(
    const struct refusals *refusals, const struct identity *id, long long *age)
{
	const struct refusal *refusal;
	long long now = clock_ms();
	size_t count = 0;

	/* a bucket has the newest first */
	LIST_FOREACH(refusal, &refusals->buckets[refusals_bucket(id)], bucket)
	{
		/* cppcheck-suppress uninitvar ; calloc(3) made it */
		if (now - refusal->at >= REFUSALS_COUNTED_MS)
			break;
		if (strcmp(refusal->id.client, id->client) != 0 ||
		    strcmp(refusal->id.tenant, id->tenant) != 0)
			continue;
		if (count++ == 0)
			*age = now - refusal->at;
	}
	return count;
}
