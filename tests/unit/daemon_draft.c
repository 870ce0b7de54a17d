/*
 * Large messages, where they need no network: what Graph's answers say
 * (agent/daemon/graph/graph_draft.c), and what the state keeps of a draft
 * (agent/daemon/store/draft_store.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "agent/daemon/base/clock.h"
#include "agent/daemon/graph/graph_draft.h"
#include "agent/daemon/store/draft_store.h"
#include "agent/daemon/store/state_sql.h"

#define ID "AAMkAGI-x_y=="
#define URL "https://outlook.office.com/api/v2.0/Users('a')?authtoken=e.y.J-_"

static struct http_answer
answer_of(long status, const char *body)
{
	struct http_answer answer = {.status = status,
	    .body = body,
	    .body_len = strlen(body),
	    .body_sent = 1};

	return answer;
}

/* --- answers --- */

static const struct {
	long status;
	const char *body, *id; /* NULL: there is none */
} ids[] = {
    {201, "{\"id\":\"" ID "\"}", ID},
    {201, " {\r\n\t\"@odata.etag\" : \"W/\\\"1\\\"\" , \"id\" : \"" ID "\" }",
	ID},
    {201, "{\"@odata.context\":\"https://x/$metadata\",\"id\":\"" ID "\"}", ID},
    {201,
	"{\"body\":{\"id\":\"no\"},\"a\":[{\"id\":\"no\"}],\"id\":\"" ID "\"}",
	ID},
    {201, "{\"subject\":\"\\\"id\\\":\\\"no\\\"\",\"id\":\"" ID "\"}", ID},
    {201, "{\"subject\":\"id\",\"id\":\"" ID "\"}", ID},
    /* what was kept of the answer ends somewhere */
    {201, "{\"id\":\"" ID "\",\"body\":{\"content\":\"lorem ips", ID},
    {201, "{\"id\":\"" ID "\",\"body\":{\"content\":\"\\", ID},
    {201, "{\"id\":\"" ID, NULL},
    {201, "{\"id\":\"a\\\"", NULL},
    {201, "{\"id\":\"", NULL},
    {201, "{\"id\":", NULL},
    {201, "{\"id\"", NULL},
    {201, "{\"id", NULL},
    {201, "", NULL},

    {200, "{\"id\":\"" ID "\"}", NULL},
    {202, "{\"id\":\"" ID "\"}", NULL},
    {201, "{\"Id\":\"" ID "\"}", NULL},
    {201, "[{\"id\":\"" ID "\"}]", NULL},
    {201, "{\"value\":{\"id\":\"" ID "\"}}", NULL},
    {201, "\"id\":\"" ID "\"", NULL},
    {201, "{\"id\":7}", NULL},
    {201, "{\"id\":null}", NULL},
    {201, "{\"id\":\"\"}", NULL},
    {201, "{\"id\":\"a b\"}", NULL},
    {201, "{\"id\":\"a\\u0062\"}", NULL},
    {201, "{\"id\":\"a\303\274\"}", NULL},
    {201, "<html>\"id\":\"x\"</html>", NULL},
};

static void
test_ids(void **state)
{
	char id[DRAFT_ID_SIZE], body[2 * DRAFT_ID_SIZE];
	struct http_answer answer;
	int len, result;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		answer = answer_of(ids[i].status, ids[i].body);
		result = graph_draft_read_id(&answer, id);
		if (result != (ids[i].id == NULL ? -1 : 0))
			fail_msg("%s: %d", ids[i].body, result);
		if (result == 0)
			assert_string_equal(id, ids[i].id);
	}
	answer = answer_of(201, ids[0].body);
	answer.body_sent = 0;
	assert_int_equal(graph_draft_read_id(&answer, id), -1);
	/* what does not fit is not cut */
	for (len = DRAFT_ID_SIZE - 1; len <= DRAFT_ID_SIZE; len++) {
		snprintf(body, sizeof(body), "{\"id\":\"%0*d\"}", len, 0);
		answer = answer_of(201, body);
		assert_int_equal(graph_draft_read_id(&answer, id),
		    len == DRAFT_ID_SIZE ? -1 : 0);
	}
}

