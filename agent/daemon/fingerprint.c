/*
 * fingerprint.c - see fingerprint.h.
 */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fingerprint.h"

static int
compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* With its NUL, so that "ab","c" is not "a","bc". */
static int
add_string(EVP_MD_CTX *ctx, const char *s)
{
	return EVP_DigestUpdate(ctx, s, strlen(s) + 1);
}

static int
add_raw(EVP_MD_CTX *ctx, const struct spool *spool)
{
	/* one thread, and nobody needs it between two calls */
	static char piece[64 * 1024];
	long long at = 0;
	size_t want;
	ssize_t n;

	while (at < spool->raw) {
		want = sizeof(piece);
		if (spool->raw - at < (long long)want)
			want = (size_t)(spool->raw - at);
		n = pread(spool->fd, piece, want, at);
		if (n <= 0 || !EVP_DigestUpdate(ctx, piece, (size_t)n))
			return 0;
		at += n;
	}
	return 1;
}

static int
add_all(EVP_MD_CTX *ctx, const struct identity *id, const char *mailbox,
    const char **recipients, size_t count, const struct spool *spool)
{
	char client[IDENTITY_TEXT_SIZE];
	size_t i;

	if (!EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) ||
	    !add_string(ctx, identity_text(id, client)) ||
	    !add_string(ctx, mailbox))
		return 0;
	for (i = 0; i < count; i++)
		if (!add_string(ctx, recipients[i]))
			return 0;
	return add_string(ctx, "") && add_raw(ctx, spool);
}

int
fingerprint(const struct identity *id, const char *mailbox,
    const char **recipients, size_t count, const struct spool *spool,
    unsigned char digest[JOURNAL_DIGEST_SIZE])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int ok;

	qsort(recipients, count, sizeof(*recipients), compare);
	ok = ctx != NULL &&
	    add_all(ctx, id, mailbox, recipients, count, spool) &&
	    EVP_DigestFinal_ex(ctx, digest, NULL);
	EVP_MD_CTX_free(ctx);
	return ok ? 0 : -1;
}
