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
#include <sys/stat.h>

#include "agent/daemon/entra/account.h"
#include "agent/daemon/entra/entra.h"
#include "fake_http.h"
#include "pem_file.h"
#include "state_folder.h"

#define YES                                                  \
	"{\"token_type\": \"Bearer\", \"expires_in\": 3600," \
	" \"access_token\": \"a-token\"}"
#define NO                                \
	"{\"error\": \"invalid_client\"," \
	" \"error_description\": \"AADSTS7000215: Wrong.\"}"

#define WAITS -1
#define ENTRIES 2

/* A stand-in of the table: two entries of one application. */
static struct {
	const char *name;
	char file[64];
	struct credential *credential; /* NULL: none */
} entries[ENTRIES] = {{.name = "one"}, {.name = "two"}};

/* Somebody who waits, and how it ended. */
static struct client {
	struct waiter *waiter;
	int result; /* or WAITS */
	char text[400];
} clients[20];

static const struct identity app = {"tenant", "client"};
static struct conf conf;
static struct throttles *throttles;
static struct accounts *accounts;

static const struct credential *
find(void *ctx, const struct identity *id, const char *entry,
    char name[ENTRY_NAME_SIZE])
{
	size_t i;

	(void)ctx;
	for (i = 0; i < ENTRIES; i++)
		if (identity_equal(id, &app) && entries[i].credential != NULL &&
		    (entry[0] == '\0' || strcmp(entry, entries[i].name) == 0)) {
			strcpy(name, entries[i].name);
			return entries[i].credential;
		}
	return NULL;
}

static const struct credentials table = {.find = find};

/* Writes an entry's file; 0400. */
static void
write_file(size_t i, const char *text)
{
	FILE *out;

	unlink(entries[i].file);
	out = fopen(entries[i].file, "wx");
	if (strcmp(credential_attribute(entries[i].credential),
		"certificate_file") == 0)
		pem_write(out, text);
	else
		fputs(text, out);
	fclose(out);
	chmod(entries[i].file, 0400);
}

static void
give(size_t i, const char *attribute, const char *text)
{
	credential_free(&entries[i].credential);
	entries[i].credential =
	    credential_new(attribute, entries[i].file, NULL);
	write_file(i, text);
}

static void
on_done(void *ctx, enum account_result result, const struct secret *token,
    const char *text)
{
	struct client *client = ctx;

	assert_true(result != ACCOUNT_OK || token != NULL);
	client->waiter = NULL;
	client->result = (int)result;
	snprintf(client->text, sizeof(client->text), "%s", text);
}

/* A delivery of an entry wants a token. */
static struct client *
deliver(int n, const char *entry)
{
	clients[n].result = WAITS;
	clients[n].waiter =
	    account_token(accounts, &app, entry, NULL, on_done, &clients[n]);
	assert_non_null(clients[n].waiter);
	run();
	return &clients[n];
}

static struct client *
sign_in(int n, const char *text)
{
	struct secret *secret = secret_new(text, strlen(text));

	clients[n].result = WAITS;
	clients[n].waiter =
	    account_verify(accounts, &app, &secret, on_done, &clients[n]);
	assert_non_null(clients[n].waiter);
	run();
	return &clients[n];
}

/* Whether the last request shows this. */
static int
asks_with(const char *words)
{
	return fake_count > 0 && !fake_calls[fake_count - 1].ended &&
	    strstr(fake_calls[fake_count - 1].body, words) != NULL;
}

static void
answer(long status, const char *body)
{
	reply(fake_count - 1, status, body);
}

static int
is_in_state(void)
{
	struct state_credential c;
	int found = state_get(st, &app, &c, NULL);

	if (found == 1)
		state_credential_clear(&c);
	return found;
}

static int
begin(void **state)
{
	size_t i;

	(void)state;
	if (state_begin() == -1)
		return -1;
	memset(&conf, 0, sizeof(conf));
	conf.login_endpoint = strdup("https://login.test");
	conf.graph_endpoint = strdup("https://graph.test");
	conf.auth_cache_ttl = 600;
	conf.auth_outage_grace = 43200;
	conf.request_timeout = 120;
	for (i = 0; i < ENTRIES; i++)
		in_folder(entries[i].name, entries[i].file);
	fake_count = 0;
	base = event_base_new();
	throttles = throttles_new(base, st, NULL);
	accounts = accounts_new(base, &conf, NULL, st, throttles);
	if (accounts == NULL)
		return -1;
	accounts_use_credentials(accounts, &table);
	return 0;
}

static int
end(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ENTRIES; i++) {
		unlink(entries[i].file);
		credential_free(&entries[i].credential);
	}
	accounts_free(&accounts);
	throttles_free(&throttles);
	event_base_free(base);
	free(conf.login_endpoint);
	free(conf.graph_endpoint);
	return state_end();
}

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

/* Near its end a token is renewed; with a file that is wrong then, it serves. */
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_choice),
	    TEST(test_kinds),
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
