/*
 * What a table of Azure Table storage is asked, and what its answers mean
 * (agent/daemon/maps/map_azure_url.c, _row.c, _answer.c): a row is an input and
 * the exact text or meaning.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent/daemon/identities/table_entry.h"
#include "agent/daemon/maps/map_azure_answer.h"
#include "agent/daemon/maps/map_azure_row.h"
#include "agent/daemon/maps/map_azure_url.h"

#define COUNT(rows) (sizeof(rows) / sizeof(*(rows)))

#define T "11111111-2222-3333-4444-555555555555"
#define C "aaaaaaaa-7777-8888-9999-abcdefabcdef"
#define C_UPPER "AAAAAAAA-7777-8888-9999-ABCDEFABCDEF"
#define HOST "https://relay.table.core.windows.net"

/* --- items of identity_maps --- */

static const struct {
	const char *text;
	const char *url, *partition, *entry; /* url NULL: a mistake */
	const char *said;
} items[] = {
    {HOST "/users?credential=vm", HOST "/users", "user", "vm", NULL},
    {HOST "/Users2?partition=smtp&credential=VM-1", HOST "/Users2", "smtp",
	"vm-1", NULL},
    {"https://localhost:8443/users?credential=a&partition=a%20b%27%c3%a4",
	"https://localhost:8443/users", "a b'\303\244", "a", NULL},
    {"http://x/users?credential=a", NULL, NULL, NULL, "https:// is missing"},
    {"https:///users?credential=a", NULL, NULL, NULL, "no host"},
    {"https://x?credential=a", NULL, NULL, NULL, "no host, or no table"},
    {"https://user@x/users?credential=a", NULL, NULL, NULL, "no host"},
    {"https://x/us?credential=a", NULL, NULL, NULL, "3 to 63 letters"},
    {"https://x/1users?credential=a", NULL, NULL, NULL, "3 to 63 letters"},
    {"https://x/a/users?credential=a", NULL, NULL, NULL, "3 to 63 letters"},
    {"https://x/users()?credential=a", NULL, NULL, NULL, "3 to 63 letters"},
    {"https://x/users", NULL, NULL, NULL, "3 to 63 letters"},
    {"https://x/users?", NULL, NULL, NULL, "credential is missing"},
    {"https://x/users?partition=a", NULL, NULL, NULL, "credential is missing"},
    {"https://x/users?credential=", NULL, NULL, NULL, "no entry's name"},
    {"https://x/users?credential=a.b", NULL, NULL, NULL, "no entry's name"},
    {"https://x/users?credential=a&partition=", NULL, NULL, NULL,
	"no partition"},
    {"https://x/users?credential=a&partition=a%2Fb", NULL, NULL, NULL,
	"no partition"},
    {"https://x/users?credential=a&partition=a%00", NULL, NULL, NULL,
	"no partition"},
    {"https://x/users?credential=a&partition=%0a", NULL, NULL, NULL,
	"no partition"},
    {"https://x/users?credential=a&partition=%4", NULL, NULL, NULL,
	"no partition"},
    {"https://x/users?credential=a&sas=1", NULL, NULL, NULL,
	"neither partition nor credential"},
};

static void
test_items(void **state)
{
	struct map_azure_place place;
	struct error err;
	size_t i;
	int result;

	(void)state;
	for (i = 0; i < COUNT(items); i++) {
		result = map_azure_url_read(items[i].text, &place, &err);
		if (items[i].url == NULL) {
			assert_int_equal(result, -1);
			if (strstr(err.text, items[i].said) == NULL)
				fail_msg("%s: %s", items[i].text, err.text);
			continue;
		}
		assert_int_equal(result, 0);
		assert_string_equal(place.url, items[i].url);
		assert_string_equal(place.partition, items[i].partition);
		assert_string_equal(place.entry, items[i].entry);
	}
}

/* --- URLs --- */

#define POINT HOST "/users(PartitionKey='user',RowKey="

