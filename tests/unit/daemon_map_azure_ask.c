/*
 * The way of a question to Azure Table storage (agent/daemon/maps/map_azure.c):
 * token, request, pages, and what is asked while it is busy or out of reach.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon_fake.h"

#include "agent/daemon/maps/map.h"
#include "agent/daemon/maps/map_azure_url.h"
#include "agent/daemon/maps/map_azure_resource.h"

#define ITEM                                                 \
	"azure-tables:https://relay.table.core.windows.net/" \
	"users?credential=vm"
#define KEY                                     \
	"11111111-2222-3333-4444-555555555555@" \
	"aaaaaaaa-7777-8888-9999-000000000000"
#define ROW(key) "{\"PartitionKey\":\"user\",\"RowKey\":\"" key "\"}"
#define NOT_THERE "{\"odata.error\":{\"code\":\"ResourceNotFound\"}}"
#define EMPTY "{\"value\":[]}"

static struct map *map;
static int there; /* the entry of credential= */

static struct result {
	int done;
	enum map_result result;
	char row[256], text[512];
} result;

static int
find_entry(void *ctx, const char *entry, struct identity *application)
{
	(void)ctx;
	assert_string_equal(entry, "vm");
	*application = apps[1];
	return there ? 0 : -1;
}

static void
on_done(void *ctx, enum map_result which, const char *row, const char *text)
{
	assert_ptr_equal(ctx, &result);
	result.done++;
	result.result = which;
	snprintf(result.row, sizeof(result.row), "%s", row);
	snprintf(result.text, sizeof(result.text), "%s", text);
}

static int
begin(void **state)
{
	struct map_with with = {.conf = &d.conf, .find_entry = find_entry};
	struct error err;

	(void)state;
	if (fake_begin() == -1)
		return -1;
	there = 1;
	with.base = d.base;
	if ((map = map_open(&with, ITEM, &err)) == NULL)
		fail_msg("%s", err.text);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	map_close(&map);
	assert_int_equal(fake.count + fake.waiting, 0);
	return fake_end();
}

static struct map_query *
ask(const char *key)
{
	struct map_query *query;

	memset(&result, 0, sizeof(result));
	query = map_ask(map, key, on_done, &result);
	assert_int_equal(result.done, 0);
	return query;
}

static void
ask_now(const char *key)
{
	assert_non_null(ask(key));
	run();
}

static void
expect(enum map_result which, const char *said)
{
	assert_int_equal(result.done, 1);
	assert_int_equal(result.result, which);
	if (strstr(which == MAP_FOUND ? result.row : result.text, said) == NULL)
		fail_msg("%s", result.text);
	assert_int_equal(fake.count, 0);
}

static void
test_found(void **state)
{
	const struct http_call *call;

	(void)state;
	ask_now("app1");
	assert_string_equal(fake.entry, "vm");
	assert_int_equal(fake.count, 1);
	call = fake.calls[0];
	assert_string_equal(call->method, "GET");
	assert_string_equal(call->url,
	    "https://relay.table.core.windows.net/"
	    "users(PartitionKey='user',RowKey='app1')");
	assert_string_equal(call->bearer, "token");
	assert_non_null(strstr(call->headers, "x-ms-version: 2019-02-02\n"));
	assert_non_null(strstr(
	    call->headers, "Accept: application/json;odata=nometadata\n"));
	assert_non_null(strstr(call->headers, "x-ms-date: "));
	assert_non_null(strstr(call->headers, " GMT\n"));
	answer_body(200,
	    "{\"PartitionKey\":\"user\",\"RowKey\":\"app1\",\"from\":\"a@x\"}",
	    0);
	expect(MAP_FOUND, "{ from = a@x }");
	assert_string_equal(result.text, "");
	/* a row without columns */
	ask_now("app2");
	answer_body(200, ROW("app2"), 0);
	expect(MAP_FOUND, "");
	ask_now("app3");
	answer_body(404, NOT_THERE, 0);
	expect(MAP_NONE, "no such row");
}

/* A key that no row can have is not asked about. */
static void
test_forbidden_key(void **state)
{
	(void)state;
	ask_now("a/b");
	expect(MAP_NONE, "");
	assert_int_equal(fake.made, 0);
}

