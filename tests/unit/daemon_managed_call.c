/*
 * Tokens of managed identities for mail of an entry
 * (agent/daemon/entra/managed.c, refresh.c): the requests, and when a service
 * that is not ready is asked again. With a fake http and clock.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_http.h"
#include "own_entries.h"

#define C "66666666-7777-8888-9999-aaaaaaaaaaaa"
#define TOKEN "{\"access_token\":\"a-token\",\"expires_in\":\"3600\"}"
#define NOT_FOUND                         \
	"{\"error\":\"invalid_request\"," \
	"\"error_description\":\"Identity not found\"}"
#define QUERY "resource=https%3A%2F%2Fgraph.test"

static void
manage(const char *identity)
{
	credential_free(&entries[0].credential);
	entries[0].credential =
	    credential_new("managed_identity", identity, NULL);
	assert_non_null(entries[0].credential);
}

/* Each row: the entry's word, and where it is asked. */
static const struct {
	const char *identity, *endpoint, *url;
} places[] = {
    {"system", NULL,
	"http://169.254.169.254/metadata/identity/oauth2/token"
	"?api-version=2018-02-01&" QUERY},
    {C, NULL,
	"http://169.254.169.254/metadata/identity/oauth2/token"
	"?api-version=2018-02-01&" QUERY "&client_id=" C},
    {"ZmZmZnd3iIiZmaqqqqqqqg", NULL,
	"http://169.254.169.254/metadata/identity/oauth2/token"
	"?api-version=2018-02-01&" QUERY "&client_id=" C},
    {"arc", NULL,
	"http://127.0.0.1:40342/metadata/identity/oauth2/token"
	"?api-version=2019-11-01&" QUERY},
    {"system", "http://127.0.0.1:1",
	"http://127.0.0.1:1/metadata/identity/oauth2/token"
	"?api-version=2018-02-01&" QUERY},
    {"arc", "http://[::1]:1",
	"http://[::1]:1/metadata/identity/oauth2/token"
	"?api-version=2019-11-01&" QUERY},
};

static void
test_requests(void **state)
{
	char endpoint[40];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(places) / sizeof(*places); i++) {
		conf.imds_endpoint = NULL;
		if (places[i].endpoint != NULL)
			conf.imds_endpoint =
			    strcpy(endpoint, places[i].endpoint);
		manage(places[i].identity);
		deliver(0, "one");
		assert_int_equal(fake_count, (int)i + 1);
		assert_string_equal(fake_calls[i].url, places[i].url);
		assert_string_equal(fake_calls[i].header, "Metadata: true");
		assert_string_equal(fake_calls[i].basic, "");
		answer(200, TOKEN);
		assert_int_equal(clients[0].result, ACCOUNT_OK);
		/* it lasts for the next message */
		assert_int_equal(deliver(1, "one")->result, ACCOUNT_OK);
		assert_int_equal(fake_count, (int)i + 1);
		wait_ms(3600 * 1000);
	}
	assert_int_equal(is_in_state(), 0);
}

/* Not ready, and asked again after 2, 4 and 8 seconds. */
static void
test_again(void **state)
{
	static const long statuses[] = {404, 410, 429, 503};
	struct client *mail;
	int i;

	(void)state;
	manage("system");
	mail = deliver(0, "one");
	for (i = 0; i < 3; i++) {
		assert_int_equal(fake_count, i + 1);
		answer(statuses[i], "");
		wait_ms((2000 << i) - 100);
		assert_int_equal(fake_count, i + 1);
		wait_ms(200);
	}
	assert_int_equal(fake_count, 4);
	assert_int_equal(mail->result, WAITS);
	answer(200, TOKEN);
	assert_int_equal(mail->result, ACCOUNT_OK);
}

