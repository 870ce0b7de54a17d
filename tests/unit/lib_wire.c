/*
 * The two local protocols (lib/local/wire.c): a row is what arrives and what is
 * read from it. Each input is read from a block of exactly its size, and each
 * beginning of it too, since sockets deliver in pieces.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/local/wire.h"

#define BYTES(s) s, sizeof(s) - 1

static char *
exact_copy(const char *bytes, size_t len)
{
	char *copy = malloc(len == 0 ? 1 : len);

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	return copy;
}

/* --- auth socket --- */

static const struct {
	const char *bytes;
	size_t len;
	enum wire_result result;
	const char *strings[4]; /* if WIRE_DONE */
} auth_rows[] = {
    {BYTES("\0\4user\0\6secret\0\4smtp\0\5realm"), WIRE_DONE,
	{"user", "secret", "smtp", "realm"}},
    {BYTES("\0\4user\0\6secret\0\0\0\0"), WIRE_DONE,
	{"user", "secret", "", ""}},
    {BYTES("\0\0\0\0\0\0\0\0"), WIRE_DONE, {"", "", "", ""}},
    {BYTES("\0\2\303\274\0\1\377\0\1\n\0\1 "), WIRE_DONE,
	{"\303\274", "\377", "\n", " "}},
    /* a byte too many */
    {BYTES("\0\0\0\0\0\0\0\0\0"), WIRE_BAD, {0}},
    {BYTES("\0\1a\0\1b\0\1c\0\1de"), WIRE_BAD, {0}},
    /* a string too long, told from its count alone */
    {BYTES("\4\1"), WIRE_BAD, {0}},
    {BYTES("\377\377"), WIRE_BAD, {0}},
    {BYTES("\0\1a\4\1"), WIRE_BAD, {0}},
    {BYTES("\0\1a\0\1b\4\1"), WIRE_BAD, {0}},
    {BYTES("\0\1a\0\1b\0\1c\4\1"), WIRE_BAD, {0}},
    /* not yet */
    {BYTES(""), WIRE_INCOMPLETE, {0}},
    {BYTES("\0"), WIRE_INCOMPLETE, {0}},
    {BYTES("\4\0"), WIRE_INCOMPLETE, {0}},
    {BYTES("\0\4use"), WIRE_INCOMPLETE, {0}},
    {BYTES("\0\1a\0\1b\0\1c\0\1"), WIRE_INCOMPLETE, {0}},
};

static void
assert_string(const char *bytes, size_t len, const char *want)
{
	assert_int_equal(len, strlen(want));
	assert_memory_equal(bytes, want, len);
}

static void
test_auth(void **state)
{
	struct wire_auth auth;
	enum wire_result result;
	size_t i, len;
	char *copy;

	(void)state;
	for (i = 0; i < sizeof(auth_rows) / sizeof(*auth_rows); i++) {
		print_message("row %zu\n", i);
		copy = exact_copy(auth_rows[i].bytes, auth_rows[i].len);
		result = wire_auth_parse(&auth, copy, auth_rows[i].len);
		assert_int_equal(result, auth_rows[i].result);
		if (result == WIRE_DONE) {
			assert_string(auth.login, auth.login_len,
			    auth_rows[i].strings[0]);
			assert_string(auth.password, auth.password_len,
			    auth_rows[i].strings[1]);
			assert_string(auth.service, auth.service_len,
			    auth_rows[i].strings[2]);
			assert_string(auth.realm, auth.realm_len,
			    auth_rows[i].strings[3]);
		}
		free(copy);
		for (len = 0; len < auth_rows[i].len; len++) {
			copy = exact_copy(auth_rows[i].bytes, len);
			if (result == WIRE_DONE)
				assert_int_equal(
				    wire_auth_parse(&auth, copy, len),
				    WIRE_INCOMPLETE);
			else
				wire_auth_parse(&auth, copy, len);
			free(copy);
		}
	}
}

/* The longest request that is taken fits the announced size exactly. */
static void
test_auth_longest(void **state)
{
	static char string[WIRE_AUTH_STRING_MAX + 1];
	struct wire_auth auth;
	struct buf out;
	int i;

	(void)state;
	memset(string, 'x', sizeof(string));
	buf_init(&out, WIRE_AUTH_REQUEST_MAX);
	for (i = 0; i < 4; i++)
		assert_int_equal(
		    wire_auth_string(&out, string, WIRE_AUTH_STRING_MAX), 0);
	assert_int_equal(out.len, WIRE_AUTH_REQUEST_MAX);
	assert_int_equal(wire_auth_parse(&auth, out.bytes, out.len), WIRE_DONE);
	assert_int_equal(auth.realm_len, WIRE_AUTH_STRING_MAX);
	assert_ptr_equal(auth.realm + auth.realm_len, out.bytes + out.len);
	buf_free(&out);
}

