/*
 * What is known of each message's status (agent/daemon/store/journal.c), and
 * what it is known by (agent/daemon/message/fingerprint.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/daemon/message/fingerprint.h"
#include "agent/daemon/store/journal.h"
#include "agent/daemon/store/state_sql.h"
#include "state_folder.h"

#define ID_A "11111111-2222-3333-4444-555555555555"
#define ID_B "66666666-7777-8888-9999-000000000000"

/* --- keys --- */

/* Keys of one letter each; the caller frees the list. */
static struct journal_keys
keys_of(const char *letters)
{
	struct journal_keys keys = {.count = strlen(letters)};
	size_t i;

	keys.list = calloc(keys.count + 1, sizeof(keys.list[0]));
	assert_non_null(keys.list);
	for (i = 0; i < keys.count; i++)
		memset(keys.list[i], letters[i], sizeof(keys.list[i]));
	journal_keys_sort(&keys);
	return keys;
}

static const struct {
	const char *a, *b;
	int meet;
} pairs[] = {
    {"a", "a", 1},
    {"a", "b", 0},
    {"abc", "c", 1},
    {"c", "abc", 1},
    {"cba", "dab", 1},
    {"ace", "bdf", 0},
    {"ace", "bdfe", 1},
    {"", "a", 0},
    {"a", "", 0},
    {"", "", 0},
};

static void
test_keys(void **state)
{
	struct journal_keys a = keys_of("cabbac"), b = keys_of("abc");
	size_t i;

	(void)state;
	assert_int_equal(a.count, 3);
	assert_memory_equal(a.list, b.list, 3 * sizeof(a.list[0]));
	free(a.list);
	free(b.list);
	for (i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		a = keys_of(pairs[i].a);
		b = keys_of(pairs[i].b);
		if (journal_keys_meet(&a, &b) != pairs[i].meet)
			fail_msg("%s %s", pairs[i].a, pairs[i].b);
		free(a.list);
		free(b.list);
	}
}

/* --- the journal --- */

static struct event_base *base;
static struct journal *journal;
static int written;

static int
begin(void **state)
{
	(void)state;
	if (state_begin(state) == -1)
		return -1;
	base = event_base_new();
	journal = journal_new(base, st, NULL);
	return journal == NULL ? -1 : 0;
}

static int
end(void **state)
{
	(void)state;
	journal_free(&journal);
	event_base_free(base);
	return state_end(state);
}

static void
on_written(void *ctx, const struct error *err)
{
	(void)ctx;
	assert_null(err);
	written++;
}

static void
write_entry(const char *letters, enum journal_status status, const char *id,
    long long since, const char *refusal)
{
	struct journal_keys keys = keys_of(letters);
	struct journal_entry entry = {
	    .keys = &keys, .status = status, .refused_since = since};

	snprintf(entry.request_id, sizeof(entry.request_id), "%s", id);
	snprintf(entry.refusal, sizeof(entry.refusal), "%s", refusal);
	written = 0;
	assert_int_equal(journal_write(journal, &entry, on_written, NULL), 0);
	assert_int_equal(written, 0);
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(written, 1);
	free(keys.list);
}

static struct journal_entry
find(const char *letters)
{
	struct journal_keys keys = keys_of(letters);
	struct journal_entry entry = {.keys = &keys};
	struct error err;

	if (journal_find(journal, &entry, &err) == -1)
		fail_msg("%s", err.text);
	free(keys.list);
	entry.keys = NULL;
	return entry;
}

static void
assert_status(const char *letters, enum journal_status status, size_t accepted)
{
	struct journal_entry entry = find(letters);

	if (entry.status != status || entry.accepted != accepted)
		fail_msg(
		    "%s: %d, %zu", letters, (int)entry.status, entry.accepted);
}

static void
test_statuses(void **state)
{
	(void)state;
	assert_status("ab", JOURNAL_NEW, 0);
	write_entry("abc", JOURNAL_POSTED, "", 0, "");
	assert_status("abc", JOURNAL_POSTED, 0);
	assert_status("b", JOURNAL_POSTED, 0);
	assert_status("bx", JOURNAL_POSTED, 0);
	assert_status("x", JOURNAL_NEW, 0);
	write_entry("abc", JOURNAL_NEW, "", 0, "");
	assert_status("abc", JOURNAL_NEW, 0);
	write_entry("ab", JOURNAL_ACCEPTED, "one", 0, "");
	assert_status("ba", JOURNAL_ACCEPTED, 2);
	assert_status("b", JOURNAL_ACCEPTED, 1);
	assert_string_equal(find("b").request_id, "one");
	assert_status("abc", JOURNAL_NEW, 2);
	/* calls of one message add up */
	write_entry("cd", JOURNAL_ACCEPTED, "two", 0, "");
	assert_status("abcd", JOURNAL_ACCEPTED, 4);
	/* what was accepted stays so */
	write_entry("dxy", JOURNAL_POSTED, "", 5, "x");
	assert_status("d", JOURNAL_ACCEPTED, 1);
	assert_string_equal(find("d").request_id, "two");
	assert_status("dxy", JOURNAL_POSTED, 1);
	write_entry("dxy", JOURNAL_NEW, "", 0, "");
	assert_status("d", JOURNAL_ACCEPTED, 1);
	assert_status("dxy", JOURNAL_NEW, 1);
}

