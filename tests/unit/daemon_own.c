/*
 * Tokens for mail of entries that have a credential of their own
 * (agent/daemon/entra/sign_in.c, refresh.c): which credential is used, and that
 * none of it meets what clients sign in with. With a fake http and clock.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_http.h"
#include "own_entries.h"

/* --- which credential is used --- */

/*
 * Each row: which entries have one, whether a client's secret is stored, the
 * message's entry, and what Entra is shown; NULL: nothing, mail waits.
 */
static const struct {
	int one, two, stored;
	const char *entry, *shown;
} choices[] = {
    {1, 1, 1, "one", "=own-1"},
    {1, 1, 1, "two", "=own-2"},
    {1, 0, 1, "two", "=typed"}, /* renamed, disabled, without a credential */
    {1, 1, 1, "gone", "=typed"},
    {1, 1, 1, "", "=typed"},
    {1, 1, 0, "gone", "=own-1"},
    {0, 1, 0, "one", "=own-2"},
    {0, 1, 0, "", "=own-2"},
    {0, 0, 1, "one", "=typed"},
    {0, 0, 0, "one", NULL},
    {0, 0, 0, "", NULL},
};

static void
test_choice(void **state)
{
	struct client *mail;
	size_t i;

	for (i = 0; i < sizeof(choices) / sizeof(*choices); i++) {
		if (i > 0)
			begin(state);
		if (choices[i].stored) {
			sign_in(0, "typed");
			answer(200, YES);
			/* the token that came then ends */
			wait_ms(3600 * 1000);
		}
		if (choices[i].one)
			give(0, "secret_file", "own-1\n");
		if (choices[i].two)
			give(1, "secret_file", "own-2\n");
		mail = deliver(1, choices[i].entry);
		if (choices[i].shown == NULL) {
			assert_int_equal(mail->result, ACCOUNT_UNKNOWN);
			assert_int_equal(fake_count, 0);
		} else {
			if (!asks_with(choices[i].shown))
				fail_msg("row %zu", i);
			answer(200, YES);
			assert_int_equal(mail->result, ACCOUNT_OK);
		}
		if (i + 1 < sizeof(choices) / sizeof(*choices))
			end(state);
	}
}

/* Each row: a kind, its file, and what the request carries. */
static const struct {
	const char *attribute, *text, *shown;
} kinds[] = {
    {"secret_file", "own&secret", "&client_secret=own%26secret"},
    {"federated_token_file", "eyJ.eyJ.c-_",
	"&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3A"
	"client-assertion-type%3Ajwt-bearer&client_assertion=eyJ.eyJ.c-_"},
    {"certificate_file", "kc",
	"jwt-bearer&client_assertion=eyJhbGciOiJQUzI1NiIs"},
};

static void
test_kinds(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		give(0, kinds[i].attribute, kinds[i].text);
		deliver(0, "one");
		assert_true(asks_with(kinds[i].shown));
		/* that, or a secret */
		assert_true(asks_with("client_secret") == (i == 0));
		answer(200, YES);
		assert_int_equal(clients[0].result, ACCOUNT_OK);
		wait_ms(3600 * 1000);
	}
}

static const char *
resource(const struct conf *settings)
{
	assert_ptr_equal(settings, &conf);
	return "https://storage.azure.com";
}

/* For another resource the entry's own credential counts, and no other. */
static void
test_resource(void **state)
{
	struct accounts *graph = accounts;

	(void)state;
	accounts = accounts_new(base, &conf, NULL, st, throttles, resource);
	assert_non_null(accounts);
	accounts_use_credentials(accounts, &table);
	give(0, "secret_file", "own");
	deliver(0, "one");
	assert_true(asks_with(
	    "&scope=https%3A%2F%2Fstorage.azure.com%2F.default&client_secret"));
	answer(200, YES);
	assert_int_equal(clients[0].result, ACCOUNT_OK);
	assert_int_equal(is_in_state(), 0);
	assert_int_equal(deliver(1, "two")->result, ACCOUNT_UNKNOWN);
	assert_int_equal(fake_count, 1);
	accounts_free(&accounts);
	/* and Graph's token is another one */
	accounts = graph;
	deliver(2, "one");
	assert_true(asks_with("&scope=https%3A%2F%2Fgraph.test%2F.default"));
}