static void
test_token(void **state)
{
	(void)state;
	ask_now("app1");
	answer_body(401, "", 0);
	assert_string_equal(fake.rejected, "token");
	assert_int_equal(fake.count, 1);
	answer_body(200, ROW("app1"), 0);
	expect(MAP_FOUND, "");
	/* the second one is not taken either */
	ask_now("app1");
	assert_string_equal(fake.rejected, "");
	answer_body(401, "", 0);
	answer_body(401, "", 0);
	expect(MAP_UNAVAILABLE, "HTTP 401: the credential's application");
	pass(20000);
	fake.token_result = ACCOUNT_MISCONFIGURED;
	ask_now("app1");
	expect(MAP_UNAVAILABLE, "no token: why");
	pass(20000);
	there = 0;
	ask_now("app1");
	expect(MAP_UNAVAILABLE, "credential=vm names no entry");
}

/* A service that is out of reach is asked by one question at a time. */
static void
test_out_of_reach(void **state)
{
	(void)state;
	ask_now("app1");
	answer_body(500, "", 0);
	expect(MAP_UNAVAILABLE, "HTTP 500");
	ask_now("app1");
	expect(MAP_UNAVAILABLE, "HTTP 500");
	assert_int_equal(fake.made, 1);
	pass(20000);
	ask_now("app1");
	assert_int_equal(fake.made, 2);
	answer_body(200, ROW("app1"), 0);
	expect(MAP_FOUND, "");
	ask_now("app1");
	assert_int_equal(fake.made, 3);
	map_close(&map);
	assert_int_equal(fake.count, 0);
	assert_int_equal(result.done, 0);
}

static void
test_busy(void **state)
{
	(void)state;
	ask_now("app1");
	answer_body(503, "", 7);
	expect(MAP_UNAVAILABLE, "HTTP 503; it is asked again in 7 s");
	pass(6000);
	ask_now("app1");
	expect(MAP_UNAVAILABLE, "HTTP 503");
	assert_int_equal(fake.made, 1);
	pass(1100);
	ask_now("app1");
	assert_int_equal(fake.made, 2);
	/* nobody is kept waiting for a day */
	answer_body(429, "", 86400);
	expect(MAP_UNAVAILABLE, "asked again in 300 s");
	pass(301000);
	ask_now("app1");
	answer_body(429, "", 0);
	expect(MAP_UNAVAILABLE, "asked again in 2 s");
}

static void
test_stalled(void **state)
{
	(void)state;
	ask_now("app1");
	pass(MAP_TIMEOUT_MS - 100);
	assert_int_equal(result.done, 0);
	pass(200);
	expect(MAP_UNAVAILABLE, "no answer within 3 s");
}

static void
test_mistake(void **state)
{
	(void)state;
	ask_now("app1");
	answer_body(200,
	    "{\"PartitionKey\":\"user\",\"RowKey\":\"app1\",\"from\":[]}", 0);
	expect(MAP_MISTAKE, "row app1: the column from");
	/* which is nothing against the others */
	ask_now("app2");
	answer_body(200, ROW("app2"), 0);
	expect(MAP_FOUND, "");
}

/* An application is looked for by its own row, and then by its columns. */
static void
test_application(void **state)
{
	char first[2048];

	(void)state;
	ask_now(KEY);
	assert_non_null(strstr(fake.calls[0]->url, "RowKey='11111111-"));
	answer_body(200, ROW(KEY), 0);
	expect(MAP_FOUND, "");
	ask_now(KEY);
	answer_body(404, NOT_THERE, 0);
	snprintf(first, sizeof(first), "%s", fake.calls[0]->url);
	assert_non_null(strstr(first, "/users()?$filter=PartitionKey"));
	fake.header = "1!2!a";
	answer_body(200, EMPTY, 0);
	assert_memory_equal(fake.calls[0]->url, first, strlen(first));
	assert_string_equal(fake.calls[0]->url + strlen(first),
	    "&NextPartitionKey=1%212%21a&NextRowKey=1%212%21a");
	fake.header = "b";
	answer_body(200, EMPTY, 0);
	assert_string_equal(fake.calls[0]->url + strlen(first),
	    "&NextPartitionKey=b&NextRowKey=b");
	fake.header = NULL;
	answer_body(200,
	    "{\"value\":[{\"PartitionKey\":\"user\",\"RowKey\":\"x y\","
	    "\"from\":\"a@x\"}]}",
	    0);
	expect(MAP_FOUND, "{ from = a@x }");
	ask_now(KEY);
	answer_body(404, NOT_THERE, 0);
	answer_body(200, EMPTY, 0);
	expect(MAP_NONE, "no such row");
}

/*
 * What is behind a page whose place does not fit into a request is not known.
 */
