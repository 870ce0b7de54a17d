/*
 * The small parts of the milter: dates and identifiers (repair.c), replies and
 * log texts (reply.c), and configurations that are swapped while in use
 * (settings.c).
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

#include "milter/repair.h"
#include "milter/reply.h"
#include "milter/settings.h"

static const struct {
	const char *zone;
	time_t now;
	const char *date;
} dates[] = {
    {"UTC", 0, "Thu, 1 Jan 1970 00:00:00 +0000"},
    {"UTC", 1763903095, "Sun, 23 Nov 2025 13:04:55 +0000"},
    {"CET-1CEST,M3.5.0,M10.5.0/3", 1763903095,
	"Sun, 23 Nov 2025 14:04:55 +0100"},
    {"CET-1CEST,M3.5.0,M10.5.0/3", 1751328000,
	"Tue, 1 Jul 2025 02:00:00 +0200"},
    {"<-0330>3:30", 1763903095, "Sun, 23 Nov 2025 09:34:55 -0330"},
    {"<+0545>-5:45", 1763903095, "Sun, 23 Nov 2025 18:49:55 +0545"},
    {"<-0030>0:30", 1763903095, "Sun, 23 Nov 2025 12:34:55 -0030"},
};

static void
test_date(void **state)
{
	char value[REPAIR_DATE_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
		setenv("TZ", dates[i].zone, 1);
		tzset();
		assert_int_equal(repair_date(dates[i].now, value), 0);
		assert_string_equal(value, dates[i].date);
	}
}

static void
test_message_id(void **state)
{
	char a[REPAIR_MESSAGE_ID_SIZE], b[REPAIR_MESSAGE_ID_SIZE];
	const char *id = "<1763903095.";

	(void)state;
	assert_int_equal(repair_message_id(1763903095, "a@example.com", a), 0);
	assert_int_equal(repair_message_id(1763903095, "a@example.com", b), 0);
	assert_string_not_equal(a, b);
	assert_memory_equal(a, id, strlen(id));
	assert_int_equal(strspn(a + strlen(id), "0123456789abcdef"), 32);
	assert_string_equal(a + strlen(id) + 32, "@example.com>");
	assert_int_equal(repair_message_id(0, "nowhere", a), -1);
}

static const struct {
	enum error_class class;
	const char *dsn, *code;
} codes[] = {
    {ERROR_REFUSED, "5.7.0", "530"},
    {ERROR_REFUSED, "5.7.1", "550"},
    {ERROR_PERMANENT, "5.7.1", "550"},
    {ERROR_PERMANENT, "5.1.7", "550"},
    {ERROR_PERMANENT, "5.1.3", "553"},
    {ERROR_PERMANENT, "5.3.4", "552"},
    {ERROR_PERMANENT, "5.6.7", "553"},
    {ERROR_REFUSED, "5.7.13", "550"},
    {ERROR_TEMPORARY, "4.3.0", "451"},
    /* too many: not now, by policy, as Postfix's own limits say it */
    {ERROR_TEMPORARY, "4.7.1", "450"},
    {ERROR_OURS, "4.3.5", "451"},
};

static void
test_codes(void **state)
{
	struct error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		error_set(&err, codes[i].class, codes[i].dsn, "text");
		assert_string_equal(reply_code(&err), codes[i].code);
	}
}

static void
test_reply_text(void **state)
{
	char in[2 * REPLY_TEXT_SIZE], out[REPLY_TEXT_SIZE];

	(void)state;
	reply_text("<a%b@c> 100% %%", out);
	assert_string_equal(out, "<a%%b@c> 100%% %%%%");
	reply_text("a\r\nb\tc\x7f\303\274", out);
	assert_string_equal(out, "a??b?c???");
	/* cut, and never between the two signs of a pair */
	memset(in, '%', sizeof(in) - 1);
	in[sizeof(in) - 1] = '\0';
	reply_text(in, out);
	assert_int_equal(strlen(out), REPLY_TEXT_SIZE - 2);
	reply_text(in + 1, out);
	assert_int_equal(strspn(out, "%") % 2, 0);
	memset(in, 'x', sizeof(in) - 1);
	in[0] = '%';
	reply_text(in, out);
	assert_true(strlen(out) < REPLY_TEXT_SIZE);
}

static const struct {
	const char *sender, *out;
} senders[] = {
    {"<>", ""},
    {"", ""},
    {"<a@example.com>", "a@example.com"},
    {"a@example.com", "a@example.com"},
    {"<", "?"},
    {"<\"x>, action=accept, y=<\"@example.com>",
	"\"x???action=accept??y=?\"@example.com"},
    {"<a\n\x01\303\274@example.com>", "a????@example.com"},
};

static void
test_sender(void **state)
{
	char in[2 * REPLY_SENDER_SIZE], out[REPLY_SENDER_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(senders) / sizeof(senders[0]); i++) {
		reply_sender(senders[i].sender, out);
		assert_string_equal(out, senders[i].out);
	}
	memset(in, 'x', sizeof(in));
	in[REPLY_SENDER_SIZE - 1] = '\0';
	reply_sender(in, out);
	assert_string_equal(out, in);
	in[REPLY_SENDER_SIZE - 1] = 'x';
	in[REPLY_SENDER_SIZE] = '\0';
	reply_sender(in, out);
	assert_int_equal(strlen(out), REPLY_SENDER_SIZE - 1);
	assert_string_equal(out + REPLY_SENDER_SIZE - 5, "x...");
}

static int
load(const char *text, struct error *err)
{
	char file[] = "/tmp/milter_parts.XXXXXX";
	int fd, result;

	fd = mkstemp(file);
	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	result = settings_load(file, 0, err);
	unlink(file);
	return result;
}

static void
test_settings(void **state)
{
	struct settings *old, *new;
	struct error err;

	(void)state;
	assert_null(settings_get());
	assert_int_equal(load("mailbox_from = envelope\n", &err), 0);
	old = settings_get();
	assert_int_equal(old->conf.mailbox_from, MAILBOX_FROM_ENVELOPE);

	/* what does not load changes nothing */
	assert_int_equal(load("mailbox_from = nobody\n", &err), -1);
	new = settings_get();
	assert_ptr_equal(new, old);
	settings_put(&new);
	assert_null(new);

	/* who has the old one keeps it */
	assert_int_equal(load("mailbox_from = header\n", &err), 0);
	new = settings_get();
	assert_ptr_not_equal(new, old);
	assert_int_equal(new->conf.mailbox_from, MAILBOX_FROM_HEADER);
	assert_int_equal(old->conf.mailbox_from, MAILBOX_FROM_ENVELOPE);
	assert_int_equal(old->refs, 1);
	settings_put(&old);
	settings_clear();
	assert_int_equal(new->refs, 1);
	settings_put(&new);
	settings_put(&new);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_date),
	    cmocka_unit_test(test_message_id),
	    cmocka_unit_test(test_codes),
	    cmocka_unit_test(test_reply_text),
	    cmocka_unit_test(test_sender),
	    cmocka_unit_test(test_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
