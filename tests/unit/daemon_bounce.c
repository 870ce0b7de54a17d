/*
 * Postfix asks for a notice's route (agent/daemon/services/bounce_service.c): a
 * row is what Postfix says on the socket, and what it hears.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/daemon/services/bounce_count.h"
#include "agent/daemon/services/bounce_service.h"
#include "agent/daemon/store/sender.h"
#include "agent/daemon/store/state_sql.h"
#include "daemon_fake.h"
#include "service_peer.h"

#define OK_SCAN "29:OK FILTER msgraph:scan@x.test,"
#define NOT_FOUND "9:NOTFOUND ,"

static int
begin(void **state)
{
	(void)state;
	if (service_begin(&bounce_service) == -1)
		return -1;
	d.conf.bounce_via_graph = 1;
	return sender_note(st, "scan@x.test", &apps[0], NULL);
}

static int
end(void **state)
{
	(void)state;
	bounce_counts_clear(&d.bounce_counts);
	return service_end();
}

/* Says the line as Postfix looks it up, in a netstring. */
static void
look_up(int fd, const char *line)
{
	char text[4096];

	snprintf(text, sizeof(text), "%zu:notices %s,", 8 + strlen(line), line);
	say(fd, text);
}

/* --- a line of a notice's header --- */

static const struct {
	const char *line, *answer;
} lines[] = {
    {"To: scan@x.test", OK_SCAN},
    {"to:\tSCAN@X.test", OK_SCAN},
    {"To:scan@x.test", OK_SCAN},
    /* of a mailbox that has not sent */
    {"To: nobody@x.test", NOT_FOUND},
    {"To: scan@x.test.example", NOT_FOUND},
    /* not as bounce(8) writes it */
    {"To: scan@x.test, other@x.test", NOT_FOUND},
    {"To: <scan@x.test>", NOT_FOUND},
    {"To: Scanner <scan@x.test>", NOT_FOUND},
    {"To: \"scan\"@x.test", NOT_FOUND},
    {"To: scan@x.test\r\n\tother@x.test", NOT_FOUND},
    {"To:", NOT_FOUND},
    {"To: ", NOT_FOUND},
    /* another field, and a stamp that stands in a returned message */
    {"From: scan@x.test", NOT_FOUND},
    {"Cc: scan@x.test", NOT_FOUND},
    {"X-To: scan@x.test", NOT_FOUND},
    {"X-MSGraph-Mailbox: scan@x.test", NOT_FOUND},
    {"", NOT_FOUND},
};

static void
test_lines(void **state)
{
	int fd = connect_to();
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		look_up(fd, lines[i].line); /* over one connection */
		assert_string_equal(hear(fd), lines[i].answer);
	}
	close(fd);
}

static void
test_long_address(void **state)
{
	char line[ADDRESS_SIZE + 64] = "To: ";
	int fd = connect_to();

	(void)state;
	memset(line + 4, 'a', sizeof(line) - 5);
	look_up(fd, line);
	assert_string_equal(hear(fd), NOT_FOUND);
	close(fd);
}

static void
test_switched_off(void **state)
{
	int fd = connect_to();

	(void)state;
	d.conf.bounce_via_graph = 0;
	look_up(fd, "To: scan@x.test");
	assert_string_equal(hear(fd), NOT_FOUND);
	close(fd);
}

static void
test_state_trouble(void **state)
{
	int fd = connect_to();

	(void)state;
	assert_int_equal(state_run(st, "DROP TABLE sender", NULL), 0);
	look_up(fd, "To: scan@x.test");
	assert_string_equal(
	    hear(fd), "38:TEMP state trouble; see msgraphd's log,");
	close(fd);
}

/* Past so many within an hour one brings about the next. */
static void
test_loop(void **state)
{
	int fd = connect_to(), i;

	(void)state;
	sender_note(st, "other@x.test", &apps[0], NULL);
	for (i = 0; i < BOUNCE_COUNT_MAX + 5; i++) {
		look_up(fd, "To: scan@x.test");
		assert_string_equal(
		    hear(fd), i < BOUNCE_COUNT_MAX ? OK_SCAN : NOT_FOUND);
	}
	look_up(fd, "To: other@x.test");
	assert_string_equal(hear(fd), "30:OK FILTER msgraph:other@x.test,");
	fake.ahead += BOUNCE_COUNT_MS + 1;
	look_up(fd, "To: scan@x.test");
	assert_string_equal(hear(fd), OK_SCAN);
	close(fd);
}

/* --- the protocol --- */

#define GOOD "23:notices To: scan@x.test,"

static const struct {
	const char *text;
	const char *answer; /* "": dropped, NULL: more has to come */
} requests[] = {
    {GOOD, OK_SCAN},
    {"023:notices To: scan@x.test,", OK_SCAN},
    {"", NULL},
    {"2", NULL},
    {"23:", NULL},
    {"23:notices To: scan@x.test", NULL},
    {"1234567", NULL},
    {"12345678", ""}, /* too many digits */
    {"x", ""},
    {":notices To: scan@x.test,", ""},
    {"-1:", ""},
    {"+23:notices To: scan@x.test,", ""},
    {" 23:notices To: scan@x.test,", ""},
    {"23;notices To: scan@x.test,", ""},
    {"23:notices To: scan@x.test;", ""},
    {"22:notices To: scan@x.test,", ""},
    {"7:notices,", ""}, /* no key */
    {"0:,", ""},
    {GOOD GOOD, ""}, /* the second before the answer */
    {"999999:", ""},
    {"99999999999999999999999:", ""},
};

static void
test_requests(void **state)
{
	const char *heard;
	size_t i;
	int fd;

	(void)state;
	for (i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
		fd = connect_to();
		if (*requests[i].text != '\0')
			say(fd, requests[i].text);
		heard = hear(fd);
		if (requests[i].answer == NULL && heard != NULL)
			fail_msg("row %zu: %s", i, heard);
		else if (requests[i].answer != NULL &&
		    (heard == NULL || strcmp(heard, requests[i].answer) != 0))
			fail_msg("row %zu: %s", i, heard);
		close(fd);
		run();
		assert_int_equal(service_connections(service), 0);
	}
}

/* However the bytes come. */
static void
test_byte_by_byte(void **state)
{
	const char *text = GOOD GOOD;
	int fd = connect_to();
	size_t i, len = strlen(GOOD);

	(void)state;
	for (i = 0; i < 2 * len; i++) {
		say(fd, (char[2]){text[i]});
		if (i % len == len - 1)
			assert_string_equal(hear(fd), OK_SCAN);
		else
			assert_null(hear(fd));
	}
	close(fd);
}

static void
test_stalled(void **state)
{
	int stalled = connect_to(), other;

	(void)state;
	say(stalled, "23:noti");
	other = connect_to();
	look_up(other, "To: scan@x.test"); /* waits for nobody */
	assert_string_equal(hear(other), OK_SCAN);
	pass(31 * 1000);
	assert_string_equal(hear(stalled), "");
	/* one that is idle stays: when it goes is Postfix's business */
	look_up(other, "To: scan@x.test");
	assert_string_equal(hear(other), OK_SCAN);
	close(stalled);
	close(other);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	    TEST(test_lines),
	    TEST(test_long_address),
	    TEST(test_switched_off),
	    TEST(test_state_trouble),
	    TEST(test_loop),
	    TEST(test_requests),
	    TEST(test_byte_by_byte),
	    TEST(test_stalled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
