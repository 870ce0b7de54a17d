/*
 * What is remembered of secrets (agent/daemon/entra/auth_cache.c), as a script:
 * at a row's time a secret is accepted, forgotten, or asked about.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent/daemon/base/clock.h"
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "agent/daemon/entra/auth_cache.h"

#define TTL_MS (600 * 1000LL)
#define SECOND 1000LL

/* Answers to ASK. */
#define UNKNOWN 0
#define ACCEPTED 1

enum what { BEGIN, ACCEPT, FORGET, ASK, ANY };

struct step {
	long long wait; /* seconds before it */
	enum what what;
	const char *secret; /* or what the script is about, for BEGIN */
	int answer; /* of ASK and ANY */
};

static const struct step steps[] = {
    {0, BEGIN, "nothing is known at first", 0},
    {0, ASK, "a", UNKNOWN},
    {0, ASK, "", UNKNOWN},
    {0, ANY, NULL, 0},

    {0, BEGIN, "acceptance lasts as long as its cache", 0},
    {0, ACCEPT, "a", 0},
    {0, ASK, "a", ACCEPTED},
    {0, ASK, "A", UNKNOWN},
    {0, ASK, "aa", UNKNOWN},
    {599, ASK, "a", ACCEPTED},
    {0, ANY, NULL, 1},
    {2, ASK, "a", UNKNOWN},
    {0, ANY, NULL, 0},

    {0, BEGIN, "what was said last counts, and from then on", 0},
    {0, ACCEPT, "a", 0},
    {599, ACCEPT, "a", 0},
    {599, ASK, "a", ACCEPTED},
    {0, FORGET, "a", 0},
    {0, ASK, "a", UNKNOWN},
    {0, ANY, NULL, 0},

    {0, BEGIN, "of accepted ones the oldest goes", 0},
    {0, ACCEPT, "1", 0},
    {1, ACCEPT, "2", 0},
    {1, ACCEPT, "3", 0},
    {1, ACCEPT, "4", 0},
    {1, ACCEPT, "1", 0},
    {1, ACCEPT, "5", 0},
    {0, ASK, "1", ACCEPTED},
    {0, ASK, "2", UNKNOWN},
    {0, ASK, "3", ACCEPTED},
    {0, ASK, "4", ACCEPTED},
    {0, ASK, "5", ACCEPTED},

    {0, BEGIN, "a day passes as an hour does", 0},
    {0, ACCEPT, "a", 0},
    {86400, ASK, "a", UNKNOWN},
    {0, ACCEPT, "a", 0},
    {0, ASK, "a", ACCEPTED},
};

static struct secret *
secret_of(const char *s)
{
	struct secret *secret = secret_new(s, strlen(s));

	assert_non_null(secret);
	return secret;
}

static int
find(const struct auth_cache *auth_cache, const char *s, long long ttl_ms)
{
	unsigned char digest[AUTH_CACHE_DIGEST_SIZE];
	struct secret *secret = secret_of(s);

	auth_cache_digest(secret, digest);
	secret_free(&secret);
	return auth_cache_find(auth_cache, digest, ttl_ms);
}

static void
change(struct auth_cache *auth_cache, const char *s, enum what what)
{
	unsigned char digest[AUTH_CACHE_DIGEST_SIZE];
	struct secret *secret = secret_of(s);

	auth_cache_digest(secret, digest);
	secret_free(&secret);
	if (what == ACCEPT)
		auth_cache_remember(auth_cache, digest);
	else
		auth_cache_forget(auth_cache, digest);
}

static void
do_step(struct auth_cache *auth_cache, const struct step *t, size_t row)
{
	int answer = t->answer;

	switch (t->what) {
	case BEGIN:
		memset(auth_cache, 0, sizeof(*auth_cache));
		return;
	case ACCEPT:
	case FORGET:
		change(auth_cache, t->secret, t->what);
		return;
	case ASK:
		answer = find(auth_cache, t->secret, TTL_MS);
		break;
	case ANY:
		answer = auth_cache_any(auth_cache, TTL_MS);
		break;
	}
	if (answer != t->answer)
		fail_msg("row %zu: %d", row, answer);
}

