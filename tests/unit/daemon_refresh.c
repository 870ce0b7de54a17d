/*
 * One request to Entra, and what is kept of its answer
 * (agent/daemon/entra/refresh.c), with a fake http and clock.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/daemon/entra/refresh.h"
#include "fake_http.h"
#include "state_folder.h"

#define TOKEN                                                \
	"{\"token_type\": \"Bearer\", \"expires_in\": 3600," \
	" \"access_token\": \"a-token\"}"
#define REFUSAL "{\"error\": \"invalid_client\"}"
#define REQUEST "{\"error\": \"invalid_request\"}"

static struct conf conf = {
    .auth_cache_ttl = 600, .auth_outage_grace = 43200, .request_timeout = 120};
static struct refresh_with with = {.conf = &conf};
static struct account *account;
static struct refresh *refresh;
static int done; /* how often */
static enum account_result result;

static void
on_done(void *ctx, enum account_result what,
    const unsigned char digest[AUTH_CACHE_DIGEST_SIZE], const char *text)
{
	assert_ptr_equal(ctx, &done);
	assert_non_null(text);
	assert_true(refresh_is_about(refresh, digest));
	refresh = NULL;
	result = what;
	done++;
}

/* Asks about a secret, or with the stored one. Returns the request's number. */
static int
ask(const char *text)
{
	struct secret *secret =
	    text == NULL ? NULL : secret_new(text, strlen(text));

	refresh = refresh_start(&with, account, secret, on_done, &done);
	/* whoever has typed it may hang up now */
	secret_free(&secret);
	return fake_count - 1;
}

static const struct account_quiet *
quiet(enum account_secret which)
{
	return account_known_quiet(account, which);
}

static int
begin(void **state)
{
	(void)state;
	if (auth_cache_init() == -1 || state_begin(state) == -1)
		return -1;
	conf.login_endpoint = strdup("https://login.test");
	conf.graph_endpoint = strdup("https://graph.test");
	base = event_base_new();
	with.throttles = throttles_new(base, st, NULL);
	with.refusals = refusals_new(100);
	account = calloc(1, sizeof(*account));
	strcpy(account->key.id.tenant, "tenant");
	strcpy(account->key.id.client, "client");
	account->conf = &conf;
	account->state = st;
	fake_count = done = 0;
	return 0;
}

static int
end(void **state)
{
	(void)state;
	refresh_cancel(&refresh);
	account_known_free(account);
	throttles_free(&with.throttles);
	refusals_free(&with.refusals);
	event_base_free(base);
	free(conf.login_endpoint);
	free(conf.graph_endpoint);
	return state_end(state);
}

/* Each row: the answer, what it means, and what is asked no more after it. */
static const struct {
	long status;
	const char *body;
	enum account_result result;
	int known, quiet_typed, is_refusal;
} rows[] = {
    {200, TOKEN, ACCOUNT_OK, 1, 0, 0},
    {200, "{}", ACCOUNT_UNAVAILABLE, 0, 1, 0},
    {401, REFUSAL, ACCOUNT_REFUSED, 0, 0, 1},
    {400, REQUEST, ACCOUNT_REFUSED_REQUEST, 0, 0, 1},
    {429, "", ACCOUNT_THROTTLED, 0, 1, 0},
    {503, "", ACCOUNT_UNAVAILABLE, 0, 1, 0},
    {0, "", ACCOUNT_UNAVAILABLE, 0, 1, 0},
};

static void
test_answers(void **state)
{
	unsigned char digest[AUTH_CACHE_DIGEST_SIZE];
	struct secret *secret = secret_new("typed", 5);
	size_t i;

	auth_cache_digest(secret, digest);
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (i > 0)
			begin(state);
		auth_cache_digest(secret, digest);
		reply(ask("typed"), rows[i].status, rows[i].body);
		assert_int_equal(done, 1);
		if (result != rows[i].result ||
		    account->known != rows[i].known ||
		    (quiet(ACCOUNT_TYPED) != NULL) != rows[i].quiet_typed ||
		    (refusals_find(with.refusals, &account->key.id, digest) !=
			NULL) != rows[i].is_refusal)
			fail_msg("row %zu: %d", i, (int)result);
		assert_int_equal(
		    account_known_is_stored(account, digest), rows[i].known);
		if (i + 1 < sizeof(rows) / sizeof(*rows))
			end(state);
	}
	secret_free(&secret);
}

