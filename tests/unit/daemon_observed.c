/*
 * What msgraphd remembers for those who look on: the activity of applications
 * (base/activity.c), the last events (base/recent.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent/daemon/base/activity.h"
#include "agent/daemon/base/clock.h"
#include "agent/daemon/base/reason.h"
#include "agent/daemon/base/recent.h"

static const struct identity app = {"11111111-2222-3333-4444-555555555555",
    "aaaaaaaa-7777-8888-9999-000000000000"};
static const struct identity other = {"11111111-2222-3333-4444-555555555555",
    "bbbbbbbb-7777-8888-9999-000000000000"};

/* --- activity --- */

static void
test_times(void **state)
{
	struct activity *a = activity_new();
	const struct activity_row *row;

	(void)state;
	assert_null(activity_find(a, &app, ""));
	activity_signed_in(a, &app, "");
	clock_advance(5000);
	activity_sent(a, &app, "erp");
	row = activity_find(a, &app, "");
	assert_int_equal(row->signed_in, clock_wall() - 5);
	assert_int_equal(row->sent, 0);
	row = activity_find(a, &app, "erp");
	assert_int_equal(row->sent, clock_wall());
	assert_null(activity_find(a, &other, ""));
	activity_free(&a);
	assert_null(a);
}

static void
test_failing(void **state)
{
	struct activity *a = activity_new();
	const struct activity_row *row;
	long long since = clock_wall();

	(void)state;
	activity_works(a, &app, "");
	assert_null(activity_find(a, &app, ""));
	activity_fails(a, &app, "", "first");
	clock_advance(60 * 1000);
	activity_fails(a, &other, "erp", "too");
	activity_fails(a, &app, "", "second");
	assert_int_equal(activity_count_failing(a), 2);
	row = activity_failing_at(a, 0);
	assert_int_equal(row->failing_since, since);
	assert_string_equal(row->why, "second");
	assert_string_equal(activity_failing_at(a, 1)->key.entry, "erp");
	assert_null(activity_failing_at(a, 2));
	activity_works(a, &app, "");
	activity_works(a, &app, "");
	assert_int_equal(activity_count_failing(a), 1);
	assert_int_equal(activity_find(a, &app, "")->failing_since, 0);
	activity_free(&a);
}

/* What is not tried any more does not fail for ever. */
static void
test_failure_that_ends(void **state)
{
	struct activity *a = activity_new();

	(void)state;
	activity_fails(a, &app, "", "gone");
	activity_fails(a, &other, "", "tried");
	clock_advance(3600 * 1000);
	activity_fails(a, &other, "", "tried again");
	activity_expire(a, clock_wall() - 1800);
	assert_int_equal(activity_count_failing(a), 1);
	assert_string_equal(activity_failing_at(a, 0)->why, "tried again");
	activity_expire(NULL, 0);
	activity_free(&a);
}

static void
test_nobody_looks_on(void **state)
{
	(void)state;
	activity_counts(NULL)->sent++;
	activity_signed_in(NULL, &app, "");
	activity_sent(NULL, &app, "");
	activity_fails(NULL, &app, "", "why");
	activity_works(NULL, &app, "");
	assert_null(activity_find(NULL, &app, ""));
	assert_null(activity_failing_at(NULL, 0));
	assert_int_equal(activity_count_failing(NULL), 0);
	recent_note(NULL, "error", "key", NULL, "text");
	assert_null(recent_before(NULL, 0));
}

/* --- events --- */

static void
test_the_same_again(void **state)
{
	struct recent *r = recent_new();
	const struct recent_event *event;

	(void)state;
	recent_note(r, "deferred", "a", REASON_ENDPOINT, "1: slow");
	recent_note(r, "deferred", "b", REASON_ENDPOINT, "2: slow");
	recent_note(r, "bounced", "a", REASON_MAILBOX, "3: gone");
	clock_advance(7000);
	recent_note(r, "deferred", "a", REASON_ENDPOINT, "4: slow");
	event = recent_before(r, 0);
	assert_string_equal(event->text, "4: slow");
	assert_int_equal(event->count, 2);
	assert_int_equal(event->last - event->first, 7);
	assert_string_equal(event->remedy, recent_remedy(REASON_ENDPOINT));
	event = recent_before(r, event->number);
	assert_string_equal(event->text, "3: gone");
	event = recent_before(r, event->number);
	assert_string_equal(event->text, "2: slow");
	assert_null(recent_before(r, event->number));
	recent_free(&r);
	assert_null(r);
}

static void
test_the_oldest_goes(void **state)
{
	struct recent *r = recent_new();
	const struct recent_event *event = NULL;
	char key[16];
	int i;

	(void)state;
	for (i = 0; i < RECENT_MAX + 10; i++) {
		recent_note(r, "error", "always", NULL, "always");
		snprintf(key, sizeof(key), "%d", i);
		recent_note(r, "error", key, NULL, key);
	}
	for (i = RECENT_MAX + 9; i > 10; i--) {
		event = recent_before(r, event == NULL ? 0 : event->number);
		if (i == RECENT_MAX + 8) {
			assert_string_equal(event->key, "always");
			assert_int_equal(event->count, RECENT_MAX + 10);
			event = recent_before(r, event->number);
		}
		snprintf(key, sizeof(key), "%d", i);
		assert_string_equal(event->text, key);
	}
	assert_null(recent_before(r, event->number));
	recent_free(&r);
}

static const struct {
	const char *reason, *text;
	const char *remedy; /* of this reason; NULL: none */
} remedies[] = {
    {REASON_SIZE, "x", REASON_SIZE},
    {NULL, "NOQUEUE: application=a, reason=credential, status=refused (x)",
	REASON_CREDENTIAL},
    {NULL, "NOQUEUE: application=a, reason=nonsense, status=refused (x)", NULL},
    {NULL, "state: disk full", NULL},
    {"", "x", NULL},
};

static void
test_remedies(void **state)
{
	struct recent *r = recent_new();
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(remedies) / sizeof(remedies[0]); i++) {
		recent_note(r, "error", remedies[i].text, remedies[i].reason,
		    remedies[i].text);
		assert_string_equal(recent_before(r, 0)->remedy,
		    remedies[i].remedy == NULL
			? ""
			: recent_remedy(remedies[i].remedy));
	}
	recent_free(&r);
}

/* Each word that the log may have says what to do. */
static void
test_every_reason_has_a_remedy(void **state)
{
	static const char *const reasons[] = {REASON_THROTTLED,
	    REASON_CREDENTIAL, REASON_IDENTITY, REASON_PERMISSION,
	    REASON_MAILBOX, REASON_RECIPIENT, REASON_SIZE, REASON_CONTENT,
	    REASON_ENDPOINT, REASON_UNKNOWN, REASON_CONFIGURATION};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		assert_string_not_equal(recent_remedy(reasons[i]), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_times),
	    cmocka_unit_test(test_failing),
	    cmocka_unit_test(test_failure_that_ends),
	    cmocka_unit_test(test_nobody_looks_on),
	    cmocka_unit_test(test_the_same_again),
	    cmocka_unit_test(test_the_oldest_goes),
	    cmocka_unit_test(test_remedies),
	    cmocka_unit_test(test_every_reason_has_a_remedy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
