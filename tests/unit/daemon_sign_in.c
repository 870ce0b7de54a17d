/*
 * Who waits for Entra, who is asked about and who is answered
 * (agent/daemon/entra/sign_in.c and what is behind it), with a fake http and
 * clock.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "account_clients.h"
#include "agent/daemon/base/limits.h"
#include "fake_http.h"

#define RIGHT "right-secret"

/* A client that wants a token (secret NULL), or signs in. */
static struct client *
come(int n, const char *tenant, const char *text)
{
	struct identity id = {.client = "client"};
	struct secret *secret =
	    text == NULL ? NULL : secret_new(text, strlen(text));
	struct client *client = &clients[n];

	snprintf(id.tenant, sizeof(id.tenant), "%s", tenant);
	client->result = WAITS;
	client->waiter = text == NULL
	    ? account_token(accounts, &id, "", NULL, on_done, client)
	    : account_verify(accounts, &id, &secret, on_done, client);
	assert_non_null(client->waiter);
	assert_int_equal(client->result, WAITS);
	run();
	return client;
}

/* Makes the application "known" known, by one request. */
static void
make_known(void)
{
	const struct client *client = come(99, "known", RIGHT);

	reply(fake_count - 1, 200, YES);
	assert_int_equal(client->result, ACCOUNT_OK);
}

/* A hundred sign-ins of one printer are one request. */
static void
test_one_request_for_all(void **state)
{
	int i, before = fake_count;

	(void)state;
	for (i = 0; i < 90; i++)
		come(i, "a", RIGHT);
	assert_int_equal(fake_count - before, 1);
	assert_non_null(strstr(fake_calls[before].url, "/a/oauth2/"));
	assert_non_null(strstr(fake_calls[before].body, RIGHT));
	reply(before, 200, YES);
	for (i = 0; i < 90; i++)
		assert_int_equal(clients[i].result, ACCOUNT_OK);
	assert_int_equal(come(0, "a", RIGHT)->result, ACCOUNT_OK);
	assert_int_equal(come(0, "a", NULL)->result, ACCOUNT_OK);
	assert_int_equal(fake_count - before, 1);
}

/* Neither the owner nor mail waits for a typed secret. */
static void
test_two_lists(void **state)
{
	struct client *wrong, *owner, *mail;
	int before;

	(void)state;
	conf.auth_cache_ttl = 0;
	make_known();
	wait_ms(3600 * 1000); /* the token ends */
	before = fake_count;
	wrong = come(0, "known", "wrong");
	come(1, "known", "wrong as well");
	owner = come(2, "known", RIGHT);
	mail = come(3, "known", NULL);
	assert_int_equal(fake_count - before, 2);
	reply(before + 1, 200, YES);
	assert_int_equal(owner->result, ACCOUNT_OK);
	assert_int_equal(mail->result, ACCOUNT_OK);
	assert_int_equal(wrong->result, WAITS);
	reply(before, 401, NO);
	assert_int_equal(wrong->result, ACCOUNT_REFUSED);
	assert_int_equal(fake_count - before, 3);
	reply(before + 2, 401, NO);
}

/* The early renewal is due while wrong secrets come in. */
static void
test_renewal(void **state)
{
	int before;

	(void)state;
	make_known();
	wait_ms(3400 * 1000);
	before = fake_count;
	come(0, "known", "wrong");
	assert_int_equal(fake_count - before, 2);
	assert_int_equal(come(1, "known", NULL)->result, ACCOUNT_OK);
	reply(before, 200, YES);
	reply(before + 1, 401, NO);
	assert_int_equal(clients[0].result, ACCOUNT_REFUSED);
}

static void
test_places_are_given_on(void **state)
{
	char tenant[20];
	int i, before = fake_count, refused = 0;

	(void)state;
	for (i = 0; i < 40; i++) {
		snprintf(tenant, sizeof(tenant), "made-up-%d", i);
		come(i, tenant, "x");
	}
	assert_int_equal(fake_count - before, 32);
	reply(before, 401, NO);
	assert_int_equal(fake_count - before, 33);
	wait_ms(8100);
	for (i = 0; i < 40; i++)
		if (clients[i].result == ACCOUNT_UNAVAILABLE) {
			assert_string_equal(
			    clients[i].text, "too many sign-ins wait");
			refused++;
		}
	assert_int_equal(refused, 7);
	assert_int_equal(fake_count - before, 33);
}

/* After ten wrong secrets within a minute; the stored one is as before. */
static void
test_guesses(void **state)
{
	char secret[20];
	int i, before;

	(void)state;
	conf.auth_cache_ttl = 0;
	make_known();
	before = fake_count;
	for (i = 0; i < 10; i++) {
		snprintf(secret, sizeof(secret), "guess %d", i);
		come(i, "known", secret);
		reply(before + i, 401, NO);
		assert_int_equal(clients[i].result, ACCOUNT_REFUSED);
	}
	assert_int_equal(
	    come(10, "known", "another")->result, ACCOUNT_UNAVAILABLE);
	assert_int_equal(fake_count - before, 10);
	come(11, "known", RIGHT);
	assert_int_equal(fake_count - before, 11);
	reply(before + 10, 200, YES);
	assert_int_equal(clients[11].result, ACCOUNT_OK);
	wait_ms(5000);
	come(12, "known", "one of them");
	assert_int_equal(
	    come(13, "known", "another")->result, ACCOUNT_UNAVAILABLE);
	assert_int_equal(fake_count - before, 12);
	reply(before + 11, 401, NO);
	/* the same about an application that is not known, and no other */
	come(14, "other", "another");
	assert_int_equal(fake_count - before, 13);
}