static void
test_script(void **state)
{
	struct auth_cache auth_cache = {0};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		clock_advance(steps[i].wait * SECOND);
		do_step(&auth_cache, &steps[i], i);
	}
}

/* With auth_cache_ttl = 0 nothing that was accepted is believed later. */
static void
test_no_cache(void **state)
{
	struct auth_cache auth_cache = {0};

	(void)state;
	change(&auth_cache, "a", ACCEPT);
	assert_int_equal(find(&auth_cache, "a", 0), UNKNOWN);
	assert_int_equal(auth_cache_any(&auth_cache, 0), 0);
}

/* Nothing of the secret is in what is kept, and another start, another key. */
static void
test_digest(void **state)
{
	unsigned char first[AUTH_CACHE_DIGEST_SIZE],
	    second[AUTH_CACHE_DIGEST_SIZE];
	struct secret *secret = secret_of("Abc8Q~secret");
	struct auth_cache auth_cache = {0};

	(void)state;
	auth_cache_digest(secret, first);
	auth_cache_digest(secret, second);
	assert_memory_equal(first, second, sizeof(first));
	auth_cache_remember(&auth_cache, first);
	assert_null(memmem(
	    &auth_cache, sizeof(auth_cache), secret->bytes, secret->len));
	assert_int_equal(auth_cache_init(), 0);
	auth_cache_digest(secret, second);
	assert_memory_not_equal(first, second, sizeof(first));
	assert_int_equal(find(&auth_cache, "Abc8Q~secret", TTL_MS), UNKNOWN);
	secret_free(&secret);
}

/* Secrets differ in every byte, also behind a NUL. */
static void
test_bytes(void **state)
{
	struct secret *a = secret_new("a\0b", 3), *b = secret_new("a\0c", 3);
	unsigned char first[AUTH_CACHE_DIGEST_SIZE],
	    second[AUTH_CACHE_DIGEST_SIZE];

	(void)state;
	auth_cache_digest(a, first);
	auth_cache_digest(b, second);
	assert_memory_not_equal(first, second, sizeof(first));
	secret_free(&a);
	secret_free(&b);
}

/* In the place of OpenSSL's: without memory there is no digest. */
static int hmac_fails;

unsigned char *
HMAC(const EVP_MD *md, const void *key, int key_len, const unsigned char *bytes,
    size_t len, unsigned char *digest, unsigned int *digest_len)
{
	size_t out = AUTH_CACHE_DIGEST_SIZE;

	(void)digest_len;
	if (hmac_fails)
		return NULL;
	return EVP_Q_mac(NULL, "HMAC", NULL, EVP_MD_get0_name(md), NULL, key,
	    (size_t)key_len, bytes, len, digest, out, &out);
}

/* Two secrets without one are not the same. */
static void
test_no_digest(void **state)
{
	struct auth_cache auth_cache = {0};

	(void)state;
	hmac_fails = 1;
	change(&auth_cache, "a", ACCEPT);
	assert_int_equal(find(&auth_cache, "a", TTL_MS), UNKNOWN);
	assert_int_equal(find(&auth_cache, "b", TTL_MS), UNKNOWN);
	hmac_fails = 0;
	assert_int_equal(find(&auth_cache, "a", TTL_MS), UNKNOWN);
}

/* The clocks go forward together when a test says so. */
static void
test_clock(void **state)
{
	long long ms = clock_ms(), wall = clock_wall();

	(void)state;
	clock_advance(24 * 3600 * SECOND);
	assert_in_range(clock_ms() - ms, 86400000, 86460000);
	assert_in_range(clock_wall() - wall, 86400, 86460);
}

static int
set_up(void **state)
{
	(void)state;
	return auth_cache_init();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_script),
	    cmocka_unit_test(test_no_cache),
	    cmocka_unit_test(test_digest),
	    cmocka_unit_test(test_bytes),
	    cmocka_unit_test(test_no_digest),
	    cmocka_unit_test(test_clock),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
