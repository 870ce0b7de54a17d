/*
 * A message in the milter (milter/message.c): header fields in, edits or a
 * refusal out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "milter/message.h"

#define TENANT "11111111-2222-3333-4444-555555555555"
#define CLIENT "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
#define NOW 1763903095 /* Sun, 23 Nov 2025 13:04:55 +0000 */

/* An empty configuration file is all defaults. */
static int
setup(void **state)
{
	char file[] = "/tmp/milter_message.XXXXXX";
	struct error err;
	int fd, result;

	(void)state;
	setenv("TZ", "UTC", 1);
	if ((fd = mkstemp(file)) == -1)
		return -1;
	close(fd);
	result = settings_load(file, 0, &err);
	unlink(file);
	return result;
}

static int
teardown(void **state)
{
	(void)state;
	settings_clear();
	return 0;
}

/* A message of a client that may send. */
static struct message *
open_message(const char *sender)
{
	struct message *m = message_new(settings_get(), sender);

	assert_non_null(m);
	strcpy(m->answer.application.tenant, TENANT);
	strcpy(m->answer.application.client, CLIENT);
	return m;
}

static void
read_fields(struct message *m, const char *const *fields)
{
	char name[256];
	const char *colon;

	for (; *fields != NULL; fields++) {
		colon = strchr(*fields, ':');
		snprintf(name, sizeof(name), "%.*s", (int)(colon - *fields),
		    *fields);
		message_header(m, name, colon + 1);
	}
}

/* --- edits --- */

struct record {
	char text[4096]; /* "-name/index" and "+name: value", joined by | */
	int left; /* edits until one fails; negative: none does */
};

static int
note_change(void *arg, const char *name, unsigned int index, const char *value)
{
	struct record *r = arg;
	size_t used = strlen(r->text);

	if (r->left == 0)
		return -1;
	r->left--;
	if (value == NULL)
		snprintf(r->text + used, sizeof(r->text) - used, "-%s/%u|",
		    name, index);
	else {
		assert_int_equal(index, 0);
		/* a Message-ID is never the same */
		snprintf(r->text + used, sizeof(r->text) - used, "+%s: %s|",
		    name, strcmp(name, "Message-ID") == 0 ? "ID" : value);
	}
	return 0;
}

#define FROM "From: a@example.com"
#define DATE "Date: Sat, 1 Jan 2000 00:00:00 +0000"
#define ID "Message-ID: <1@example.com>"
#define NAME TENANT "@" CLIENT
#define STAMP "+X-MSGraph-Mailbox: a@example.com/" NAME "|"
#define NEW_DATE "+Date: Sun, 23 Nov 2025 13:04:55 +0000|"