/* What is not ready then is out of reach; that concerns nobody else. */
static void
test_not_ready(void **state)
{
	struct client *mail;
	int i;

	(void)state;
	manage("system");
	give(1, "secret_file", "own");
	mail = deliver(0, "one");
	for (i = 0; i < 4; i++) {
		answer(429, "");
		wait_ms(10000);
	}
	assert_int_equal(fake_count, 4);
	assert_int_equal(mail->result, ACCOUNT_UNAVAILABLE);
	assert_string_equal(
	    mail->text, "IMDS answered HTTP 429 (no error code)");
	deliver(1, "two");
	assert_true(asks_with("client_secret=own"));
	answer(200, YES);
	/* and it is asked again for the next message */
	deliver(2, "one");
	answer(200, TOKEN);
	assert_int_equal(clients[2].result, ACCOUNT_OK);
}

/* Entra slows the tenant down, which is asked nothing for this. */
static void
test_entra_throttles(void **state)
{
	(void)state;
	manage("system");
	give(1, "secret_file", "own");
	assert_int_equal(throttle_by_entra(throttles, &app, 600, NULL), 0);
	assert_int_equal(deliver(0, "two")->result, ACCOUNT_THROTTLED);
	assert_int_equal(fake_count, 0);
	deliver(1, "one");
	answer(200, TOKEN);
	assert_int_equal(clients[1].result, ACCOUNT_OK);
}

/* No answer at all: nothing is there, and time does not help. */
static void
test_out_of_reach(void **state)
{
	(void)state;
	manage("system");
	deliver(0, "one");
	reply_with(0,
	    (struct http_answer){
		.body = "", .transport = "Connection refused"});
	assert_int_equal(clients[0].result, ACCOUNT_UNAVAILABLE);
	assert_string_equal(
	    clients[0].text, "cannot ask IMDS: Connection refused");
	wait_ms(60000);
	assert_int_equal(fake_count, 1);
}

static void
test_not_assigned(void **state)
{
	(void)state;
	manage("system");
	deliver(0, "one");
	answer(400, NOT_FOUND);
	assert_int_equal(clients[0].result, ACCOUNT_MISCONFIGURED);
	assert_non_null(strstr(clients[0].text,
	    "entry one, managed_identity system: IMDS answered HTTP 400"));
	assert_non_null(
	    strstr(clients[0].text, "turn the system-assigned identity on"));
	/* everybody hears so until it is asked again */
	assert_int_equal(deliver(1, "one")->result, ACCOUNT_MISCONFIGURED);
	assert_int_equal(fake_count, 1);
	wait_ms(5001);
	deliver(2, "one");
	answer(200, TOKEN);
	assert_int_equal(clients[2].result, ACCOUNT_OK);
}

static void
test_challenges(void **state)
{
	(void)state;
	manage("arc");
	deliver(0, "one");
	reply_with(0,
	    (struct http_answer){.status = 401,
		.body = "",
		.challenge = "Basic realm=/etc/msgraph/vault.key"});
	assert_int_equal(clients[0].result, ACCOUNT_MISCONFIGURED);
	assert_non_null(strstr(clients[0].text,
	    "names a file outside of /var/opt/azcmagent/tokens"));
	assert_int_equal(fake_count, 1);
	/* IMDS challenges nobody */
	wait_ms(60000);
	manage("system");
	deliver(1, "one");
	reply_with(1,
	    (struct http_answer){.status = 401,
		.body = "",
		.challenge = "Basic realm=/var/opt/azcmagent/tokens/a.key"});
	assert_int_equal(clients[1].result, WAITS);
	wait_ms(2001);
	assert_int_equal(fake_count, 3);
	assert_string_equal(fake_calls[2].basic, "");
}

/* msgraphd ends before it is time to ask again, or while a request is made. */
static void
test_given_up(void **state)
{
	(void)state;
	manage("system");
	deliver(0, "one");
	answer(404, "");
	account_cancel(&clients[0].waiter);
	accounts_free(&accounts);
	wait_ms(60000);
	assert_int_equal(fake_count, 1);
}

static void
test_ended(void **state)
{
	(void)state;
	manage("system");
	deliver(0, "one");
	accounts_free(&accounts);
	assert_true(fake_calls[0].ended);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_requests),
	    TEST(test_again),
	    TEST(test_not_ready),
	    TEST(test_entra_throttles),
	    TEST(test_out_of_reach),
	    TEST(test_not_assigned),
	    TEST(test_challenges),
	    TEST(test_given_up),
	    TEST(test_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