static void
test_place_of_a_page_that_is_too_long(void **state)
{
	char place[MAP_AZURE_URL_SIZE];

	(void)state;
	memset(place, 'a', sizeof(place) - 1);
	place[sizeof(place) - 1] = '\0';
	ask_now(KEY);
	answer_body(404, NOT_THERE, 0);
	fake.header = place;
	answer_body(200, EMPTY, 0);
	expect(MAP_UNAVAILABLE, "place of the next page");
}

/* Pages without end, and two rows that say different things. */
static void
test_odd_scans(void **state)
{
	int pages = 0;

	(void)state;
	ask_now(KEY);
	answer_body(404, NOT_THERE, 0);
	fake.header = "again";
	while (fake.count > 0 && pages++ < 1000)
		answer_body(200, EMPTY, 0);
	expect(MAP_UNAVAILABLE, "too many rows");
	assert_in_range(pages, 2, 200);
	fake.header = NULL;
	pass(20000);
	ask_now(KEY);
	answer_body(404, NOT_THERE, 0);
	answer_body(200,
	    "{\"value\":[{\"PartitionKey\":\"user\",\"RowKey\":\"a\","
	    "\"from\":\"a@x\"}," ROW("b") "]}",
	    0);
	expect(MAP_MISTAKE, "row b: row a is of the same application");
}

/* msgraphd -t wants to know of rows that nobody finds, on all pages. */
static void
test_look(void **state)
{
	(void)state;
	memset(&result, 0, sizeof(result));
	assert_non_null(map_look(map, on_done, &result));
	run();
	assert_non_null(strstr(fake.calls[0]->url, "&$select=RowKey"));
	fake.header = "b";
	answer_body(200, "{\"value\":[{\"RowKey\":\"App1\"}]}", 0);
	assert_non_null(strstr(fake.calls[0]->url, "&NextRowKey=b"));
	fake.header = NULL;
	pass(MAP_TIMEOUT_MS + 1000); /* it may take longer than a question */
	answer_body(200, "{\"value\":[{\"RowKey\":\"app2\"}]}", 0);
	expect(MAP_FOUND, "");
	assert_non_null(strstr(result.text, "1 of 2 rows have a RowKey"));
	map_look(map, on_done, &result);
	run();
	pass(21000);
	assert_int_equal(result.result, MAP_UNAVAILABLE);
	assert_string_equal(result.text, "no answer within 20 s");
}

/* Whoever makes names up keeps the service busy with so many and no more. */
static void
test_bounds(void **state)
{
	struct map_query *queries[100];
	char key[MAP_KEY_SIZE];
	size_t i, count = 0;

	(void)state;
	for (i = 0; i < 100; i++)
		if ((queries[count] = ask("app1")) != NULL)
			count++;
	assert_int_equal(count, 64);
	run();
	assert_int_equal(fake.count, 64);
	for (i = 0; i < count; i++)
		map_cancel(&queries[i]);
	assert_int_equal(fake.count, 0);
	/* five applications are looked for, and four of them by columns */
	for (i = 0; i < 5; i++) {
		snprintf(key, sizeof(key), "%s", KEY);
		key[0] = (char)('2' + i);
		ask_now(key);
	}
	for (i = 0; i < 5; i++)
		answer_body(404, NOT_THERE, 0);
	assert_int_equal(fake.count, 4);
	assert_int_equal(result.result, MAP_UNAVAILABLE);
	assert_non_null(strstr(result.text, "too many applications"));
	ask_now("app1");
	assert_int_equal(fake.count, 5);
}

static void
test_resources(void **state)
{
	static const struct {
		int cloud;
		const char *resource;
	} clouds[] = {
	    {CLOUD_GLOBAL, "https://storage.azure.com"},
	    {CLOUD_USGOV, "https://storage.azure.us"},
	    {CLOUD_USGOV_DOD, "https://storage.azure.us"},
	    {CLOUD_CHINA, "https://storage.azure.cn"},
	};
	struct conf conf = {0};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(clouds) / sizeof(*clouds); i++) {
		conf.cloud = clouds[i].cloud;
		assert_string_equal(
		    map_azure_resource(&conf), clouds[i].resource);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_found),
	    TEST(test_forbidden_key),
	    TEST(test_token),
	    TEST(test_out_of_reach),
	    TEST(test_busy),
	    TEST(test_stalled),
	    TEST(test_mistake),
	    TEST(test_application),
	    TEST(test_place_of_a_page_that_is_too_long),
	    TEST(test_odd_scans),
	    TEST(test_look),
	    TEST(test_bounds),
	    cmocka_unit_test(test_resources),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