static const struct {
	const char *fields[8];
	const char *edits;
	const char *added;
} edits[] = {
    {{FROM, DATE, ID, NULL}, STAMP, ""},
    {{FROM, "date: x", "MESSAGE-id: y", "Subject:", NULL}, STAMP, ""},
    {{FROM, NULL}, NEW_DATE "+Message-ID: ID|" STAMP,
	" (added Date, Message-ID)"},
    {{FROM, ID, "Date:", "date: \n ", NULL}, "-Date/2|-Date/1|" NEW_DATE STAMP,
	" (added Date)"},
    /* one with content is enough; the others are the agent's matter */
    {{FROM, ID, "Date:", DATE, NULL}, STAMP, ""},
    {{FROM, DATE, "Message-Id: ", NULL}, "-Message-ID/1|+Message-ID: ID|" STAMP,
	" (added Message-ID)"},
    {{DATE, ID, NULL}, "+From: a@example.com|" STAMP, " (added From)"},
    {{"from: ", DATE, ID, NULL}, "-From/1|+From: a@example.com|" STAMP,
	" (added From)"},
    {{"From: Scanner", "From: Room 5", DATE, ID, NULL},
	"-From/2|-From/1|+From: a@example.com|" STAMP, " (added From)"},
    {{"From: Office:;", DATE, ID, NULL}, "-From/1|+From: a@example.com|" STAMP,
	" (added From)"},
    {{"From: a@example.com, x", DATE, ID, NULL}, STAMP, ""},
    {{"From: \"\xA5\\\" <a@example.com>", DATE, ID, NULL}, STAMP, ""},
    {{"From: <a@example.com> Scan", DATE, ID, NULL}, STAMP, ""},
    /* the agent replaces the address and keeps the name */
    {{"From: Cron <root@nas>", DATE, ID, NULL}, STAMP,
	" (From was <root@nas>: its domain has no dot)"},
    {{"From: \"a> b\"@example.com", ID, NULL}, NEW_DATE STAMP,
	" (added Date; From was <\"a??b\"@example.com>: its local part needs "
	"quotes)"},
    {{"From: root@nas, a@example.com", DATE, ID, NULL}, STAMP, ""},
    {{NULL}, "+From: a@example.com|" NEW_DATE "+Message-ID: ID|" STAMP,
	" (added From, Date, Message-ID)"},
    /* ours, in any case and number */
    {{FROM, DATE, ID, "X-MSGraph-Mailbox: evil@example.org",
	 "x-msgraph-MAILBOX: b@example.org", "X-MSGRAPH-Other: 1",
	 "X-MSGraph-Mailbox: c@example.org", NULL},
	"-X-MSGraph-Mailbox/3|-X-MSGraph-Mailbox/2|-X-MSGraph-Mailbox/1|"
	"-X-MSGRAPH-Other/1|" STAMP,
	""},
    {{FROM, DATE, ID, "X-MSGraph: 1", "X-MSGraph-: 2", "X-Msgraphic: 3", NULL},
	"-X-MSGraph-/1|" STAMP, ""},
    /* folding, as Postfix and as others hand it over */
    {{FROM, DATE, ID, "Subject: a\n b\r\n\tc", NULL}, STAMP, ""},
};

static void
test_edits(void **state)
{
	char mailbox[MAILBOX_SIZE], added[MESSAGE_ADDED_SIZE];
	struct message *m;
	struct error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		struct record r = {.left = -1};

		print_message("row %zu\n", i);
		m = open_message("<a@example.com>");
		assert_non_null(m);
		read_fields(m, edits[i].fields);
		assert_int_equal(message_finish(m, mailbox, &err), 0);
		assert_string_equal(mailbox, "a@example.com");
		assert_int_equal(
		    message_edit(m, mailbox, NOW, note_change, &r), 0);
		assert_string_equal(r.text, edits[i].edits);
		message_added(m, added);
		assert_string_equal(added, edits[i].added);
		message_free(&m);
		assert_null(m);
	}
}

/* Whichever edit fails, the rest is not tried and the failure is told. */
static void
test_failing_edit(void **state)
{
	static const char *const fields[] = {
	    "X-MSGraph-A: 1", "From:", "Date:", "Message-ID:", NULL};
	struct message *m = open_message("<a@example.com>");
	int left;

	(void)state;
	read_fields(m, fields);
	for (left = 0; left < 8; left++) {
		struct record r = {.left = left};

		assert_int_equal(
		    message_edit(m, "a@example.com", NOW, note_change, &r), -1);
		assert_int_equal(r.left, 0);
	}
	struct record r = {.left = 8};
	assert_int_equal(
	    message_edit(m, "a@example.com", NOW, note_change, &r), 0);
	message_free(&m);
}

/* --- refusals --- */

static const struct {
	const char *fields[4];
	const char *dsn, *text;
} refusals[] = {
    {{FROM, "Subject: a\rBcc: x@example.org", NULL}, "5.6.0", "Subject"},
    {{FROM, "Subject: a\r", NULL}, "5.6.0", "Subject"},
    {{FROM, "Subject: a\r\r\n b", NULL}, "5.6.0", "Subject"},
    {{FROM, "X-MSGraph-A: a\rb", NULL}, "5.6.0", "X-MSGraph-A"},
    {{FROM, "Subject: a\nBcc: x@example.org", NULL}, "5.6.0", "Subject"},
    {{FROM, "Subject: a\n", NULL}, "5.6.0", "Subject"},
    {{"From: a@example.com\r, b@example.org", NULL}, "5.6.0", "From"},
    {{"From: a b c", NULL}, "5.7.1", "From is without a full address"},
    {{"From: \"a b\"@example.com", NULL}, "5.1.7", "quotes"},
    /* the first thing found wrong is what the client is told */
    {{"From: a b", "Subject: a\rb", "X-Two: a\rb", NULL}, "5.6.0", "Subject"},
};