static const struct {
	const char *key, *url;
} keys[] = {
    {"app1", POINT "'app1')"},
    {T "@" C, POINT "'" T "%40" C "')"},
    {"o'neil", POINT "'o%27%27neil')"},
    {"''", POINT "'%27%27%27%27')"},
    {"' or '1' eq '1", POINT "'%27%27%20or%20%27%271%27%27%20eq%20%27%271')"},
    {"a)?$top=1#&%27", POINT "'a%29%3F%24top%3D1%23%26%2527')"},
    {"", POINT "'')"},
};

static const struct map_azure_place place = {
    .url = HOST "/users", .table = "users", .partition = "user"};

static void
test_urls(void **state)
{
	static const struct identity id = {T, C};
	struct map_azure_place odd = place;
	struct buf out;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(keys); i++) {
		buf_init(&out, MAP_AZURE_URL_SIZE);
		assert_int_equal(
		    map_azure_url_entity(&place, keys[i].key, &out), 0);
		assert_string_equal(out.bytes, keys[i].url);
		buf_free(&out);
	}
	buf_init(&out, MAP_AZURE_URL_SIZE);
	snprintf(odd.partition, sizeof(odd.partition), "a 'b");
	assert_int_equal(map_azure_url_application(&odd, &id, &out), 0);
	assert_string_equal(out.bytes,
	    HOST "/users()?$filter=PartitionKey%20eq%20'a%20%27%27b'%20and%20"
		 "((tenant_id%20eq%20'" T "'%20and%20client_id%20eq%20'" C
		 "')%20or%20(tenant_id%20eq%20'" T
		 "'%20and%20client_id%20eq%20'" C_UPPER
		 "')%20or%20application%20eq%20'" T "%2F" C "')");
	out.len = 0;
	assert_int_equal(map_azure_url_names(&odd, &out), 0);
	assert_string_equal(out.bytes,
	    HOST "/users()?$filter=PartitionKey%20eq%20'a%20%27%27b'"
		 "&$select=RowKey");
	out.len = 0;
	assert_int_equal(map_azure_url_next("1!4!a&b-", NULL, &out), 0);
	assert_string_equal(out.bytes, "&NextPartitionKey=1%214%21a%26b-");
	assert_int_equal(map_azure_url_next("", "c", &out), 0);
	assert_string_equal(out.bytes,
	    "&NextPartitionKey=1%214%21a%26b-&NextPartitionKey=&NextRowKey=c");
	buf_free(&out);
}

static void
test_keys_that_none_has(void **state)
{
	(void)state;
	assert_true(map_azure_url_is_key("a'b c@d"));
	assert_false(map_azure_url_is_key("a/b"));
	assert_false(map_azure_url_is_key("a\\b"));
	assert_false(map_azure_url_is_key("a#b"));
	assert_false(map_azure_url_is_key("a?b"));
	assert_false(map_azure_url_is_key("a\nb"));
}

/* --- entities as rows --- */

