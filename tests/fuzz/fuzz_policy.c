/*
 * Fuzzes what a question of policy, its answer and a next hop are read from,
 * each input as all three. What is taken is the same when it is written and
 * read again, and a next hop's mailbox is never longer than it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/local/policy.h"
#include "lib/local/wire.h"
#include "tests/unit/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A block of exactly this size and a NUL, so that ASan sees a byte too many. */
static char *
terminated_copy(const char *bytes, size_t len)
{
	char *copy = malloc(len + 1);

	REQUIRE(copy != NULL);
	if (len > 0)
		memcpy(copy, bytes, len);
	copy[len] = '\0';
	return copy;
}

static void
check_question(const char *bytes, size_t len)
{
	struct policy_question question, again;
	char *copy, *second;
	struct buf out, out2;
	size_t record_len;

	if (wire_record(bytes, len, &record_len) != WIRE_DONE)
		return;
	copy = terminated_copy(bytes, record_len);
	if (policy_question_parse(&question, copy) == 1) {
		buf_init(&out, len + 1024);
		buf_init(&out2, len + 1024);
		REQUIRE(policy_question_format(&out, &question) == 0);
		second = terminated_copy(out.bytes, out.len);
		REQUIRE(policy_question_parse(&again, second) == 1);
		REQUIRE(policy_question_format(&out2, &again) == 0);
		REQUIRE(out.len == out2.len &&
		    memcmp(out.bytes, out2.bytes, out.len) == 0);
		free(second);
		buf_free(&out);
		buf_free(&out2);
	}
	free(copy);
}

static void
check_answer(const char *bytes, size_t len)
{
	struct policy_answer answer, again;
	char *copy = terminated_copy(bytes, len);
	struct buf out;

	if (policy_answer_parse(&answer, copy, len) == 0) {
		buf_init(&out, POLICY_ANSWER_MAX);
		REQUIRE(policy_answer_format(&out, &answer) == 0);
		REQUIRE(policy_answer_parse(&again, out.bytes, out.len) == 0);
		REQUIRE(again.status == answer.status);
		if (answer.status == POLICY_OK) {
			REQUIRE(identity_equal(
			    &again.application, &answer.application));
			REQUIRE(strcmp(again.entry, answer.entry) == 0);
			REQUIRE(strcmp(again.from, answer.from) == 0);
			REQUIRE(strcmp(again.transport, answer.transport) == 0);
			REQUIRE(again.recipients == answer.recipients);
		} else {
			REQUIRE(strcmp(again.dsn, answer.dsn) == 0);
			REQUIRE(strcmp(again.text, answer.text) == 0);
		}
		buf_free(&out);
	}
	free(copy);
}

static void
check_nexthop(const char *bytes, size_t len)
{
	char *nexthop = terminated_copy(bytes, len), stamp[ROUTE_SIZE];
	struct route route;

	if (route_parse(nexthop, &route) == 0) {
		REQUIRE(strncmp(route.mailbox, nexthop,
			    strlen(route.mailbox)) == 0);
		if (route.has_application) {
			/* a mailbox that no stamp may hold is read too */
			if (route_stamp(stamp, NULL, route.mailbox,
				&route.application, route.entry) == 0)
				REQUIRE(strcmp(stamp, nexthop) == 0);
		} else
			REQUIRE(strcmp(route.mailbox, nexthop) == 0);
	}
	free(nexthop);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_question((const char *)data, size);
	check_answer((const char *)data, size);
	check_nexthop((const char *)data, size);
	return 0;
}