static void
test_refusals(void **state)
{
	char mailbox[MAILBOX_SIZE];
	struct message *m;
	struct error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		print_message("row %zu\n", i);
		m = open_message("<>");
		read_fields(m, refusals[i].fields);
		assert_int_equal(message_finish(m, mailbox, &err), -1);
		assert_int_equal(err.class, ERROR_PERMANENT);
		assert_string_equal(err.dsn, refusals[i].dsn);
		assert_non_null(strstr(err.text, refusals[i].text));
		message_free(&m);
	}
}

static int
finish_with(const char *name, unsigned int n, const char *value, char dsn[12])
{
	struct message *m = open_message("<a@example.com>");
	char mailbox[MAILBOX_SIZE];
	struct error err = {.class = ERROR_NONE};
	int result;

	message_header(m, "From", "a@example.com");
	for (; n > 0; n--)
		message_header(m, name, value);
	result = message_finish(m, mailbox, &err);
	memcpy(dsn, err.dsn, sizeof(err.dsn));
	message_free(&m);
	return result;
}

static void
test_limits(void **state)
{
	char dsn[12];
	char *big = malloc(MESSAGE_HEADER_MAX + 1);

	(void)state;
	assert_int_equal(
	    finish_with("X-MSGraph-A", MESSAGE_REMOVALS_MAX, "1", dsn), 0);
	assert_int_equal(
	    finish_with("X-MSGraph-A", MESSAGE_REMOVALS_MAX + 1, "1", dsn), -1);
	assert_string_equal(dsn, "5.6.0");
	assert_int_equal(finish_with("Date", MESSAGE_REMOVALS_MAX, "", dsn), 0);
	assert_int_equal(
	    finish_with("Date", MESSAGE_REMOVALS_MAX + 1, "", dsn), -1);
	assert_string_equal(dsn, "5.6.0");

	/* "From: a@example.com" CR LF are 21 bytes, "S: " CR LF 5 */
	memset(big, 'x', MESSAGE_HEADER_MAX);
	big[MESSAGE_HEADER_MAX - 21 - 5] = '\0';
	assert_int_equal(finish_with("S", 1, big, dsn), 0);
	/* a fold is LF here, and CR LF for the agent */
	memcpy(big, "\n \r\n ", 5);
	assert_int_equal(finish_with("S", 1, big, dsn), -1);
	assert_string_equal(dsn, "5.3.4");
	big[MESSAGE_HEADER_MAX - 21 - 5 - 1] = '\0';
	assert_int_equal(finish_with("S", 1, big, dsn), 0);
	memcpy(big, "xxxxx", 5);
	memset(big, 'x', MESSAGE_HEADER_MAX - 21 - 4);
	big[MESSAGE_HEADER_MAX - 21 - 4] = '\0';
	assert_int_equal(finish_with("S", 1, big, dsn), -1);
	assert_string_equal(dsn, "5.3.4");
	free(big);
}

/* --- what the entry says --- */

static const struct {
	const char *entry, *from, *transport;
	int recipients;
	const char *mailbox, *edits;
} entries[] = {
    {"erp", "", "", 0, "a@example.com",
	"+X-MSGraph-Mailbox: a@example.com/" NAME ".erp|"},
    {"", "", "msgraph", 0, "a@example.com", STAMP},
    {"p", "", "msgraph-slow", 1, "a@example.com",
	"+X-MSGraph-Recipients: trim|"
	"+X-MSGraph-Mailbox: msgraph-slow:a@example.com/" NAME ".p|"},
    {"p", "scan@example.com", "", 1, "scan@example.com",
	"+X-MSGraph-From: replace|+X-MSGraph-Recipients: trim|"
	"+X-MSGraph-Mailbox: scan@example.com/" NAME ".p|"},
};