static const struct {
	const char *json;
	const char *row; /* NULL: a mistake */
	const char *said;
} rows[] = {
    {"{}", "", NULL},
    {"{'tenant_id':'" T "','client_id':'" C "'}",
	"{ application = " T "/" C " }", NULL},
    {"{'tenant_id':'t','client_id':'c','from_email':'App1@Example.COM',"
     "'description':'a } b','Timestamp':'x'}",
	"{ application = t/c } { from = app1@example.com }", NULL},
    {"{'application':'t/c','from':'A@x','senders':'@x, a@y',"
     "'recipients':'@x','rate_limit':'30/m','fallback_mailbox':'f@x',"
     "'transport':'msgraph-slow','disabled':true}",
	"{ application = t/c } { from = A@x } { senders = @x, a@y } "
	"{ recipients = @x } { rate_limit = 30/m } { fallback_mailbox = f@x } "
	"{ transport = msgraph-slow } { disabled = yes }",
	NULL},
    {"{'disabled':false,'rate_limit':30}",
	"{ rate_limit = 30 } { disabled = no }", NULL},
    /* cells that are empty say nothing, as in a table that CSV has filled */
    {"{'from':'','from_email':'a@x','senders':null,'tenant_id':'',"
     "'client_id':''}",
	"{ from = a@x }", NULL},
    /* what a row from outside may not carry is refused later, not lost */
    {"{'secret_file':'/s','clients':'0.0.0.0/0','Clients':'x'}",
	"{ secret_file = /s } { clients = 0.0.0.0/0 }", NULL},
    {"{'tenant_id':'t'}", NULL, "the column client_id is empty"},
    {"{'client_id':'t'}", NULL, "the column tenant_id is empty"},
    {"{'client_id':'c','tenant_id':'t','application':'x'}", NULL,
	"the column application stands beside tenant_id"},
    {"{'from':'a@x','from_email':'a@x'}", NULL,
	"the column from stands beside from_email"},
    {"{'from':'a@x } clients=0.0.0.0/0 { x = '}", NULL,
	"the column from holds a brace"},
    {"{'from_email':'a\\n@x'}", NULL, "the column from_email holds a brace"},
    {"{'from':'a\\u0000@x'}", NULL, "the column from holds a brace"},
    {"{'from':'a{@x'}", NULL, "the column from holds a brace"},
    {"{'from':1.5}", NULL, "the column from is neither text"},
    {"{'from':{'a':1}}", NULL, "the column from is neither text"},
    {"{'from':['a@x']}", NULL, "the column from is neither text"},
    {"{'tenant_id':{},'client_id':'c'}", NULL, "the column tenant_id is nei"},
    {"{'senders':'0123456789012345678901234567890123456789012345678901234567"
     "890123456789012345678901234567890123456789012345678901234567890123456789"
     "012345678901234567890123456789012345678901234567890123456789012345678901"
     "234567890123456789012345678901234567890123456789012345678901234567890123"
     "'}",
	NULL, "longer than 256 bytes"},
};

/* Reads JSON with ' in the place of ". */
static json_t *
read_json(const char *text)
{
	char copy[1024], *p;

	snprintf(copy, sizeof(copy), "%s", text);
	while ((p = strchr(copy, '\'')) != NULL)
		*p = '"';
	return json_loads(copy, JSON_ALLOW_NUL, NULL);
}

static void
test_rows(void **state)
{
	struct error err;
	struct buf row;
	json_t *json;
	size_t i;
	int result;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		json = read_json(rows[i].json);
		assert_non_null(json);
		buf_init(&row, 256);
		memset(&err, 0, sizeof(err));
		result = map_azure_row(json, &row, &err);
		if (rows[i].row == NULL) {
			if (result != -1 ||
			    strstr(err.text, rows[i].said) == NULL)
				fail_msg("%s: %s", rows[i].json, err.text);
		} else {
			assert_int_equal(result, 0);
			assert_string_equal(
			    row.bytes == NULL ? "" : row.bytes, rows[i].row);
		}
		buf_free(&row);
		json_decref(json);
	}
}

/* Each attribute of an entry is one here: a new one is not just passed over. */
static void
test_attributes(void **state)
{
	const char *name;
	size_t i;

	(void)state;
	for (i = 0; (name = table_entry_attribute(i)) != NULL; i++)
		if (!map_azure_row_is_attribute(name))
			fail_msg("map_azure_row.c lacks %s", name);
	assert_false(map_azure_row_is_attribute("description"));
}

/* --- answers --- */

#define ERROR(code)                                                           \
	"{\"odata.error\":{\"code\":\"" code "\",\"message\":{\"lang\":\"en-" \
	"US\",\"value\":\"words\"}}}"
#define ENTITY(key) "{\"PartitionKey\":\"user\",\"RowKey\":\"" key "\""
#define LIST(text) "{\"value\":[" text "]}"

