/*
 * What is known of one application (agent/daemon/entra/account_known.c), with a
 * fake clock: its token, its stored secret, and when not to ask.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/daemon/entra/account_known.h"
#include "agent/daemon/store/state_sql.h"
#include "fake_http.h"
#include "lib/base/log.h"
#include "state_folder.h"

#define SECOND 1000LL
#define HOUR (3600 * SECOND)

static struct conf conf = {.auth_cache_ttl = 600, .auth_outage_grace = 43200};
static struct account *account;
static unsigned char right[AUTH_CACHE_DIGEST_SIZE];

static struct account *
load(void)
{
	struct account *a = calloc(1, sizeof(*a));

	strcpy(a->key.id.tenant, "tenant");
	strcpy(a->key.id.client, "client");
	a->conf = &conf;
	a->state = st;
	account_known_load(a);
	return a;
}

/* As after a restart. */
static void
load_again(void)
{
	account_known_free(account);
	account = load();
}

static int
accept_secret(enum account_secret which, const char *text, long expires_in)
{
	struct secret *secret = secret_new(text, strlen(text));
	struct secret *token = secret_new("a-token", 7);
	int result =
	    account_known_accept(account, which, secret, token, expires_in);

	secret_free(&secret);
	secret_free(&token);
	return result;
}

static int
refuse_secret(const char *text, enum account_result result)
{
	struct secret *secret = secret_new(text, strlen(text));
	int stored = account_known_refuse(account, secret, result);

	secret_free(&secret);
	return stored;
}

static int
begin(void **state)
{
	struct secret *secret = secret_new("right", 5);

	(void)state;
	if (auth_cache_init() == -1 || state_begin(state) == -1)
		return -1;
	auth_cache_digest(secret, right);
	secret_free(&secret);
	base = event_base_new();
	account = load();
	return 0;
}

static int
end(void **state)
{
	(void)state;
	account_known_free(account);
	event_base_free(base);
	return state_end(state);
}

static void
test_nothing_is_known(void **state)
{
	struct error err;
	long long age;

	(void)state;
	assert_true(account_known_is_idle(account));
	assert_false(account->known);
	assert_false(account_known_has_token(account));
	assert_false(account_known_is_stored(account, right));
	assert_false(account_known_in_grace(account, &age));
	assert_null(account_known_take_stored(account, &err));
	assert_int_equal(err.class, ERROR_REFUSED);
	assert_null(account_known_quiet(account, ACCOUNT_STORED));
	assert_false(refuse_secret("wrong", ACCOUNT_REFUSED));
	assert_false(account->known);
}

/*
 * A row: how long a token lives, when the next is due, when it serves no more.
 */
static const struct {
	long lives; /* seconds */
	long due, ends;
} tokens[] = {
    {3600, 3300, 3590},
    {300, 150, 290},
    {20, 10, 15},
};

static void
test_token(void **state)
{
	struct secret *token = secret_new("a-token", 7);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(tokens) / sizeof(*tokens); i++) {
		accept_secret(ACCOUNT_TYPED, "right", tokens[i].lives);
		wait_ms(tokens[i].due * SECOND - 1);
		assert_false(account_known_is_renewal_due(account));
		wait_ms(1);
		assert_true(account_known_is_renewal_due(account));
		wait_ms((tokens[i].ends - tokens[i].due) * SECOND - 1);
		assert_true(account_known_has_token(account));
		wait_ms(1);
		assert_false(account_known_has_token(account));
		assert_false(account_known_is_renewal_due(account));
	}
	accept_secret(ACCOUNT_TYPED, "right", 3600);
	token->bytes[0] = 'A';
	account_known_drop_token(account, token);
	assert_true(account_known_has_token(account));
	token->bytes[0] = 'a';
	account_known_drop_token(account, token);
	assert_false(account_known_has_token(account));
	secret_free(&token);
}

static void
test_survives_a_restart(void **state)
{
	struct secret *secret;
	struct error err;

	(void)state;
	assert_int_equal(accept_secret(ACCOUNT_TYPED, "right", 3600), 0);
	wait_ms(1000 * SECOND);
	load_again();
	assert_true(account->known);
	assert_true(account_known_has_token(account));
	assert_true(account_known_is_stored(account, right));
	secret = account_known_take_stored(account, &err);
	assert_string_equal(secret->bytes, "right");
	secret_free(&secret);
	wait_ms(3000 * SECOND);
	load_again();
	assert_false(account_known_has_token(account));
	assert_true(account_known_is_idle(account));
}

/* An answer about the former stored secret does not change the present one. */
static void
test_late_answer(void **state)
{
	(void)state;
	accept_secret(ACCOUNT_TYPED, "old", 3600);
	accept_secret(ACCOUNT_TYPED, "right", 3600);
	assert_int_equal(accept_secret(ACCOUNT_STORED, "old", 3600), 0);
	assert_true(account_known_is_stored(account, right));
	assert_false(refuse_secret("old", ACCOUNT_REFUSED));
	load_again();
	assert_true(account_known_is_stored(account, right));
}

/* Each row: a secret that Entra accepts, and whether that is worth a line. */
static const struct {
	enum account_secret which;
	const char *secret;
	int said;
} audits[] = {
    {ACCOUNT_TYPED, "first", 0}, {ACCOUNT_TYPED, "first", 0},
    {ACCOUNT_STORED, "first", 0}, {ACCOUNT_TYPED, "second", 1},
    {ACCOUNT_TYPED, "second", 0},
    {ACCOUNT_STORED, "first", 0}, /* a late answer: it is no more stored */
};

