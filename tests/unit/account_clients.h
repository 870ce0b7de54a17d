/*
 * account_clients.h - accounts with a state and a fake http, and those who want
 * a token of them or sign in.
 */
#ifndef TESTS_UNIT_ACCOUNT_CLIENTS_H
#define TESTS_UNIT_ACCOUNT_CLIENTS_H

#include "agent/daemon/entra/account.h"
#include "fake_http.h"
#include "state_folder.h"

#define YES                                                  \
	"{\"token_type\": \"Bearer\", \"expires_in\": 3600," \
	" \"access_token\": \"a-token\"}"
#define NO                                \
	"{\"error\": \"invalid_client\"," \
	" \"error_description\": \"AADSTS7000215: Wrong.\"}"

#define WAITS -1

/* Somebody who waits, and how it ended. */
static struct client {
	struct waiter *waiter;
	int result; /* or WAITS */
	char text[400];
} clients[300];

static struct conf conf;
static struct throttles *throttles;
static struct accounts *accounts;

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

static int
accounts_begin(void **state)
{
	if (state_begin(state) == -1)
		return -1;
	memset(&conf, 0, sizeof(conf));
	conf.login_endpoint = strdup("https://login.test");
	conf.graph_endpoint = strdup("https://graph.test");
	conf.auth_cache_ttl = 600;
	conf.auth_outage_grace = 43200;
	conf.request_timeout = 120;
	fake_count = 0;
	base = event_base_new();
	throttles = throttles_new(base, st, NULL);
	accounts = accounts_new(base, &conf, NULL, st, throttles, NULL);
	return accounts == NULL ? -1 : 0;
}

static int
accounts_end(void **state)
{
	accounts_free(&accounts);
	throttles_free(&throttles);
	event_base_free(base);
	free(conf.login_endpoint);
	free(conf.graph_endpoint);
	return state_end(state);
}

#endif