static void
test_auth_string(void **state)
{
	static char string[WIRE_AUTH_STRING_MAX + 1];
	struct buf out;

	(void)state;
	buf_init(&out, 20);
	assert_int_equal(wire_auth_string(&out, "OK", 2), 0);
	assert_int_equal(wire_auth_string(&out, "", 0), 0);
	assert_int_equal(out.len, 6);
	assert_memory_equal(out.bytes, "\0\2OK\0\0", 7);
	/* one too long for the protocol, or for the buffer: nothing of it */
	assert_int_equal(wire_auth_string(&out, string, sizeof(string)), -1);
	assert_int_equal(wire_auth_string(&out, string, 13), -1);
	assert_int_equal(out.len, 6);
	assert_memory_equal(out.bytes, "\0\2OK\0\0", 7);
	assert_int_equal(wire_auth_string(&out, string, 12), 0);
	assert_int_equal(out.len, 20);
	buf_free(&out);
}

/* --- records --- */

static const struct {
	const char *bytes;
	size_t len;
	enum wire_result result;
	size_t record_len; /* if WIRE_DONE */
	const char *pairs; /* "name>value;" for each line */
} records[] = {
    {BYTES("a=b\n\n"), WIRE_DONE, 5, "a>b;"},
    {BYTES("a=b\nc=d\n\n"), WIRE_DONE, 9, "a>b;c>d;"},
    {BYTES("\n"), WIRE_DONE, 1, ""},
    {BYTES("a=\n\n"), WIRE_DONE, 4, "a>;"},
    {BYTES("=b\n\n"), WIRE_DONE, 4, ">b;"},
    {BYTES("a=b=c\n\n"), WIRE_DONE, 7, "a>b=c;"},
    {BYTES("a= b \n\n"), WIRE_DONE, 7, "a> b ;"},
    {BYTES("a=\303\274\377\n\n"), WIRE_DONE, 7, "a>\303\274\377;"},
    /* what follows a record is not looked at */
    {BYTES("a=b\n\nc\1"), WIRE_DONE, 5, "a>b;"},
    {BYTES("\nx=y\n\n"), WIRE_DONE, 1, ""},

    {BYTES(""), WIRE_INCOMPLETE, 0, NULL},
    {BYTES("a"), WIRE_INCOMPLETE, 0, NULL},
    {BYTES("a=b"), WIRE_INCOMPLETE, 0, NULL},
    {BYTES("a=b\n"), WIRE_INCOMPLETE, 0, NULL},
    {BYTES("a=b\nc"), WIRE_INCOMPLETE, 0, NULL},

    {BYTES("ab\n"), WIRE_BAD, 0, NULL},
    {BYTES("a=b\nc\n\n"), WIRE_BAD, 0, NULL},
    {BYTES("a=b\0\n\n"), WIRE_BAD, 0, NULL},
    {BYTES("\0"), WIRE_BAD, 0, NULL},
    {BYTES("a=b\r\n\r\n"), WIRE_BAD, 0, NULL},
    {BYTES("a=\tb\n\n"), WIRE_BAD, 0, NULL},
    {BYTES("a\033=b\n\n"), WIRE_BAD, 0, NULL},
    {BYTES("a=b\177"), WIRE_BAD, 0, NULL},
};

static void
check_walk(char *record, const char *pairs)
{
	char *cursor = record, *value;
	const char *name;
	struct buf seen;

	buf_init(&seen, 1000);
	buf_add_string(&seen, "");
	while ((name = wire_next(&cursor, &value)) != NULL)
		buf_printf(&seen, "%s>%s;", name, value);
	assert_string_equal(seen.bytes, pairs);
	/* and stays at the end */
	assert_null(wire_next(&cursor, &value));
	buf_free(&seen);
}

/*
 * The same in pieces. What was looked at already is not again: it is
 * overwritten with what would be an error.
 */
static void
check_pieces(size_t row, size_t piece)
{
	struct wire_scan scan = {0};
	enum wire_result result = WIRE_INCOMPLETE;
	size_t len = 0, record_len;
	char *copy = exact_copy(records[row].bytes, records[row].len);

	while (result == WIRE_INCOMPLETE && len < records[row].len) {
		memset(copy, '\1', len);
		len += piece;
		if (len > records[row].len)
			len = records[row].len;
		result = wire_record_more(&scan, copy, len, &record_len);
	}
	assert_int_equal(result, records[row].result);
	if (result == WIRE_DONE)
		assert_int_equal(record_len, records[row].record_len);
	free(copy);
}