static void
test_entries(void **state)
{
	static const char *const fields[] = {
	    FROM, DATE, ID, "X-MSGraph-From: keep", NULL};
	char mailbox[MAILBOX_SIZE];
	struct message *m;
	struct error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		struct record r = {.left = -1};

		print_message("row %zu\n", i);
		m = open_message("<b@example.com>");
		strcpy(m->answer.entry, entries[i].entry);
		strcpy(m->answer.from, entries[i].from);
		strcpy(m->answer.transport, entries[i].transport);
		m->answer.recipients = entries[i].recipients;
		read_fields(m, fields);
		assert_int_equal(message_finish(m, mailbox, &err), 0);
		assert_string_equal(mailbox, entries[i].mailbox);
		assert_int_equal(
		    message_edit(m, mailbox, NOW, note_change, &r), 0);
		assert_memory_equal(r.text, "-X-MSGraph-From/1|", 18);
		assert_string_equal(r.text + 18, entries[i].edits);
		message_free(&m);
	}
}

/* It sends whatever header and envelope hold, if they can be read. */
static void
test_from_decides(void **state)
{
	static const char *const fields[] = {"Subject: x", NULL};
	static const char *const bad[] = {"Subject: x\ry", NULL};
	struct message *m = open_message("<>");
	struct record r = {.left = -1};
	char mailbox[MAILBOX_SIZE];
	struct error err;

	(void)state;
	read_fields(m, fields);
	assert_int_equal(message_finish(m, mailbox, &err), -1);
	strcpy(m->answer.from, "scan@example.com");
	assert_int_equal(message_finish(m, mailbox, &err), 0);
	assert_string_equal(mailbox, "scan@example.com");
	assert_int_equal(message_edit(m, mailbox, NOW, note_change, &r), 0);
	assert_string_equal(r.text,
	    "+From: scan@example.com|" NEW_DATE "+Message-ID: ID|"
	    "+X-MSGraph-From: replace|"
	    "+X-MSGraph-Mailbox: scan@example.com/" NAME "|");
	read_fields(m, bad);
	assert_int_equal(message_finish(m, mailbox, &err), -1);
	message_free(&m);
}

/* A transport that the route's file does not know would send it astray. */
static void
test_bad_transport(void **state)
{
	struct message *m = open_message("<a@example.com>");
	struct record r = {.left = -1};

	(void)state;
	strcpy(m->answer.transport, "smtp");
	assert_int_equal(
	    message_edit(m, "a@example.com", NOW, note_change, &r), -1);
	message_free(&m);
}

static const struct {
	const char *fields[3];
	const char *text;
} ids[] = {
    {{ID, NULL}, "1@example.com"},
    {{"Message-ID:\n  <2@example.com>", NULL}, "2@example.com"},
    {{"Message-Id: ", ID, NULL}, "1@example.com"},
    {{ID, "Message-ID: <2@example.com>", NULL}, "1@example.com"},
    {{"Message-ID: x, y <z>\n w", NULL}, "x??y??z???w"},
};

static void
test_ids(void **state)
{
	struct record r = {.left = -1};
	struct message *m;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		m = open_message("<a@example.com>");
		read_fields(m, ids[i].fields);
		assert_string_equal(m->message_id_text, ids[i].text);
		message_free(&m);
	}
	m = open_message("<a@example.com>");
	message_edit(m, "a@example.com", NOW, note_change, &r);
	assert_non_null(strstr(m->message_id_text, "@example.com"));
	assert_null(strpbrk(m->message_id_text, "<>?"));
	message_free(&m);
}

static void
test_new(void **state)
{
	struct message *m = open_message("<a,b@example.com>");

	(void)state;
	assert_string_equal(m->argument, "<a,b@example.com>");
	assert_string_equal(m->sender, "a?b@example.com");
	message_free(&m);
	message_free(&m); /* takes NULL */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_edits),
	    cmocka_unit_test(test_failing_edit),
	    cmocka_unit_test(test_refusals),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_entries),
	    cmocka_unit_test(test_from_decides),
	    cmocka_unit_test(test_bad_transport),
	    cmocka_unit_test(test_ids),
	    cmocka_unit_test(test_new),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