static const struct {
	long status;
	const char *key; /* NULL: a list */
	const char *body;
	enum map_azure_meaning meaning;
	const char *text; /* a row, or what is said */
} answers[] = {
    {200, "a", ENTITY("a") ",\"from\":\"a@x\"}", MAP_AZURE_OK,
	"{ from = a@x }"},
    {200, "a", ENTITY("a") "}", MAP_AZURE_OK, ""},
    {200, "a", ENTITY("a") ",\"from\":7.5}", MAP_AZURE_MISTAKE,
	"row a: the column from is neither"},
    /* nonsense */
    {200, "a", ENTITY("b") "}", MAP_AZURE_BAD, "not the row"},
    {200, "a", ENTITY("A") "}", MAP_AZURE_BAD, "not the row"},
    {200, "a", "{\"PartitionKey\":\"x\",\"RowKey\":\"a\"}", MAP_AZURE_BAD,
	"not the row"},
    {200, "a", "{\"PartitionKey\":[],\"RowKey\":{}}", MAP_AZURE_BAD,
	"not the row"},
    {200, "a", "{\"PartitionKey\":\"user\",\"RowKey\":1}", MAP_AZURE_BAD,
	"not the row"},
    {200, "a", ENTITY("a") ",\"from\":\"a@x\",\"from\":\"b@x\"}", MAP_AZURE_BAD,
	"no JSON"},
    {200, "a", "{}", MAP_AZURE_BAD, "not the row"},
    {200, "a", "[]", MAP_AZURE_BAD, "no JSON"},
    {200, "a", "", MAP_AZURE_BAD, "no JSON"},
    {200, "a", "<html>", MAP_AZURE_BAD, "no JSON"},
    {200, "a", ENTITY("a"), MAP_AZURE_BAD, "no JSON"},
    {200, "a", LIST(ENTITY("a") "}"), MAP_AZURE_BAD, "not the row"},
    /* lists */
    {200, NULL, LIST(""), MAP_AZURE_OK, NULL},
    {200, NULL, LIST(ENTITY("a") "}," ENTITY("b") "}"), MAP_AZURE_OK, ""},
    {200, NULL, LIST(ENTITY("a") ",\"from\":\"a@x\"}"), MAP_AZURE_OK,
	"{ from = a@x }"},
    {200, NULL,
	LIST(ENTITY("a") ",\"from\":\"a@x\"}," ENTITY(
	    "b") ",\"from_email\":\"A@x\"}"),
	MAP_AZURE_OK, "{ from = a@x }"},
    {200, NULL,
	LIST(
	    ENTITY("a") ",\"from\":\"a@x\"}," ENTITY("b") ",\"from\":\"b@x\"}"),
	MAP_AZURE_MISTAKE, "row b: row a is of the same application and says"},
    {200, NULL, LIST(ENTITY("a\\n") "}," ENTITY("b") ",\"from\":\"b@x\"}"),
	MAP_AZURE_MISTAKE, "row b: row a? is of"},
    {200, NULL, LIST("1"), MAP_AZURE_BAD, "not the row"},
    {200, NULL, "{\"value\":{}}", MAP_AZURE_BAD, "no list"},
    {200, NULL, "{}", MAP_AZURE_BAD, "no list"},
    /* refusals */
    {404, "a", ERROR("ResourceNotFound"), MAP_AZURE_NONE, NULL},
    {404, "a", ERROR("EntityNotFound"), MAP_AZURE_NONE, NULL},
    {404, "a", ERROR("TableNotFound"), MAP_AZURE_BAD, "make the table"},
    {404, "a", ERROR("X"), MAP_AZURE_BAD, "HTTP 404 X"},
    {404, "a", "<html>", MAP_AZURE_BAD, "HTTP 404"},
    {404, "a", "{\"code\":\"ResourceNotFound\"}", MAP_AZURE_BAD, "HTTP 404"},
    {400, "a", ERROR("ResourceNotFound"), MAP_AZURE_BAD,
	"HTTP 400 ResourceNotFound"},
    {401, "a", ERROR("InvalidAuthenticationInfo"), MAP_AZURE_TOKEN,
	"of the tenant of the storage account"},
    {403, "a", ERROR("AuthorizationPermissionMismatch"), MAP_AZURE_BAD,
	"Storage Table Data Reader"},
    {403, "a", ERROR("AuthorizationFailure"), MAP_AZURE_BAD, "firewall"},
    {403, "a", ERROR("AuthenticationFailed"), MAP_AZURE_BAD, "clock"},
    {403, "a", ERROR("AccountIsDisabled"), MAP_AZURE_BAD, "turned off"},
    {403, "a", "", MAP_AZURE_BAD, "HTTP 403: look at roles"},
    {429, "a", "", MAP_AZURE_BUSY, "HTTP 429"},
    {503, "a", ERROR("ServerBusy"), MAP_AZURE_BUSY, "HTTP 503 ServerBusy"},
    {500, "a", ERROR("OperationTimedOut"), MAP_AZURE_BAD,
	"HTTP 500 OperationTimedOut"},
    {500, "a", ERROR("Internal\\nError"), MAP_AZURE_BAD, "HTTP 500"},
    {301, "a", "", MAP_AZURE_BAD, "HTTP 301"},
    {204, "a", "", MAP_AZURE_BAD, "HTTP 204"},
};