static void
test_records_in_pieces(void **state)
{
	size_t i, piece;

	(void)state;
	for (i = 0; i < sizeof(records) / sizeof(*records); i++)
		for (piece = 1; piece <= 4; piece++)
			check_pieces(i, piece);
}

static void
test_records(void **state)
{
	enum wire_result result;
	size_t i, len, record_len;
	char *copy;

	(void)state;
	for (i = 0; i < sizeof(records) / sizeof(*records); i++) {
		print_message("row %zu\n", i);
		copy = exact_copy(records[i].bytes, records[i].len);
		result = wire_record(copy, records[i].len, &record_len);
		assert_int_equal(result, records[i].result);
		if (result == WIRE_DONE) {
			assert_int_equal(record_len, records[i].record_len);
			check_walk(copy, records[i].pairs);
		}
		free(copy);
		for (len = 0; len < records[i].len; len++) {
			copy = exact_copy(records[i].bytes, len);
			result = wire_record(copy, len, &record_len);
			if (len < records[i].record_len)
				assert_int_equal(result, WIRE_INCOMPLETE);
			free(copy);
		}
	}
}

static const struct {
	const char *value;
	int result;
} fields[] = {
    {"", 0},
    {"scan@example.com", 0},
    {"a=b", 0},
    {" \303\274\377 ", 0},
    {"a\nrecipient=evil@example.com", -1},
    {"a\r", -1},
    {"\t", -1},
    {"\033", -1},
    {"\177", -1},
};

/* No value can start a line of its own. */
static void
test_fields(void **state)
{
	char *cursor, *value;
	const char *name;
	struct buf out;
	size_t i, len;

	(void)state;
	for (i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		buf_init(&out, 1000);
		assert_int_equal(wire_field(&out, "first", "1"), 0);
		len = out.len;
		assert_int_equal(wire_field(&out, "name", fields[i].value),
		    fields[i].result);
		if (fields[i].result == -1) {
			assert_int_equal(out.len, len);
			buf_free(&out);
			continue;
		}
		assert_int_equal(wire_end(&out), 0);
		assert_int_equal(
		    wire_record(out.bytes, out.len, &len), WIRE_DONE);
		assert_int_equal(len, out.len);
		cursor = out.bytes;
		assert_string_equal(wire_next(&cursor, &value), "first");
		name = wire_next(&cursor, &value);
		assert_string_equal(name, "name");
		assert_string_equal(value, fields[i].value);
		buf_free(&out);
	}
}

/* --- replies --- */

static const struct wire_reply replies[] = {
    {WIRE_SENT, "2.0.0", "Graph accepted, request-id=none", 0, "", {0}},
    {WIRE_DEFERRED, "4.7.28", "Graph asks to slow down: HTTP 429 x=y", 0, "",
	{0}},
    {WIRE_BOUNCED, "5.3.4", "", 0, "", {0}},
    {WIRE_BOUNCED, "5.1.3", "no", 1, "", {[1] = WIRE_RECIPIENT_REFUSED}},
    {WIRE_DEFERRED, "4.1.0", "no mailbox", 0, "relay@example.com", {0}},
    {WIRE_SENT, "2.0.0", "before", 0, "",
	{WIRE_RECIPIENT_ACCEPTED, [7] = WIRE_RECIPIENT_TOLD,
	    [WIRE_RECIPIENTS_MAX - 1] = WIRE_RECIPIENT_ACCEPTED}},
};

static void
test_replies(void **state)
{
	struct wire_reply reply;
	struct buf out;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(replies) / sizeof(*replies); i++) {
		buf_init(&out, WIRE_REPLY_MAX);
		assert_int_equal(wire_reply_format(&out, &replies[i]), 0);
		assert_int_equal(
		    wire_reply_parse(&reply, out.bytes, out.len), 0);
		assert_int_equal(reply.status, replies[i].status);
		assert_string_equal(reply.dsn, replies[i].dsn);
		assert_string_equal(reply.text, replies[i].text);
		assert_int_equal(reply.by_recipient, replies[i].by_recipient);
		assert_string_equal(reply.again_as, replies[i].again_as);
		assert_memory_equal(reply.recipients, replies[i].recipients,
		    sizeof(reply.recipients));
		buf_free(&out);
	}
}

