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
fingerprint_add_raw(EVP_MD_CTX *ctx, const struct source *source)
{
	/* one thread, and nobody needs it between two calls */
	static char piece[64 * 1024];
	long long at = 0;
	size_t want;
	ssize_t n;

	while (at < source->raw) {
		want = sizeof(piece);
		if (source->raw - at < (long long)want)
			want = (size_t)(source->raw - at);
		n = pread(source->fd, piece, want, at);
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
	    fingerprint_add_string(ctx,
		request->instead_of[0] != '\0' ? request->instead_of
					       : request->mailbox) &&
	    fingerprint_add_string(ctx, request->queue_id) &&
	    fingerprint_add_raw(ctx, &request->source) &&
	    EVP_DigestFinal_ex(ctx, message, NULL);
}

/* what follows the recipient is "" for the message itself */
static int
fingerprint_hash_recipient(EVP_MD_CTX *ctx,
    const unsigned char message[JOURNAL_DIGEST_SIZE], const char *recipient,
    const char *what, unsigned char key[JOURNAL_DIGEST_SIZE])
{
	return EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) &&
	    EVP_DigestUpdate(ctx, message, JOURNAL_DIGEST_SIZE) &&
	    fingerprint_add_string(ctx, recipient) &&
	    (what[0] == '\0' || fingerprint_add_string(ctx, what)) &&
	    EVP_DigestFinal_ex(ctx, key, NULL);
}

/* The address as the journal and Graph's words are searched for it. */
static int
fingerprint_add_recipient(struct delivery_request *request, const char *address)
{
	struct request_recipient *r = &request->each[request->each_count];
	char *p;

	r->address = strdup(address);
	if (r->address == NULL)
		return 0;
	request->each_count++;
	for (p = r->address; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	return 1;
}

/* The keys of a recipient: of the message from either mailbox, and a notice. */
static int
fingerprint_hash_keys(EVP_MD_CTX *ctx, const struct delivery_request *request,
    const unsigned char message[JOURNAL_DIGEST_SIZE], const char *recipient,
    struct request_recipient *r)
{
	int instead = request->instead_of[0] != '\0';

	return fingerprint_hash_recipient(ctx, message, recipient,
		   instead ? "fallback" : "", r->key) &&
	    fingerprint_hash_recipient(
		ctx, message, recipient, instead ? "" : "fallback", r->other) &&
	    fingerprint_hash_recipient(
		ctx, message, recipient, "notice", r->told);
}

static int
fingerprint_hash_each(EVP_MD_CTX *ctx, struct delivery_request *request,
    const char **recipients, size_t count)
{
	unsigned char message[JOURNAL_DIGEST_SIZE];
	struct request_recipient *r;
	size_t i;

	if (!fingerprint_hash_message(ctx, request, message))
		return 0;
	for (i = 0; i < count; i++) {
		r = &request->each[i];
		if (!fingerprint_add_recipient(request, recipients[i]) ||
		    !fingerprint_hash_keys(
			ctx, request, message, recipients[i], r))
			return 0;
		memcpy(request->keys.list[i],
		    request->notice ? r->told : r->key, JOURNAL_DIGEST_SIZE);
		memcpy(request->other.list[i], r->other, JOURNAL_DIGEST_SIZE);
		memcpy(request->told.list[i], r->told, JOURNAL_DIGEST_SIZE);
	}
	request->keys.count = request->told.count = count;
	request->other.count = request->notice ? 0 : count;
	journal_keys_sort(&request->keys);
	journal_keys_sort(&request->other);
	journal_keys_sort(&request->told);
	return 1;
}

int
fingerprint(
    struct delivery_request *request, const char **recipients, size_t count)
{
	struct journal_keys *keys = &request->keys;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int ok;

	keys->list = calloc(count, sizeof(keys->list[0]));
	request->other.list = calloc(count, sizeof(keys->list[0]));
	request->told.list = calloc(count, sizeof(keys->list[0]));
	request->each = calloc(count, sizeof(request->each[0]));
	ok = ctx != NULL && keys->list != NULL && request->other.list != NULL &&
	    request->told.list != NULL && request->each != NULL &&
	    fingerprint_hash_each(ctx, request, recipients, count) &&
	    EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) &&
	    EVP_DigestUpdate(
		ctx, keys->list, keys->count * sizeof(keys->list[0])) &&
	    EVP_DigestFinal_ex(ctx, request->digest, NULL);
	EVP_MD_CTX_free(ctx);
	return ok ? 0 : -1;
}
