/*
 * What msgraphd tells systemd while it runs (agent/daemon/observe.c), read from
 * a socket in systemd's place.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cmocka.h>

#include "agent/daemon/base/activity.h"
#include "agent/daemon/base/recent.h"
#include "agent/daemon/observe.h"
#include "daemon_fake.h"
#include "lib/base/log.h"

static int systemd;
static char path[64];

static int
begin(void **state)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};

	(void)state;
	if (fake_begin() == -1 || observe_begin(&d, NULL) == -1)
		return -1;
	systemd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	strcpy(sun.sun_path, in_folder("notify", path));
	setenv("NOTIFY_SOCKET", path, 1);
	setenv("TZ", "UTC", 1);
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return bind(systemd, (struct sockaddr *)&sun, sizeof(sun));
}

static int
end(void **state)
{
	(void)state;
	close(systemd);
	unlink(path);
	observe_end(&d);
	return fake_end();
}

/* What systemd was told next; NULL for nothing. */
static const char *
told(void)
{
	static char text[2048];
	ssize_t n = recv(systemd, text, sizeof(text) - 1, 0);

	text[n < 0 ? 0 : n] = '\0';
	return n < 0 ? NULL : text;
}

static void
test_status(void **state)
{
	(void)state;
	activity_counts(d.activity)->sent = 120;
	activity_counts(d.activity)->deferred = 3;
	observe_tell(&d);
	assert_string_equal(
	    told(), "STATUS=sent 120, deferred 3, bounced 0, 0 in flight");
	observe_tell(&d);
	assert_null(told());
	activity_counts(d.activity)->bounced++;
	observe_tell(&d);
	assert_string_equal(
	    told(), "STATUS=sent 120, deferred 3, bounced 1, 0 in flight");
}

static void
test_who_fails(void **state)
{
	char wanted[512], text[IDENTITY_TEXT_SIZE], since[32];
	time_t now = (time_t)clock_wall();
	struct tm tm;

	(void)state;
	strftime(since, sizeof(since), "%Y-%m-%d %H:%M", gmtime_r(&now, &tm));
	activity_fails(d.activity, &apps[0], "erp", "AADSTS7000222: expired");
	pass(100 * 1000);
	activity_fails(d.activity, &apps[1], "", "refused");
	observe_tell(&d);
	snprintf(wanted, sizeof(wanted),
	    "STATUS=sent 0, deferred 0, bounced 0, 0 in flight; application %s"
	    ", entry erp: no token since %s (AADSTS7000222: expired) and 1 "
	    "more",
	    identity_text(&apps[0], text), since);
	assert_string_equal(told(), wanted);
	activity_works(d.activity, &apps[0], "erp");
	activity_works(d.activity, &apps[1], "");
	observe_tell(&d);
	assert_string_equal(
	    told(), "STATUS=sent 0, deferred 0, bounced 0, 0 in flight");
}

/* However long a reason is, a line is one. */
static void
test_long_reason(void **state)
{
	char why[2000];

	(void)state;
	memset(why, 'x', sizeof(why) - 1);
	why[sizeof(why) - 1] = '\0';
	activity_fails(d.activity, &apps[2], "", why);
	observe_tell(&d);
	assert_in_range(strlen(told()), 200, 400);
}

static const struct {
	const char *usec, *pid; /* NULL pid: ours */
	int pings;
} watchdogs[] = {
    {NULL, "", 0},
    {"", "", 0},
    {"300000000", NULL, 1},
    {"300000000", "1", 0},
    {"300000000", "", 1},
};

static void
test_watchdog(void **state)
{
	char pid[32];
	size_t i;

	(void)state;
	observe_tell(&d);
	assert_non_null(told());
	for (i = 0; i < sizeof(watchdogs) / sizeof(watchdogs[0]); i++) {
		snprintf(pid, sizeof(pid), "%ld", (long)getpid());
		unsetenv("WATCHDOG_USEC");
		unsetenv("WATCHDOG_PID");
		if (watchdogs[i].usec != NULL)
			setenv("WATCHDOG_USEC", watchdogs[i].usec, 1);
		if (watchdogs[i].pid == NULL)
			setenv("WATCHDOG_PID", pid, 1);
		else if (watchdogs[i].pid[0] != '\0')
			setenv("WATCHDOG_PID", watchdogs[i].pid, 1);
		observe_tell(&d);
		if (watchdogs[i].pings)
			assert_string_equal(told(), "WATCHDOG=1");
		assert_null(told());
	}
}

/* Warnings and errors become events, with what to do. */
static void
test_events(void **state)
{
	const struct recent_event *event;

	(void)state;
	log_warning("NOQUEUE: application=a, reason=endpoint, status=x (y)");
	log_error("state: disk full");
	event = recent_before(d.recent, 0);
	assert_string_equal(event->what, "error");
	assert_string_equal(event->text, "state: disk full");
	event = recent_before(d.recent, event->number);
	assert_string_equal(event->what, "warning");
	assert_string_equal(event->remedy, recent_remedy("endpoint"));
}

/*
 * A hundred messages with one fault are one event, and the last one is named.
 */
static void
test_the_same_of_many_messages(void **state)
{
	const struct recent_event *event;
	int i;

	(void)state;
	log_error("no queue id: first");
	for (i = 0; i < 100; i++)
		log_warning("4Z%d: reason=configuration, dsn=4.3.5 (x: y)", i);
	log_error("no queue id: second");
	event = recent_before(d.recent, 0);
	assert_string_equal(event->text, "no queue id: second");
	assert_int_equal(event->count, 1);
	event = recent_before(d.recent, event->number);
	assert_string_equal(
	    event->text, "4Z99: reason=configuration, dsn=4.3.5 (x: y)");
	assert_int_equal(event->count, 100);
	event = recent_before(d.recent, event->number);
	assert_string_equal(event->text, "no queue id: first");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	    TEST(test_status),
	    TEST(test_who_fails),
	    TEST(test_long_reason),
	    TEST(test_watchdog),
	    TEST(test_events),
	    TEST(test_the_same_of_many_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