static void
post(const char *letters, int by_sendmail, const char *name, const char *from)
{
	struct journal_keys keys = keys_of(letters);
	struct journal_entry entry = {.keys = &keys,
	    .status = JOURNAL_POSTED,
	    .by_sendmail = by_sendmail};

	snprintf(entry.post, sizeof(entry.post), "%s", name);
	snprintf(entry.posted_from, sizeof(entry.posted_from), "%s", from);
	written = 0;
	assert_int_equal(journal_write(journal, &entry, on_written, NULL), 0);
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(written, 1);
	free(keys.list);
}

static void
assert_post(const char *letters, int by_sendmail, const char *name, int differ,
    const char *from)
{
	struct journal_entry entry = find(letters);

	if (entry.by_sendmail != by_sendmail || strcmp(entry.post, name) != 0 ||
	    entry.posts_differ != differ ||
	    strcmp(entry.posted_from, from) != 0)
		fail_msg("%s: %d %s %d %s", letters, entry.by_sendmail,
		    entry.post, entry.posts_differ, entry.posted_from);
}

/* Of a post without an answer: how, by which delivery and from where. */
static void
test_posts(void **state)
{
	(void)state;
	post("ab", 0, "0123456789abcdef", "");
	assert_post("abx", 0, "0123456789abcdef", 0, "");
	post("bc", 1, "fedcba9876543210", "f o@x");
	assert_post("a", 0, "0123456789abcdef", 0, "");
	assert_post("b", 1, "fedcba9876543210", 0, "f o@x");
	assert_post("ab", 1, "fedcba9876543210", 1, "f o@x");
	/* as a version before has written it */
	assert_int_equal(
	    state_run(st,
		"UPDATE delivery SET request_id = 'a.long.name@example.com'",
		NULL),
	    0);
	assert_post("ab", 1, "-", 0, "a.long.name@example.com");
	assert_int_equal(
	    state_run(st, "UPDATE delivery SET request_id = ''", NULL), 0);
	assert_post("ab", 1, "-", 0, "");
	post("c", 0, "0123456789abcdef", "");
	assert_post("ac", 1, "0123456789abcdef", 1, "");
	/* an acceptance has an id there */
	write_entry("abc", JOURNAL_ACCEPTED, "draft x y", 0, "");
	assert_post("abc", 0, "", 0, "");
	assert_string_equal(find("c").request_id, "draft x y");
}

static void
test_refusals(void **state)
{
	struct journal_entry entry;

	(void)state;
	write_entry("a", JOURNAL_NEW, "", 300, "later");
	write_entry("b", JOURNAL_NEW, "", 200, "first");
	write_entry("c", JOURNAL_NEW, "", 0, "");
	entry = find("abcx");
	assert_int_equal(entry.refused_since, 200);
	assert_string_equal(entry.refusal, "first");
	assert_int_equal(find("c").refused_since, 0);
	assert_string_equal(find("c").refusal, "");
}

static void
test_follow(void **state)
{
	struct journal_entry ours = {.refused_since = 1000, .posted = 2000},
			     earlier = {.refused_since = 999, .posted = 999},
			     ahead = {.refused_since = 2001, .posted = 2001};

	(void)state;
	journal_follow_clock(&ours, 1000, 2000, 500);
	assert_int_equal(ours.refused_since, 1500);
	assert_int_equal(ours.posted, 2500);
	journal_follow_clock(&earlier, 1000, 2000, 500);
	assert_int_equal(earlier.refused_since, 999);
	assert_int_equal(earlier.posted, 999);
	journal_follow_clock(&ahead, 1000, 2000, 500);
	assert_int_equal(ahead.refused_since, 2001);
	assert_int_equal(ahead.posted, 2001);
}

static void
write_again(void *ctx, const struct error *err)
{
	assert_null(err);
	assert_int_equal(journal_write(journal, ctx, on_written, NULL), 0);
}

/* At the end too, who is told of one write may ask for another. */
static void
test_last_write(void **state)
{
	struct journal_keys keys = keys_of("a");
	struct journal_entry entry = {.keys = &keys, .status = JOURNAL_POSTED};

	(void)state;
	written = 0;
	assert_int_equal(
	    journal_write(journal, &entry, write_again, &entry), 0);
	journal_free(&journal);
	assert_int_equal(written, 1);
	free(keys.list);
}