static void
test_audit(void **state)
{
	static const char line[] =
	    "audit: application=tenant/client, action=replaced (";
	int saved = dup(STDERR_FILENO);
	char path[64], text[512];
	FILE *in;
	size_t i;

	(void)state;
	in_folder("log", path);
	log_open("test", LOG_TO_STDERR, LOG_LEVEL_INFO);
	for (i = 0; i < sizeof(audits) / sizeof(*audits); i++) {
		load_again();
		assert_non_null(freopen(path, "w", stderr));
		accept_secret(audits[i].which, audits[i].secret, 3600);
		fflush(stderr);
		dup2(saved, STDERR_FILENO);
		in = fopen(path, "r");
		text[fread(text, 1, sizeof(text) - 1, in)] = '\0';
		fclose(in);
		if ((strstr(text, line) != NULL) != audits[i].said ||
		    strstr(text, audits[i].secret) != NULL)
			fail_msg("row %zu: %s", i, text);
	}
	close(saved);
	unlink(path);
}

/* What ends the grace of an outage: time, and Entra's no to the secret. */
static void
test_grace(void **state)
{
	long long age;

	(void)state;
	accept_secret(ACCOUNT_TYPED, "right", 3600);
	wait_ms(12 * HOUR);
	assert_true(account_known_in_grace(account, &age));
	assert_int_equal(age, 43200);
	wait_ms(SECOND);
	assert_false(account_known_in_grace(account, &age));
	/* a token that lives longer is Entra's word as well */
	accept_secret(ACCOUNT_STORED, "right", 24 * 3600);
	wait_ms(20 * HOUR);
	assert_true(account_known_in_grace(account, &age));
	assert_true(refuse_secret("right", ACCOUNT_REFUSED_REQUEST));
	assert_true(account_known_in_grace(account, &age));
	assert_true(refuse_secret("right", ACCOUNT_REFUSED));
	assert_false(account_known_in_grace(account, &age));
	load_again();
	assert_false(account_known_in_grace(account, &age));
	assert_true(account_known_is_stored(account, right));
}

/* Each failure doubles the pause, up to four seconds; an answer ends it. */
static void
test_outage(void **state)
{
	static const long long pauses[] = {1000, 2000, 4000, 4000};
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		account_known_fail(account, ACCOUNT_STORED, "no answer");
		wait_ms(pauses[i] - 1);
		assert_non_null(account_known_quiet(account, ACCOUNT_STORED));
		assert_non_null(account_known_quiet(account, ACCOUNT_TYPED));
		wait_ms(1);
		assert_null(account_known_quiet(account, ACCOUNT_STORED));
	}
	assert_true(account->out);
	account_known_fail(account, ACCOUNT_STORED, "no answer");
	account_known_answered(account, ACCOUNT_STORED);
	assert_null(account_known_quiet(account, ACCOUNT_STORED));
	assert_false(account->out);
	/* nor does what is typed keep the stored secret off */
	account_known_fail(account, ACCOUNT_TYPED, "no answer");
	assert_null(account_known_quiet(account, ACCOUNT_STORED));
	assert_string_equal(
	    account_known_quiet(account, ACCOUNT_TYPED)->text, "no answer");
	assert_false(account->out);
}

/* What Entra has refused since is not accepted from the cache. */
static void
test_no_more_cached(void **state)
{
	(void)state;
	accept_secret(ACCOUNT_TYPED, "right", 3600);
	assert_true(auth_cache_find(&account->auth_cache, right, HOUR));
	assert_true(refuse_secret("right", ACCOUNT_REFUSED));
	assert_false(auth_cache_find(&account->auth_cache, right, HOUR));
}

/* A refusal of the stored secret keeps nobody off who types another. */
static void
test_refusal(void **state)
{
	(void)state;
	accept_secret(ACCOUNT_TYPED, "right", 3600);
	account_known_be_quiet(
	    account, ACCOUNT_STORED, 5 * SECOND, ACCOUNT_REFUSED, "refused");
	assert_non_null(account_known_quiet(account, ACCOUNT_STORED));
	assert_null(account_known_quiet(account, ACCOUNT_TYPED));
	assert_false(account_known_is_idle(account));
	accept_secret(ACCOUNT_TYPED, "new", 3600);
	assert_null(account_known_quiet(account, ACCOUNT_STORED));
	assert_false(account_known_is_stored(account, right));
}

/* A secret that could not be kept is "not now", and Entra is left alone. */
static void
test_state_is_lost(void **state)
{
	(void)state;
	sqlite3_exec(st->db, "DROP TABLE credential", NULL, NULL, NULL);
	assert_int_equal(accept_secret(ACCOUNT_TYPED, "right", 3600), -1);
	assert_int_equal(account_known_quiet(account, ACCOUNT_TYPED)->result,
	    ACCOUNT_UNAVAILABLE);
	assert_false(account_known_is_stored(account, right));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_nothing_is_known),
	    TEST(test_token),
	    TEST(test_survives_a_restart),
	    TEST(test_late_answer),
	    TEST(test_audit),
	    TEST(test_grace),
	    TEST(test_outage),
	    TEST(test_no_more_cached),
	    TEST(test_refusal),
	    TEST(test_state_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