/* --- it does not meet what clients sign in with --- */

static void
test_no_sign_in(void **state)
{
	int before;

	(void)state;
	give(0, "secret_file", "own");
	deliver(0, "one");
	answer(200, YES);
	assert_int_equal(clients[0].result, ACCOUNT_OK);
	assert_int_equal(is_in_state(), 0);
	/* whoever has found it must hear Entra's own word */
	before = fake_count;
	sign_in(1, "own");
	assert_int_equal(fake_count, before + 1);
	assert_true(asks_with("client_secret=own"));
	assert_int_equal(clients[1].result, WAITS);
	answer(401, NO);
	assert_int_equal(clients[1].result, ACCOUNT_REFUSED);
	/* and that is no matter for mail */
	assert_int_equal(deliver(2, "one")->result, ACCOUNT_OK);
	/* nor is a token of clients one for mail of the entry */
	sign_in(3, "typed");
	answer(200, YES);
	assert_int_equal(is_in_state(), 1);
	wait_ms(3600 * 1000);
	sign_in(3, "typed");
	answer(200, YES);
	deliver(4, "one");
	assert_true(asks_with("client_secret=own"));
	answer(200, YES);
	assert_int_equal(deliver(5, "")->result, ACCOUNT_OK);
}

/* What Entra says against an own credential keeps no client from signing in. */
static void
test_no_guess(void **state)
{
	int i;

	(void)state;
	give(0, "secret_file", "own");
	for (i = 0; i < 12; i++) {
		deliver(0, "one");
		answer(401, NO);
		assert_int_equal(clients[0].result, ACCOUNT_REFUSED_REQUEST);
		wait_ms(5000);
	}
	sign_in(1, "own");
	assert_int_equal(clients[1].result, WAITS);
	answer(200, YES);
	assert_int_equal(clients[1].result, ACCOUNT_OK);
}

/* --- trouble --- */

/* Mail waits, with the reason; the file that is put right is read again. */
static void
test_refused(void **state)
{
	char said[200];
	int before;

	(void)state;
	give(0, "secret_file", "mistyped");
	deliver(0, "one");
	deliver(1, "one");
	answer(401, NO);
	snprintf(said, sizeof(said),
	    "entry one, secret_file %s: AADSTS7000215: Wrong.",
	    entries[0].file);
	assert_int_equal(clients[0].result, ACCOUNT_REFUSED_REQUEST);
	assert_int_equal(clients[1].result, ACCOUNT_REFUSED_REQUEST);
	assert_string_equal(clients[0].text, said);
	before = fake_count;
	assert_int_equal(deliver(0, "one")->result, ACCOUNT_REFUSED_REQUEST);
	assert_string_equal(clients[0].text, said);
	assert_int_equal(fake_count, before);
	write_file(0, "right");
	wait_ms(5000);
	deliver(0, "one");
	assert_true(asks_with("client_secret=right"));
	answer(200, YES);
	assert_int_equal(clients[0].result, ACCOUNT_OK);
}

static void
test_misconfigured(void **state)
{
	(void)state;
	give(0, "secret_file", "own");
	chmod(entries[0].file, 0440);
	assert_int_equal(deliver(0, "one")->result, ACCOUNT_MISCONFIGURED);
	assert_non_null(strstr(clients[0].text, "entry one: secret_file /tmp"));
	assert_non_null(strstr(clients[0].text, "run: chmod 0400"));
	assert_int_equal(fake_count, 0);
	chmod(entries[0].file, 0400);
	wait_ms(1000);
	deliver(0, "one");
	answer(200, YES);
	assert_int_equal(clients[0].result, ACCOUNT_OK);
}

