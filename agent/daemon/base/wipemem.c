/*
 * wipemem.c - see wipemem.h.
 *
 * Each block is preceded by its size, which free() does not get. The header
 * keeps the alignment that malloc(3) promises.
 */
#include <curl/curl.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/secret.h"
#include "wipemem.h"

union header {
	size_t size;
	max_align_t align;
};

static void *
wipemem_wiping_malloc(size_t size)
{
	union header *h;

	if (size > SIZE_MAX - sizeof(*h) ||
	    (h = malloc(sizeof(*h) + size)) == NULL)
		return NULL;
	h->size = size;
	return h + 1;
}

static void
wipemem_wiping_free(void *p)
{
	union header *h;

	if (p == NULL)
		return;
	h = (union header *)p - 1;
	secret_wipe(p, h->size);
	free(h);
}

static void *
wipemem_wiping_realloc(void *p, size_t size)
{
	size_t old;
	void *q;

	if (p == NULL)
		return wipemem_wiping_malloc(size);
	old = ((union header *)p - 1)->size;
	if ((q = wipemem_wiping_malloc(size)) == NULL)
		return NULL;
	memcpy(q, p, old < size ? old : size);
	wipemem_wiping_free(p);
	return q;
}

static void *
wipemem_wiping_calloc(size_t count, size_t size)
{
	void *p;

	if (size != 0 && count > SIZE_MAX / size)
		return NULL;
	if ((p = wipemem_wiping_malloc(count * size)) != NULL)
		memset(p, 0, count * size);
	return p;
}

static char *
wipemem_wiping_strdup(const char *s)
{
	size_t size = strlen(s) + 1;
	char *copy = wipemem_wiping_malloc(size);

	return copy == NULL ? NULL : memcpy(copy, s, size);
}

/*
 * Jansson 2.14 writes past its buffer when an allocation fails (its issue 362),
 * so it may not see one fail: a daemon that starts again costs time, not mail.
 */
static void *
wipemem_jansson_malloc(size_t size)
{
	void *p = wipemem_wiping_malloc(size);

	if (p == NULL)
		abort();
	return p;
}

static void *
wipemem_openssl_malloc(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	/* OpenSSL takes NULL for an empty block, not for a failure */
	return size == 0 ? NULL : wipemem_wiping_malloc(size);
}

static void *
wipemem_openssl_realloc(void *p, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	if (size == 0) {
		wipemem_wiping_free(p);
		return NULL;
	}
	return wipemem_wiping_realloc(p, size);
}

static void
wipemem_openssl_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	wipemem_wiping_free(p);
}

int
wipemem_install(void)
{
	if (CRYPTO_set_mem_functions(wipemem_openssl_malloc,
		wipemem_openssl_realloc, wipemem_openssl_free) != 1)
		return -1;
	json_set_alloc_funcs(wipemem_jansson_malloc, wipemem_wiping_free);
	return curl_global_init_mem(CURL_GLOBAL_DEFAULT, wipemem_wiping_malloc,
		   wipemem_wiping_free, wipemem_wiping_realloc,
		   wipemem_wiping_strdup, wipemem_wiping_calloc) == CURLE_OK
	    ? 0
	    : -1;
}