static const struct {
	long status;
	const char *body, *url;
} uploads[] = {
    {201, "{\"uploadUrl\":\"" URL "\",\"nextExpectedRanges\":[\"0-\"]}", URL},
    {201, "{\"uploadUrl\":\"https:\\/\\/a\\/b\"}", "https://a/b"},
    {200, "{\"uploadUrl\":\"" URL "\"}", NULL},
    {201, "{\"uploadUrl\":\"http://outlook.office.com/x\"}", NULL},
    {201, "{\"uploadUrl\":\"file:///etc/passwd\"}", NULL},
    {201, "{\"uploadUrl\":\"//x\"}", NULL},
    {201, "{\"uploadUrl\":\"https://a/b c\"}", NULL},
    {201, "{\"uploadUrl\":\"https://a/b\\r\\nX: y\"}", NULL},
    {201, "{\"uploadUrl\":\"https://a/\303\274\"}", NULL},
    {201, "{\"uploadUrl\":null}", NULL},
    {201, "{\"uploadUrl\":\"\"}", NULL},
    {201, "{}", NULL},
    {201, "[]", NULL},
    {201, "", NULL},
    {201, "{\"uploadUrl\":\"" URL, NULL},
};

static void
test_uploads(void **state)
{
	struct http_answer answer;
	struct secret *url;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(uploads) / sizeof(*uploads); i++) {
		answer = answer_of(uploads[i].status, uploads[i].body);
		url = graph_draft_read_upload(&answer);
		if ((url == NULL) != (uploads[i].url == NULL))
			fail_msg("%s", uploads[i].body);
		if (url != NULL)
			assert_string_equal(url->bytes, uploads[i].url);
		secret_free(&url);
	}
}

static const struct {
	const char *body;
	long long next;
} nexts[] = {
    {"{\"nextExpectedRanges\":[\"0-\"]}", 0},
    {"{\"nextExpectedRanges\":[\"3932160\"]}", 3932160},
    {"{\"nextExpectedRanges\":[\"3932160-9999999\",\"20000000-\"]}", 3932160},
    {"{\"nextExpectedRanges\":[]}", -1},
    {"{\"nextExpectedRanges\":\"5-\"}", -1},
    {"{\"nextExpectedRanges\":[5]}", -1},
    {"{\"nextExpectedRanges\":[\"\"]}", -1},
    {"{\"nextExpectedRanges\":[\"-5\"]}", -1},
    {"{\"nextExpectedRanges\":[\" 5\"]}", -1},
    {"{\"nextExpectedRanges\":[\"5x\"]}", -1},
    {"{\"nextExpectedRanges\":[\"x\"]}", -1},
    {"{\"NextExpectedRanges\":[\"5-\"]}", -1},
    {"{}", -1},
    {"", -1},
    {"<html>", -1},
};

static void
test_nexts(void **state)
{
	struct http_answer answer;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(nexts) / sizeof(*nexts); i++) {
		answer = answer_of(200, nexts[i].body);
		if (graph_draft_read_next(&answer) != nexts[i].next)
			fail_msg("%s", nexts[i].body);
	}
}

/* --- the state --- */

static char folder[] = "/tmp/daemon_draftXXXXXX";
static char key_file[64], db_file[64];
static struct draft_store store;
static struct vault *vault;

static int
begin(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/daemon_draftXXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(key_file, sizeof(key_file), "%s/key", folder);
	snprintf(db_file, sizeof(db_file), "%s/state.db", folder);
	vault = vault_load(key_file, 1, NULL);
	store.vault = vault;
	store.state = state_open(folder, vault, NULL);
	return vault == NULL || store.state == NULL ? -1 : 0;
}

static int
end(void **state)
{
	(void)state;
	state_close(&store.state);
	vault_free(&vault);
	unlink(db_file);
	unlink(key_file);
	return rmdir(folder);
}

/* Number i of several that differ in everything. */
static struct draft
draft_number(int i, const char *upload)
{
	struct draft d = {.attached = (size_t)i, .attaching = i == 2};

	memset(d.digest, i, sizeof(d.digest));
	memset(d.shape, 0xff - i, sizeof(d.shape));
	snprintf(d.identity.tenant, sizeof(d.identity.tenant),
	    "11111111-2222-3333-4444-%012d", i);
	strcpy(d.identity.client, "66666666-7777-8888-9999-000000000000");
	snprintf(d.mailbox, sizeof(d.mailbox), "\"b%d\"@example.com", i);
	snprintf(d.id, sizeof(d.id), "AAMk%d", i);
	if (upload != NULL)
		d.upload = secret_new(upload, strlen(upload));
	return d;
}