/* Entra is slow: the stored secret is accepted after five seconds. */
static void
test_grace(void **state)
{
	struct client *owner, *wrong;

	(void)state;
	conf.auth_cache_ttl = 0;
	make_known();
	owner = come(0, "known", RIGHT);
	wrong = come(1, "known", "wrong");
	wait_ms(4900);
	assert_int_equal(owner->result, WAITS);
	wait_ms(200);
	assert_int_equal(owner->result, ACCOUNT_OK);
	assert_int_equal(wrong->result, WAITS);
	wait_ms(45000);
	assert_int_equal(wrong->result, ACCOUNT_UNAVAILABLE);
}

/* Nobody can make the queue of an application as long as memory is. */
static void
test_too_many_wait(void **state)
{
	struct identity id = {.tenant = "a", .client = "client"};
	struct secret *secret = secret_new(RIGHT, strlen(RIGHT));
	int i, before = fake_count;

	(void)state;
	for (i = 0; i < 256; i++)
		come(i, "a", RIGHT);
	assert_null(
	    account_verify(accounts, &id, &secret, on_done, &clients[256]));
	assert_null(secret);
	come(257, "b", RIGHT);
	reply(before, 200, YES);
	for (i = 0; i < 256; i++)
		assert_int_equal(clients[i].result, ACCOUNT_OK);
}

static void
test_cancelled(void **state)
{
	int before = fake_count;

	(void)state;
	come(0, "a", "x");
	come(1, "a", "y");
	account_cancel(&clients[0].waiter);
	account_cancel(&clients[1].waiter);
	run();
	reply(before, 401, NO);
	assert_int_equal(clients[0].result, WAITS);
	assert_int_equal(come(2, "a", "x")->result, ACCOUNT_REFUSED);
	come(3, "b", "z"); /* is under way at the end */
}

/* Who waits for what is forgotten hears that there is none, and nobody else. */
static void
test_forgotten(void **state)
{
	const struct identity id = {"known", "client"};
	struct account_forgotten what = {0};
	struct client *mail, *typed;
	int before;

	(void)state;
	make_known();
	come(0, "known", "wrong");
	reply(fake_count - 1, 401, NO);
	wait_ms(3600 * 1000); /* the token has ended */
	mail = come(1, "known", NULL);
	typed = come(2, "known", "another");
	before = fake_count;
	assert_int_equal(account_forget(accounts, &id, "", &what, NULL), 0);
	run();
	assert_true(what.stored);
	assert_false(what.token);
	assert_int_equal(mail->result, ACCOUNT_UNKNOWN);
	assert_int_equal(typed->result, WAITS);
	assert_true(fake_calls[before - 2].ended);
	assert_int_equal(fake_count, before);
	/* whoever types the right one is known again, and mail goes on */
	reply(before - 1, 200, YES);
	assert_int_equal(typed->result, ACCOUNT_OK);
	assert_int_equal(come(3, "known", NULL)->result, ACCOUNT_OK);
}

static void
test_forgotten_at_rest(void **state)
{
	const struct identity id = {"known", "client"};
	struct account_forgotten what = {0};
	int before;

	(void)state;
	make_known();
	come(0, "known", "wrong");
	reply(fake_count - 1, 401, NO);
	before = fake_count;
	assert_int_equal(account_forget(accounts, &id, "", &what, NULL), 0);
	assert_true(what.stored && what.token && what.accepted);
	assert_int_equal(what.refusals, 1);
	assert_int_equal(account_token_until(accounts, &id, ""), 0);
	assert_int_equal(come(1, "known", NULL)->result, ACCOUNT_UNKNOWN);
	assert_int_equal(fake_count, before);
	/* neither the yes nor the no of before counts */
	assert_int_equal(come(2, "known", RIGHT)->result, WAITS);
	reply(fake_count - 1, 200, YES);
	assert_int_equal(come(3, "known", "wrong")->result, WAITS);
	reply(fake_count - 1, 401, NO);
	memset(&what, 0, sizeof(what));
	assert_int_equal(account_forget(accounts, &id, "", &what, NULL), 0);
	assert_int_equal(account_forget(accounts, &id, "", &what, NULL), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, accounts_begin, accounts_end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_one_request_for_all),
	    TEST(test_two_lists),
	    TEST(test_renewal),
	    TEST(test_places_are_given_on),
	    TEST(test_guesses),
	    TEST(test_grace),
	    TEST(test_too_many_wait),
	    TEST(test_forgotten),
	    TEST(test_forgotten_at_rest),
	    TEST(test_cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
