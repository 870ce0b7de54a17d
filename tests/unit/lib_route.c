/*
 * Stamps and next hops (lib/local/route.c): a row is what a message goes by and
 * the stamp of it, or a next hop and what it says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/local/route.h"

#define T "11223344-5566-7788-99aa-bbccddeeff00"
#define C "fbefbefb-efbe-fbef-befb-efbefbefbefb"
#define TC T "@" C
#define E64 "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"

static const struct identity application = {.tenant = T, .client = C};

static const struct {
	const char *transport, *mailbox, *entry, *stamp;
} stamps[] = {
    {NULL, "a@example.com", "", "a@example.com/" TC},
    {"", "a@example.com", "erp", "a@example.com/" TC ".erp"},
    {"msgraph", "a@example.com", "erp", "a@example.com/" TC ".erp"},
    {"msgraph-slow", "a@example.com", "", "msgraph-slow:a@example.com/" TC},
    {"msgraph-2", "a@example.com", E64, "msgraph-2:a@example.com/" TC "." E64},
};

static void
test_stamps(void **state)
{
	char stamp[ROUTE_SIZE];
	const char *nexthop;
	struct route route;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(stamps) / sizeof(*stamps); i++) {
		assert_int_equal(
		    route_stamp(stamp, stamps[i].transport, stamps[i].mailbox,
			&application, stamps[i].entry),
		    0);
		assert_string_equal(stamp, stamps[i].stamp);
		/* Postfix cuts at the first colon, which no mailbox has */
		nexthop = strchr(stamp, ':');
		nexthop = nexthop == NULL ? stamp : nexthop + 1;
		assert_int_equal(route_parse(nexthop, &route), 0);
		assert_int_equal(route.has_application, 1);
		assert_string_equal(route.mailbox, stamps[i].mailbox);
		assert_string_equal(route.entry, stamps[i].entry);
		assert_int_equal(
		    identity_equal(&route.application, &application), 1);
	}
}

/* The longest of each fits, and one byte more does not. */
static void
test_longest(void **state)
{
	char transport[ROUTE_TRANSPORT_SIZE + 1] = "";
	char mailbox[ROUTE_MAILBOX_SIZE + 1] = "", stamp[ROUTE_SIZE];
	struct route route;

	(void)state;
	memset(transport, 't', ROUTE_TRANSPORT_SIZE - 1);
	memcpy(transport, "msgraph-", 8);
	memset(mailbox, 'm', ROUTE_MAILBOX_SIZE - 1);
	assert_int_equal(
	    route_stamp(stamp, transport, mailbox, &application, E64), 0);
	assert_int_equal(strlen(stamp), ROUTE_SIZE - 1);
	assert_int_equal(route_parse(mailbox, &route), 0);
	assert_string_equal(route.mailbox, mailbox);
	mailbox[ROUTE_MAILBOX_SIZE - 1] = 'm';
	assert_int_equal(
	    route_stamp(stamp, transport, mailbox, &application, E64), -1);
	assert_int_equal(route_parse(mailbox, &route), -1);
}

/* What Postfix would read in another way is no stamp. */
static const struct {
	const char *transport, *mailbox;
} no_stamps[] = {
    {"smtp", "a@example.com"},
    {"msgraph-", "a@example.com"},
    {"msgraph-Slow", "a@example.com"},
    {"msgraph-a-b", "a@example.com"},
    {"msgraph_2", "a@example.com"},
    {"msgraph-2:x", "a@example.com"},
    {"msgraph", "smtp:a@example.com"},
    {"msgraph", "a b@example.com"},
    {"msgraph", "a@example.com\n"},
};

static void
test_no_stamps(void **state)
{
	char stamp[ROUTE_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(no_stamps) / sizeof(*no_stamps); i++)
		if (route_stamp(stamp, no_stamps[i].transport,
			no_stamps[i].mailbox, &application, "") != -1)
			fail_msg("%s", stamp);
}

static const struct {
	const char *nexthop, *mailbox;
	int has_application;
	const char *entry;
} nexthops[] = {
    {"a@example.com/" TC, "a@example.com", 1, ""},
    {"a@example.com/" TC ".erp", "a@example.com", 1, "erp"},
    {"a/b@example.com/" TC ".erp", "a/b@example.com", 1, "erp"},
    {"/" TC, "", 1, ""},
    {"unrouted/" TC, "unrouted", 1, ""},
    /* whether it is an address, or fits a stamp, is not looked at */
    {"a b:c\n/" TC, "a b:c\n", 1, ""},
    /* of a version before 0.2 */
    {"a@example.com", "a@example.com", 0, ""},
    {"unrouted", "unrouted", 0, ""},
    {"", "", 0, ""},
    {"a/b@example.com", "a/b@example.com", 0, ""},
    /* the canonical form alone */
    {"a/" T ":" C, "a/" T ":" C, 0, ""},
    {"a/" T "@FBEFBEFB-efbe-fbef-befb-efbefbefbefb",
	"a/" T "@FBEFBEFB-efbe-fbef-befb-efbefbefbefb", 0, ""},
    {"a/" TC ".", "a/" TC ".", 0, ""},
    {"a/" TC ".Erp", "a/" TC ".Erp", 0, ""},
    {"a/" TC ".a.b", "a/" TC ".a.b", 0, ""},
    {"a/" TC ".example.com", "a/" TC ".example.com", 0, ""},
    {"a/" TC "/", "a/" TC "/", 0, ""},
    {TC, TC, 0, ""},
};

static void
test_nexthops(void **state)
{
	struct route route;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(nexthops) / sizeof(*nexthops); i++) {
		memset(&route, 'x', sizeof(route));
		assert_int_equal(route_parse(nexthops[i].nexthop, &route), 0);
		if (route.has_application != nexthops[i].has_application)
			fail_msg("%s", nexthops[i].nexthop);
		assert_string_equal(route.mailbox, nexthops[i].mailbox);
		assert_string_equal(route.entry, nexthops[i].entry);
		assert_string_equal(route.application.tenant,
		    nexthops[i].has_application ? T : "");
		assert_string_equal(route.application.client,
		    nexthops[i].has_application ? C : "");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_stamps),
	    cmocka_unit_test(test_longest),
	    cmocka_unit_test(test_no_stamps),
	    cmocka_unit_test(test_nexthops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
