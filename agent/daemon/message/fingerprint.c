/*
 * fingerprint.c - see fingerprint.h.
 */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fingerprint.h"

/* With its NUL, so that "ab","c" is not "a","bc". */
static int
fingerprint_add_string(EVP_MD_CTX *ctx, const char *s)
{
	return EVP_DigestUpdate(ctx, s, strlen(s) + 1);
}

static int
fingerprint_add_raw(EVP_MD_CTX *ctx, const struct spool *spool)
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

/* Of the message, whoever gets it. */
static int
fingerprint_hash_message(EVP_MD_CTX *ctx,
    const struct delivery_request *request,
    unsigned char message[JOURNAL_DIGEST_SIZE])
{
	char client[IDENTITY_TEXT_SIZE];

	return EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) &&
	    fingerprint_add_string(
		ctx, identity_text(&request->identity, client)) &&
	    fingerprint_add_string(ctx, request->mailbox) &&
	    fingerprint_add_string(ctx, request->queue_id) &&
	    fingerprint_add_raw(ctx, &request->spool) &&
	    EVP_DigestFinal_ex(ctx, message, NULL);
}

static int
fingerprint_hash_recipient(EVP_MD_CTX *ctx,
    const unsigned char message[JOURNAL_DIGEST_SIZE], const char *recipient,
    unsigned char key[JOURNAL_DIGEST_SIZE])
{
	return EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) &&
	    EVP_DigestUpdate(ctx, message, JOURNAL_DIGEST_SIZE) &&
	    fingerprint_add_string(ctx, recipient) &&
	    EVP_DigestFinal_ex(ctx, key, NULL);
}

static int
fingerprint_hash_all(EVP_MD_CTX *ctx, struct delivery_request *request,
    const char **recipients, size_t count)
{
	struct journal_keys *keys = &request->keys;
	unsigned char message[JOURNAL_DIGEST_SIZE];
	size_t i;

	if (!fingerprint_hash_message(ctx, request, message))
		return 0;
	for (i = 0; i < count; i++)
		if (!fingerprint_hash_recipient(
			ctx, message, recipients[i], keys->list[i]))
			return 0;
	keys->count = count;
	journal_keys_sort(keys);
	return EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) &&
	    EVP_DigestUpdate(
		ctx, keys->list, keys->count * sizeof(keys->list[0])) &&
	    EVP_DigestFinal_ex(ctx, request->digest, NULL);
}

int
fingerprint(
    struct delivery_request *request, const char **recipients, size_t count)
{
	struct journal_keys *keys = &request->keys;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int ok;

	keys->list = calloc(count, sizeof(keys->list[0]));
	ok = ctx != NULL && keys->list != NULL &&
	    fingerprint_hash_all(ctx, request, recipients, count);
	EVP_MD_CTX_free(ctx);
	return ok ? 0 : -1;
}