/*
 * Near its end a token is renewed; with a file that is wrong then, it serves.
 */
static void
test_renewal(void **state)
{
	(void)state;
	give(0, "federated_token_file", "a.b.c");
	deliver(0, "one");
	answer(200, YES);
	write_file(0, "d.e.f");
	wait_ms(3400 * 1000);
	assert_int_equal(deliver(0, "one")->result, ACCOUNT_OK);
	assert_true(asks_with("client_assertion=d.e.f"));
	answer(503, "");
	write_file(0, "no token");
	wait_ms(10 * 1000);
	assert_int_equal(deliver(0, "one")->result, ACCOUNT_OK);
}

/* Entra throttles the application and not its entries. */
static void
test_throttled(void **state)
{
	(void)state;
	give(0, "secret_file", "own-1");
	give(1, "secret_file", "own-2");
	deliver(0, "one");
	answer(429, "");
	assert_int_equal(clients[0].result, ACCOUNT_THROTTLED);
	assert_int_equal(deliver(1, "two")->result, ACCOUNT_THROTTLED);
	assert_int_equal(fake_count, 1);
	wait_ms(10 * 1000);
	deliver(1, "two");
	answer(200, YES);
	assert_int_equal(clients[1].result, ACCOUNT_OK);
}

/* A text of Entra's that repeats a part of an assertion is left out. */
static void
test_words_are_left_out(void **state)
{
	char token[3000], body[400];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(token) - 1; i++)
		token[i] = (char)('a' + (i * i + i / 26) % 26);
	token[sizeof(token) - 1] = '\0';
	token[20] = token[200] = '.';
	give(0, "federated_token_file", token);
	deliver(0, "one");
	snprintf(body, sizeof(body),
	    "{\"error\": \"invalid_client\", \"error_codes\": [700027],"
	    " \"error_description\": \"AADSTS700027: '%.16s' is wrong\"}",
	    token + 2500);
	answer(401, body);
	assert_non_null(strstr(clients[0].text, "AADSTS700027: Entra's words"));
	assert_null(strstr(clients[0].text, "is wrong"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

static int
begin_all(void **state)
{
	(void)state;
	pem_begin();
	return 0;
}

static int
end_all(void **state)
{
	(void)state;
	pem_end();
	return 0;
}

/*
 * An admin has a new token asked for: mail goes on with the one that is there.
 */
static void
test_asked_anew(void **state)
{
	struct client *admin = &clients[5];
	static const struct {
		long status;
		const char *body;
		int result;
	} answers[] = {
	    {503, "", ACCOUNT_UNAVAILABLE},
	    {401, NO, ACCOUNT_REFUSED_REQUEST},
	    {200, YES, ACCOUNT_OK},
	};
	size_t i, before;

	(void)state;
	give(0, "secret_file", "own-1\n");
	deliver(1, "one");
	answer(200, YES);
	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		before = fake_count;
		admin->result = WAITS;
		admin->waiter =
		    account_renew(accounts, &app, "one", on_done, admin);
		assert_non_null(admin->waiter);
		run();
		assert_int_equal(fake_count, before + 1);
		assert_int_equal(deliver(2, "one")->result, ACCOUNT_OK);
		assert_int_equal(admin->result, WAITS);
		answer(answers[i].status, answers[i].body);
		assert_int_equal(admin->result, answers[i].result);
		assert_int_equal(deliver(3, "one")->result, ACCOUNT_OK);
		assert_int_equal(fake_count, before + 1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_choice),
	    TEST(test_asked_anew),
	    TEST(test_kinds),
	    TEST(test_resource),
	    TEST(test_no_sign_in),
	    TEST(test_no_guess),
	    TEST(test_refused),
	    TEST(test_misconfigured),
	    TEST(test_renewal),
	    TEST(test_throttled),
	    TEST(test_words_are_left_out),
	};

	return cmocka_run_group_tests(tests, begin_all, end_all);
}
