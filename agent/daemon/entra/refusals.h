/*
 * refusals.h - the wrong secrets of the last minute, of any application.
 *
 * One bounded table serves all, and the oldest refusal goes first. So the
 * answer to a wrong secret does not depend on whether the application is known
 * here. Digests of secrets are kept (auth_cache.h), and no secret.
 */
#ifndef MSGRAPHD_REFUSALS_H
#define MSGRAPHD_REFUSALS_H

#include "auth_cache.h"
#include "lib/local/identity.h"

/* A new secret can be refused until it has spread inside Entra. */
#define REFUSALS_REFUSED_MS (30 * 1000LL)

/* For so long a wrong secret counts among those of its application. */
#define REFUSALS_COUNTED_MS (60 * 1000LL)

#define REFUSALS_TEXT_SIZE 192

struct refusals;

/* Makes a table of at most max refusals. NULL when out of memory. */
struct refusals *refusals_new(size_t max);
void refusals_free(struct refusals **refusalsp);

/*
 * Notes that Entra has refused a secret just now, and why in one line. When out
 * of memory nothing is noted.
 */
void refusals_add(struct refusals *refusals, const struct identity *id,
    const unsigned char digest[AUTH_CACHE_DIGEST_SIZE], const char *text);

/* Forgets a refusal, since the secret is accepted now. */
void refusals_drop(struct refusals *refusals, const struct identity *id,
    const unsigned char digest[AUTH_CACHE_DIGEST_SIZE]);

/* Forgets all refusals of the application. Returns how many there were. */
size_t refusals_forget(struct refusals *refusals, const struct identity *id);

/*
 * Returns why the secret was refused within REFUSALS_REFUSED_MS, or NULL. The
 * text is valid until the next change of the table.
 */
const char *refusals_find(const struct refusals *refusals,
    const struct identity *id,
    const unsigned char digest[AUTH_CACHE_DIGEST_SIZE]);

/*
 * Counts the different secrets of the application that were refused within
 * REFUSALS_COUNTED_MS. *age becomes the milliseconds since the last refusal,
 * where there is one.
 */
size_t refusals_count(
    const struct refusals *refusals, const struct identity *id, long long *age);

#endif
