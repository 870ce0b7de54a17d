/*
 * Fuzzes the local protocols, each input as all of them. What is read and
 * written again gives the same bytes, and no beginning of it was taken for the
 * whole.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/local/admin.h"
#include "lib/local/admin_reply.h"
#include "lib/local/wire.h"
#include "tests/unit/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A block of exactly this size, so that ASan sees a byte too many read. */
static char *
exact_copy(const char *bytes, size_t len)
{
	char *copy = malloc(len == 0 ? 1 : len);

	REQUIRE(copy != NULL);
	if (len > 0)
		memcpy(copy, bytes, len);
	return copy;
}

/* --- auth socket --- */

static void
check_auth(const char *bytes, size_t len)
{
	struct wire_auth auth;
	enum wire_result result = wire_auth_parse(&auth, bytes, len);
	struct buf again;
	char *copy;

	if (len > WIRE_AUTH_REQUEST_MAX)
		REQUIRE(result == WIRE_BAD);
	if (result != WIRE_DONE)
		return;
	buf_init(&again, WIRE_AUTH_REQUEST_MAX);
	REQUIRE(wire_auth_string(&again, auth.login, auth.login_len) == 0);
	REQUIRE(
	    wire_auth_string(&again, auth.password, auth.password_len) == 0);
	REQUIRE(wire_auth_string(&again, auth.service, auth.service_len) == 0);
	REQUIRE(wire_auth_string(&again, auth.realm, auth.realm_len) == 0);
	REQUIRE(again.len == len && memcmp(again.bytes, bytes, len) == 0);
	buf_free(&again);
	copy = exact_copy(bytes, len - 1);
	REQUIRE(wire_auth_parse(&auth, copy, len - 1) == WIRE_INCOMPLETE);
	free(copy);
}

/* --- records --- */

static void
check_walk(const char *bytes, size_t len)
{
	char *record = exact_copy(bytes, len), *cursor = record, *value;
	const char *name;
	struct buf again;

	buf_init(&again, len);
	while ((name = wire_next(&cursor, &value)) != NULL)
		REQUIRE(wire_field(&again, name, value) == 0);
	REQUIRE(wire_end(&again) == 0);
	REQUIRE(again.len == len && memcmp(again.bytes, bytes, len) == 0);
	buf_free(&again);
	free(record);
}

/* In two pieces, wherever they meet, it reads as in one. */
static void
check_pieces(const char *bytes, size_t len)
{
	size_t whole_len = 0, record_len = 0, first;
	enum wire_result whole = wire_record(bytes, len, &whole_len), result;
	struct wire_scan scan;

	for (first = 0; first <= len && first < 64; first++) {
		memset(&scan, 0, sizeof(scan));
		result = wire_record_more(&scan, bytes, first, &record_len);
		if (result == WIRE_INCOMPLETE)
			result =
			    wire_record_more(&scan, bytes, len, &record_len);
		REQUIRE(result == whole && record_len == whole_len);
	}
}

static void
check_record(const char *bytes, size_t len)
{
	size_t record_len = 0, less;
	char *copy;

	check_pieces(bytes, len);
	if (wire_record(bytes, len, &record_len) != WIRE_DONE)
		return;
	REQUIRE(record_len >= 1 && record_len <= len);
	check_walk(bytes, record_len);
	copy = exact_copy(bytes, record_len - 1);
	REQUIRE(wire_record(copy, record_len - 1, &less) == WIRE_INCOMPLETE);
	free(copy);
}

/* --- replies --- */

static void
check_reply(const char *bytes, size_t len)
{
	struct wire_reply reply, again;
	char *copy = exact_copy(bytes, len);
	struct buf out;

	if (wire_reply_parse(&reply, copy, len) == 0) {
		REQUIRE(reply.dsn[0] != '\0');
		buf_init(&out, WIRE_REPLY_MAX);
		REQUIRE(wire_reply_format(&out, &reply) == 0);
		REQUIRE(wire_reply_parse(&again, out.bytes, out.len) == 0);
		REQUIRE(again.status == reply.status);
		REQUIRE(strcmp(again.dsn, reply.dsn) == 0);
		REQUIRE(strcmp(again.text, reply.text) == 0);
		REQUIRE(again.by_recipient == reply.by_recipient);
		REQUIRE(strcmp(again.again_as, reply.again_as) == 0);
		REQUIRE(memcmp(again.recipients, reply.recipients,
			    sizeof(reply.recipients)) == 0);
		buf_free(&out);
	}
	free(copy);
}

/* --- the admin socket --- */

/* A question is read whatever it is; what is written of it reads the same. */
static void
check_question(const char *bytes, size_t len)
{
	struct admin_question question, again;
	size_t record_len;
	char *copy;
	struct buf out;

	if (wire_record(bytes, len, &record_len) != WIRE_DONE)
		return;
	/* as in a connection's buffer, with a NUL behind it */
	copy = malloc(record_len + 1);
	REQUIRE(copy != NULL);
	memcpy(copy, bytes, record_len);
	copy[record_len] = '\0';
	admin_question_parse(&question, copy);
	buf_init(&out, len + 64);
	REQUIRE(admin_question_format(&out, &question) == 0);
	admin_question_parse(&again, out.bytes);
	REQUIRE(strcmp(again.request, question.request) == 0);
	REQUIRE(strcmp(again.application, question.application) == 0);
	buf_free(&out);
	free(copy);
}

/*
 * What is taken for an answer is records to its last byte, the last one "end".
 */
static void
check_answer(const char *bytes, size_t len)
{
	const struct admin_record *record = NULL;
	struct admin_reply *reply;
	size_t total = 0;
	struct buf copy;

	buf_init(&copy, len + 1);
	if (len > 0)
		buf_add(&copy, bytes, len);
	reply = admin_reply_parse(&copy, NULL);
	REQUIRE(copy.bytes == NULL && copy.len == 0);
	if (reply == NULL)
		return;
	while ((record = admin_next(reply, record)) != NULL) {
		REQUIRE(strcmp(admin_value(record, "record"), "end") != 0);
		total += strlen(admin_value(record, "application")) + 1;
		admin_value_number(record, "until");
	}
	REQUIRE(total < len);
	admin_reply_free(&reply);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *bytes = exact_copy((const char *)data, size);

	check_auth(bytes, size);
	check_record(bytes, size);
	check_reply(bytes, size);
	check_question(bytes, size);
	check_answer(bytes, size);
	free(bytes);
	return 0;
}