static void
test_stored(void **state)
{
	int n;

	(void)state;
	reply(ask("right"), 200, TOKEN);
	n = ask(NULL);
	assert_non_null(strstr(fake_calls[n].url, "/tenant/oauth2/"));
	assert_non_null(strstr(fake_calls[n].body, "client_secret=right"));
	wait_ms(1234);
	assert_int_equal(refresh_age(refresh), 1234);
	reply(n, 401, REFUSAL);
	assert_int_equal(result, ACCOUNT_REFUSED);
	/* mail waits; somebody who types another secret does not */
	assert_int_equal(quiet(ACCOUNT_STORED)->result, ACCOUNT_REFUSED);
	assert_null(quiet(ACCOUNT_TYPED));
	assert_true(account_known_is_warned(account));
	/* what was wrong is right again */
	reply(ask("right"), 200, TOKEN);
	assert_null(quiet(ACCOUNT_STORED));
	assert_false(account_known_is_warned(account));
}

/* No request is made, and the account says why. */
static void
test_cannot_start(void **state)
{
	(void)state;
	ask(NULL);
	assert_null(refresh);
	assert_int_equal(quiet(ACCOUNT_STORED)->result, ACCOUNT_UNKNOWN);
	wait_ms(1000);
	assert_null(quiet(ACCOUNT_STORED));
	throttle_by_entra(with.throttles, &account->key.id, 60, NULL);
	ask("typed");
	assert_null(refresh);
	assert_int_equal(quiet(ACCOUNT_TYPED)->result, ACCOUNT_THROTTLED);
	wait_ms(59999);
	assert_non_null(quiet(ACCOUNT_TYPED));
	wait_ms(1);
	assert_null(quiet(ACCOUNT_TYPED));
	assert_int_equal(fake_count, 0);
	assert_int_equal(done, 0);
}

/* Only a known application's throttle is kept, and may become its tenant's. */
static void
test_throttled(void **state)
{
	(void)state;
	reply(ask("typed"), 429, "");
	assert_int_equal(
	    throttle_left_entra(with.throttles, &account->key.id), 0);
	wait_ms(10 * 1000);
	reply(ask("right"), 200, TOKEN);
	reply(ask(NULL), 429, "");
	assert_int_equal(
	    throttle_left_entra(with.throttles, &account->key.id), 10 * 1000);
	assert_int_equal(quiet(ACCOUNT_STORED)->result, ACCOUNT_THROTTLED);
	/* that is an answer: it is no outage */
	assert_false(account->out);
}

static void
test_cancelled(void **state)
{
	(void)state;
	ask("typed");
	refresh_cancel(&refresh);
	assert_null(refresh);
	assert_true(fake_calls[0].ended);
	refresh_cancel(&refresh);
	ask("typed"); /* is under way at the end */
	assert_int_equal(done, 0);
}

/*
 * Each row: what was asked with, the answer, and whether mail has no token
 * then.
 */
static const struct {
	const char *secret; /* NULL: the stored one */
	long status; /* 0 with no body: nobody answers */
	const char *body;
	int fails;
} failures[] = {
    {"right", 200, TOKEN, 0},
    {"typed", 401, REFUSAL, 0}, /* somebody's wrong secret is not the mail's */
    {NULL, 401, REFUSAL, 1},
    {NULL, 503, "", 1},
    {"typed", 401, REFUSAL, 1},
    {NULL, 200, TOKEN, 0},
    {NULL, 429, "", 1},
    {"right", 200, TOKEN, 0},
    {NULL, 0, "", 1},
    {"another", 200, TOKEN, 0},
};

static void
test_who_looks_on(void **state)
{
	const struct activity_row *row;
	long long since = 0;
	size_t i;

	(void)state;
	with.activity = activity_new();
	for (i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		reply(ask(failures[i].secret), failures[i].status,
		    failures[i].body);
		row = activity_failing_at(with.activity, 0);
		if ((row != NULL) != failures[i].fails)
			fail_msg("row %zu", i);
		/* the time is that of the first failure */
		if (row != NULL && since != 0)
			assert_int_equal(row->failing_since, since);
		since = row == NULL ? 0 : row->failing_since;
		wait_ms(3600 * 1000);
	}
	activity_free(&with.activity);
}

/* Nothing is stored to ask with: that is why. */
static void
test_who_looks_on_without_a_secret(void **state)
{
	(void)state;
	with.activity = activity_new();
	ask(NULL);
	assert_non_null(strstr(
	    activity_failing_at(with.activity, 0)->why, "must sign in again"));
	activity_free(&with.activity);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_answers),
	    TEST(test_stored),
	    TEST(test_cannot_start),
	    TEST(test_throttled),
	    TEST(test_cancelled),
	    TEST(test_who_looks_on),
	    TEST(test_who_looks_on_without_a_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