static void
test_answers(void **state)
{
	struct http_answer answer = {0};
	struct map_azure_found found;
	char text[MAP_AZURE_TEXT_SIZE];
	enum map_azure_meaning meaning;
	const char *said;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(answers); i++) {
		memset(&found, 0, sizeof(found));
		buf_init(&found.row, 1000);
		answer.status = answers[i].status;
		answer.body = answers[i].body;
		answer.body_len = strlen(answers[i].body);
		meaning = map_azure_answer_read(
		    &answer, &place, answers[i].key, &found, text);
		if (meaning != answers[i].meaning)
			fail_msg("%zu: %ld %s: %d, %s", i, answer.status,
			    answer.body, meaning, text);
		assert_null(strpbrk(text, "\r\n"));
		assert_int_equal(found.is_there,
		    answers[i].text != NULL &&
			(meaning == MAP_AZURE_OK ||
			    strstr(answers[i].text, "is of") != NULL));
		said = meaning != MAP_AZURE_OK ? text
		    : found.row.len == 0       ? ""
					       : found.row.bytes;
		if (answers[i].text != NULL &&
		    strstr(said, answers[i].text) == NULL)
			fail_msg("%zu: %s", i, said);
		buf_free(&found.row);
	}
}

static const struct {
	const char *body;
	enum map_azure_meaning meaning;
	const char *said; /* what is described, or why not */
} pages[] = {
    {LIST(""), MAP_AZURE_OK, ""},
    {LIST(ENTITY("a") "}," ENTITY("x_1-2") "}," ENTITY(T "@" C) "}"),
	MAP_AZURE_OK, ""},
    {LIST(ENTITY("App1") "}," ENTITY("a") "}," ENTITY("a.b") "}"), MAP_AZURE_OK,
	"2 of 3 rows have a RowKey that no name finds, such as \"App1\"; "},
    {LIST(ENTITY("a\\nb") "}"), MAP_AZURE_OK,
	"1 of 1 rows have a RowKey that "
	"no name finds, such as \"a?b\""},
    {LIST("7"), MAP_AZURE_OK, "1 of 1 rows"},
    {"{\"value\":7}", MAP_AZURE_BAD, "no list"},
    {"x", MAP_AZURE_BAD, "no JSON"},
};

static void
test_names(void **state)
{
	struct http_answer answer = {.status = 200};
	struct map_azure_names names;
	char text[MAP_AZURE_TEXT_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(pages); i++) {
		memset(&names, 0, sizeof(names));
		answer.body = pages[i].body;
		answer.body_len = strlen(pages[i].body);
		assert_int_equal(map_azure_answer_names(&answer, &names, text),
		    pages[i].meaning);
		if (pages[i].meaning == MAP_AZURE_OK)
			map_azure_answer_describe(&names, text);
		if (strstr(text, pages[i].said) == NULL ||
		    (pages[i].said[0] == '\0') != (text[0] == '\0'))
			fail_msg("%s: %s", pages[i].body, text);
	}
}

/* An answer that was cut off is none, whatever its status was. */
static void
test_cut(void **state)
{
	struct http_answer answer = {.status = 404,
	    .body = ERROR("ResourceNotFound"),
	    .body_len = strlen(ERROR("ResourceNotFound")),
	    .transport = "the connection was lost"};
	struct map_azure_found found = {.row = {.limit = 1000}};
	char text[MAP_AZURE_TEXT_SIZE];

	(void)state;
	assert_int_equal(
	    map_azure_answer_read(&answer, &place, "a", &found, text),
	    MAP_AZURE_BAD);
	assert_string_equal(text, "the connection was lost");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_items),
	    cmocka_unit_test(test_urls),
	    cmocka_unit_test(test_keys_that_none_has),
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_attributes),
	    cmocka_unit_test(test_answers),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