static void
keep(int i, const char *upload)
{
	struct draft d = draft_number(i, upload);
	struct error err;

	if (draft_keep(&store, &d, &err) == -1)
		fail_msg("%s", err.text);
	draft_clear(&d);
}

static void
assert_same(const struct draft *d, int i, const char *upload)
{
	struct draft want = draft_number(i, upload);

	assert_memory_equal(d->digest, want.digest, sizeof(d->digest));
	assert_memory_equal(d->shape, want.shape, sizeof(d->shape));
	assert_true(identity_equal(&d->identity, &want.identity));
	assert_string_equal(d->mailbox, want.mailbox);
	assert_string_equal(d->id, want.id);
	assert_int_equal(d->attached, want.attached);
	assert_int_equal(d->attaching, want.attaching);
	assert_int_equal(d->upload == NULL, upload == NULL);
	if (upload != NULL)
		assert_string_equal(d->upload->bytes, upload);
	draft_clear(&want);
}

/* What draft_find() says of number i; what it found is dropped. */
static int
find(int i)
{
	struct draft key = draft_number(i, NULL), d = {0};
	struct error err;
	int found = draft_find(&store, key.digest, &d, &err);

	draft_clear(&d);
	return found;
}

static int
discard(int i)
{
	struct draft key = draft_number(i, NULL);

	return draft_discard(&store, key.digest, NULL);
}

static void
assert_kept(int i, const char *upload)
{
	struct draft key = draft_number(i, NULL), d = {0};
	struct error err;

	if (draft_find(&store, key.digest, &d, &err) != 1)
		fail_msg("%s", err.text);
	assert_same(&d, i, upload);
	draft_clear(&d);
}

static void
test_keep_and_forget(void **state)
{
	struct draft key = draft_number(1, NULL);

	(void)state;
	assert_int_equal(find(1), 0);
	keep(1, NULL);
	keep(2, URL);
	assert_kept(1, NULL);
	assert_kept(2, URL);
	/* the last word counts */
	keep(1, URL "2");
	assert_kept(1, URL "2");
	state_close(&store.state);
	store.state = state_open(folder, vault, NULL);
	assert_kept(1, URL "2");
	assert_int_equal(draft_forget(&store, key.digest, NULL), 0);
	assert_int_equal(draft_forget(&store, key.digest, NULL), 0);
	assert_int_equal(find(1), 0);
	assert_kept(2, URL);
}

static void
test_discard(void **state)
{
	struct draft d;
	long long number = 0, first;

	(void)state;
	assert_int_equal(discard(1), 0);
	keep(1, URL);
	keep(2, NULL);
	keep(3, NULL);
	assert_int_equal(draft_next_discarded(&store, &number, &d, NULL), 0);
	assert_int_equal(discard(1), 1);
	assert_int_equal(discard(1), 0);
	assert_int_equal(discard(3), 1);
	assert_int_equal(find(1), 0);
	assert_kept(2, NULL);
	/* the same delivery makes another one */
	keep(1, URL "2");
	assert_kept(1, URL "2");

	assert_int_equal(draft_next_discarded(&store, &number, &d, NULL), 1);
	assert_same(&d, 1, URL);
	draft_clear(&d);
	first = number;
	assert_int_equal(draft_next_discarded(&store, &number, &d, NULL), 1);
	assert_same(&d, 3, NULL);
	draft_clear(&d);
	assert_int_equal(draft_next_discarded(&store, &number, &d, NULL), 0);
	assert_int_equal(draft_drop(&store, first, NULL), 0);
	number = 0;
	assert_int_equal(draft_next_discarded(&store, &number, &d, NULL), 1);
	assert_same(&d, 3, NULL);
	draft_clear(&d);
	assert_kept(1, URL "2");
}