/* The longest reply fits; one that says more than a line is none. */
static void
test_reply_format(void **state)
{
	struct wire_reply reply = {.status = WIRE_BOUNCED};
	struct buf out;

	(void)state;
	memset(reply.dsn, '5', sizeof(reply.dsn) - 1);
	memset(reply.text, 'x', sizeof(reply.text) - 1);
	memset(reply.recipients, WIRE_RECIPIENT_ACCEPTED,
	    sizeof(reply.recipients));
	reply.by_recipient = 1;
	memset(reply.again_as, 'm', sizeof(reply.again_as) - 1);
	buf_init(&out, WIRE_REPLY_MAX);
	assert_int_equal(wire_reply_format(&out, &reply), 0);
	buf_free(&out);
	reply.text[3] = '\n';
	assert_int_equal(wire_reply_format(&out, &reply), -1);
	buf_free(&out);
}

#define L50 "12345678901234567890123456789012345678901234567890"

static const struct {
	const char *bytes;
	size_t len;
	int result;
	enum wire_status status;
	const char *dsn, *text;
} parsed[] = {
    {BYTES("status=sent\ndsn=2.0.0\ntext=ok\n\n"), 0, WIRE_SENT, "2.0.0", "ok"},
    {BYTES("text=t\ndsn=5.1.1\nstatus=bounced\n\n"), 0, WIRE_BOUNCED, "5.1.1",
	"t"},
    /* a newer daemon says more, an older one less */
    {BYTES("status=deferred\nnew=1\ndsn=4.3.0\n\n"), 0, WIRE_DEFERRED, "4.3.0",
	""},
    {BYTES("status=sent\ndsn=2.0.0\n\nmore"), 0, WIRE_SENT, "2.0.0", ""},
    /* nothing that could be taken for an answer */
    {BYTES(""), -1, 0, NULL, NULL},
    {BYTES("\n"), -1, 0, NULL, NULL},
    {BYTES("status=sent\ndsn=2.0.0\n"), -1, 0, NULL, NULL},
    {BYTES("status=sent\n\n"), -1, 0, NULL, NULL},
    {BYTES("status=sent\ndsn=\n\n"), -1, 0, NULL, NULL},
    {BYTES("dsn=2.0.0\ntext=ok\n\n"), -1, 0, NULL, NULL},
    {BYTES("status=\ndsn=2.0.0\n\n"), -1, 0, NULL, NULL},
    {BYTES("status=SENT\ndsn=2.0.0\n\n"), -1, 0, NULL, NULL},
    {BYTES("status=sent \ndsn=2.0.0\n\n"), -1, 0, NULL, NULL},
    {BYTES("status=accepted\ndsn=2.0.0\n\n"), -1, 0, NULL, NULL},
    {BYTES("status=sent\ndsn=2.0.0\nx\n\n"), -1, 0, NULL, NULL},
    {BYTES("status=sent\ndsn=2.0.0\ntext=a\0b\n\n"), -1, 0, NULL, NULL},
    /* a place that no recipient can have */
    {BYTES("status=sent\ndsn=2.0.0\ntold=1000\n\n"), -1, 0, NULL, NULL},
    {BYTES("status=sent\ndsn=2.0.0\ntold=\n\n"), -1, 0, NULL, NULL},
    {BYTES("status=sent\ndsn=2.0.0\naccepted=-1\n\n"), -1, 0, NULL, NULL},
    {BYTES("status=sent\ndsn=2.0.0\nrefused=1x\n\n"), -1, 0, NULL, NULL},
    /* a mailbox that none can have */
    {BYTES("status=deferred\ndsn=4.1.0\nagain-as=" L50 L50 L50 L50 L50
	   "@x.y\n\n"),
	0, WIRE_DEFERRED, "4.1.0", ""},
    {BYTES("status=deferred\ndsn=4.1.0\nagain-as=" L50 L50 L50 L50 L50
	   "@x.yz\n\n"),
	-1, 0, NULL, NULL},
    {BYTES("HTTP/1.1 202 Accepted\r\n\r\n"), -1, 0, NULL, NULL},
};

static void
test_reply_parse(void **state)
{
	struct wire_reply reply;
	char *copy;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(parsed) / sizeof(*parsed); i++) {
		print_message("row %zu\n", i);
		copy = exact_copy(parsed[i].bytes, parsed[i].len);
		assert_int_equal(wire_reply_parse(&reply, copy, parsed[i].len),
		    parsed[i].result);
		if (parsed[i].result == 0) {
			assert_int_equal(reply.status, parsed[i].status);
			assert_string_equal(reply.dsn, parsed[i].dsn);
			assert_string_equal(reply.text, parsed[i].text);
		}
		free(copy);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_auth),
	    cmocka_unit_test(test_auth_longest),
	    cmocka_unit_test(test_auth_string),
	    cmocka_unit_test(test_records),
	    cmocka_unit_test(test_records_in_pieces),
	    cmocka_unit_test(test_fields),
	    cmocka_unit_test(test_replies),
	    cmocka_unit_test(test_reply_format),
	    cmocka_unit_test(test_reply_parse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