/* --- fingerprints --- */

/* Of "message" in a spool file, but for what the test changes. */
static struct delivery_request
request_of(const char *message)
{
	struct delivery_request request = {
	    .queue_id = "4Q", .identity = {ID_A, ID_B}, .mailbox = "a@x.org"};
	int fd = memfd_create("spool", MFD_CLOEXEC);

	assert_int_equal(write(fd, message, strlen(message)), strlen(message));
	source_init(&request.source, fd);
	request.source.raw = (long long)strlen(message);
	return request;
}

static void
take(struct delivery_request *request, const char *a, const char *b)
{
	const char *list[] = {a, b};

	assert_int_equal(fingerprint(request, list, 2), 0);
}

static void
test_fingerprints(void **state)
{
	struct delivery_request first = request_of("message"), other;
	int i;

	(void)state;
	take(&first, "a", "b");
	assert_int_equal(first.keys.count, 2);
	/* Postfix promises no order */
	other = request_of("message");
	take(&other, "b", "a");
	assert_memory_equal(first.digest, other.digest, sizeof(first.digest));
	assert_memory_equal(
	    first.keys.list, other.keys.list, 2 * sizeof(first.keys.list[0]));
	delivery_request_free(&other);
	for (i = 0; i < 5; i++) {
		other = request_of(i == 0 ? "massage" : "message");
		if (i == 1)
			strcpy(other.queue_id, "4R");
		if (i == 2)
			strcpy(other.mailbox, "b@x.org");
		if (i == 3)
			strcpy(other.identity.client, ID_A);
		if (i == 4)
			strcpy(other.identity.tenant, ID_B);
		take(&other, "a", "b");
		assert_int_equal(
		    journal_keys_meet(&first.keys, &other.keys), 0);
		assert_memory_not_equal(
		    first.digest, other.digest, sizeof(first.digest));
		delivery_request_free(&other);
	}
	/* one of the same and another */
	other = request_of("message");
	take(&other, "b", "c");
	assert_int_equal(journal_keys_meet(&first.keys, &other.keys), 1);
	assert_memory_not_equal(
	    first.digest, other.digest, sizeof(first.digest));
	delivery_request_free(&other);
	other = request_of("message");
	other.source.raw++;
	assert_int_equal(fingerprint(&other, (const char *[]){"a"}, 1), -1);
	delivery_request_free(&other);
	delivery_request_free(&first);
}

/* From either mailbox it is the same message, which each can find. */
static void
test_fingerprints_of_the_fallback(void **state)
{
	struct delivery_request own = request_of("message");
	struct delivery_request other = request_of("message");

	(void)state;
	strcpy(other.mailbox, "f@x.org");
	strcpy(other.instead_of, "a@x.org");
	take(&own, "a", "b");
	take(&other, "b", "c");
	assert_int_equal(journal_keys_meet(&own.keys, &other.keys), 0);
	assert_int_equal(journal_keys_meet(&own.keys, &other.other), 1);
	assert_int_equal(journal_keys_meet(&own.other, &other.keys), 1);
	assert_int_equal(journal_keys_meet(&own.told, &other.told), 1);
	assert_memory_equal(
	    own.each[1].key, other.each[0].other, sizeof(own.each[1].key));
	assert_memory_not_equal(own.digest, other.digest, sizeof(own.digest));
	delivery_request_free(&own);
	delivery_request_free(&other);
	/* whichever mailbox the entry names by now */
	own = request_of("message");
	other = request_of("message");
	strcpy(own.mailbox, "f@x.org");
	strcpy(own.instead_of, "a@x.org");
	strcpy(other.mailbox, "g@x.org");
	strcpy(other.instead_of, "a@x.org");
	take(&own, "a", "b");
	take(&other, "a", "b");
	assert_memory_equal(own.digest, other.digest, sizeof(own.digest));
	delivery_request_free(&own);
	delivery_request_free(&other);
	/* a notice is about the message, and looks for no other mailbox's */
	own = request_of("message");
	own.notice = 1;
	take(&own, "a", "b");
	assert_int_equal(own.other.count, 0);
	delivery_request_free(&own);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_keys),
	    cmocka_unit_test_setup_teardown(test_statuses, begin, end),
	    cmocka_unit_test_setup_teardown(test_posts, begin, end),
	    cmocka_unit_test_setup_teardown(test_refusals, begin, end),
	    cmocka_unit_test(test_follow),
	    cmocka_unit_test_setup_teardown(test_last_write, begin, end),
	    cmocka_unit_test(test_fingerprints),
	    cmocka_unit_test(test_fingerprints_of_the_fallback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