static void
test_expire(void **state)
{
	struct draft d;
	long long number = 0;

	(void)state;
	keep(1, NULL);
	keep(2, NULL);
	assert_int_equal(discard(2), 1);
	assert_int_equal(draft_expire(&store, clock_wall(), NULL), 0);
	assert_kept(1, NULL);
	assert_int_equal(draft_next_discarded(&store, &number, &d, NULL), 1);
	draft_clear(&d);
	/* the one is discarded, the other given up */
	assert_int_equal(draft_expire(&store, clock_wall() + 1, NULL), 0);
	assert_int_equal(find(1), 0);
	number = 0;
	assert_int_equal(draft_next_discarded(&store, &number, &d, NULL), 1);
	assert_same(&d, 1, NULL);
	draft_clear(&d);
	assert_int_equal(draft_next_discarded(&store, &number, &d, NULL), 0);
	assert_int_equal(draft_expire(&store, clock_wall() + 1, NULL), 0);
	number = 0;
	assert_int_equal(draft_next_discarded(&store, &number, &d, NULL), 0);
}

/* A row opens in its own place alone, and only as it was written. */
static const char *const damages[] = {
    "UPDATE draft SET sealed = (SELECT sealed FROM draft WHERE number = 2)"
    " WHERE number = 1",
    "UPDATE draft SET sealed = x'' WHERE number = 1",
    "UPDATE draft SET sealed = zeroblob(100) WHERE number = 1",
    "UPDATE draft SET sealed = substr(sealed, 1, length(sealed) - 1)"
    " WHERE number = 1",
    "UPDATE draft SET sealed = (SELECT value FROM meta) WHERE number = 1",
    "UPDATE draft SET sealed = (SELECT secret FROM credential)"
    " WHERE number = 1",
};

static void
add_credential(void)
{
	const struct draft any = draft_number(1, NULL);
	struct state_credential c = {.secret = secret_new("secret", 6)};

	assert_int_equal(state_put(store.state, &any.identity, &c, NULL), 0);
	state_credential_clear(&c);
}

static void
test_damage(void **state)
{
	struct draft d;
	struct error err;
	long long number;
	size_t i;

	for (i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
		if (i > 0) {
			end(state);
			assert_int_equal(begin(state), 0);
		}
		add_credential();
		keep(1, URL);
		keep(2, URL);
		assert_int_equal(state_run(store.state, damages[i], NULL), 0);
		if (find(1) != -1)
			fail_msg("%s", damages[i]);
		assert_kept(2, URL);
		if (i == 0)
			continue;
		/* whoever deletes drafts gets past it */
		assert_int_equal(discard(1), 1);
		number = 0;
		assert_int_equal(
		    draft_next_discarded(&store, &number, &d, &err), -1);
		assert_int_equal(number, 1);
		assert_null(d.upload);
		assert_int_equal(
		    draft_next_discarded(&store, &number, &d, &err), 0);
	}
}

static void
assert_ids(const char *want)
{
	struct draft one = draft_number(1, NULL);
	struct buf text;

	buf_init(&text, 1000);
	buf_add_string(&text, "");
	assert_int_equal(draft_ids(&store, one.mailbox, &text, NULL), 0);
	assert_string_equal(text.bytes, want);
	buf_free(&text);
}

/* Those of one mailbox, discarded or not, as far as they can be read. */
static void
test_ids_of_a_mailbox(void **state)
{
	struct draft d = draft_number(3, NULL), one = draft_number(1, NULL);

	(void)state;
	assert_ids("");
	keep(1, URL);
	keep(2, NULL);
	strcpy(d.mailbox, one.mailbox);
	assert_int_equal(draft_keep(&store, &d, NULL), 0);
	assert_ids("AAMk3\nAAMk1\n");
	assert_int_equal(discard(1), 1);
	assert_ids("AAMk3\nAAMk1\n");
	d.id[0] = '\0'; /* not made yet */
	assert_int_equal(draft_keep(&store, &d, NULL), 0);
	assert_ids("AAMk1\n");
	assert_int_equal(
	    state_run(store.state, "UPDATE draft SET sealed = x'00'", NULL), 0);
	assert_ids("");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ids),
	    cmocka_unit_test(test_uploads),
	    cmocka_unit_test(test_nexts),
	    cmocka_unit_test_setup_teardown(test_keep_and_forget, begin, end),
	    cmocka_unit_test_setup_teardown(test_discard, begin, end),
	    cmocka_unit_test_setup_teardown(test_expire, begin, end),
	    cmocka_unit_test_setup_teardown(test_ids_of_a_mailbox, begin, end),
	    cmocka_unit_test_setup_teardown(test_damage, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
