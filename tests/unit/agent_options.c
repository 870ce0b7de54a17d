/*
 * The agent's command line and its last word (agent/pipe/process/options.c,
 * exit_status.c).
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

#include "agent/pipe/process/exit_status.h"
#include "agent/pipe/process/options.h"

#define GOOD "--queue-id=Q", "--identity=i", "--mailbox=m@x", "--sender=s@x"

static const struct {
	const char *argv[9];
	const char *text; /* part of the error, or NULL */
	size_t originals, recipients;
} rows[] = {
    {{GOOD, "--", "a@x"}, NULL, 0, 1},
    {{GOOD, "--", "a@x", "b@x"}, NULL, 0, 2},
    {{GOOD, "--", "-h"}, NULL, 0, 1},
    {{GOOD, "--original-recipient=o@x", "--original-recipient=", "--", "a@x",
	 "b@x"},
	NULL, 2, 2},
    {{"--queue-id=Q", "--identity=", "--mailbox=m@x", "--sender=", "--", "a"},
	NULL, 0, 1},
    {{"-c", "/x", GOOD, "--", "a@x"}, NULL, 0, 1},
    {{GOOD, "a@x"}, NULL, 0, 1},
    {{GOOD}, "no recipient", 0, 0},
    {{GOOD, "--"}, "no recipient", 0, 0},
    {{GOOD, "--zzz=1", "--", "a@x"}, "unknown option --zzz;", 0, 0},
    {{GOOD, "-x", "--", "a@x"}, "unknown option -x;", 0, 0},
    {{"-c"}, "-c needs a value", 0, 0},
    {{"--mailbox"}, "--mailbox needs a value", 0, 0},
    {{NULL}, "--queue-id", 0, 0},
    {{"--queue-id=Q", "--identity=i", "--mailbox=m@x", "--", "a@x"},
	"--sender are needed", 0, 0},
    /* past the milter: only with somebody who signed in */
    {{"--queue-id=Q", "--identity=", "--mailbox=", "--sender=s@x", "--", "a@x"},
	"\"\" is not an address", 0, 0},
    {{"--queue-id=Q", "--identity=", "--mailbox=unrouted", "--sender=s@x", "--",
	 "a@x"},
	"\"unrouted\" is not an address", 0, 0},
    {{"--queue-id=Q", "--identity=i", "--mailbox=unrouted", "--sender=s@x",
	 "--", "a@x"},
	NULL, 0, 1},
};

#define NAME                                    \
	"11111111-2222-3333-4444-555555555555@" \
	"aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"

static const struct {
	const char *nexthop, *user;
	const char *mailbox, *identity, *entry;
	int is_unrouted;
} routes[] = {
    {"m@x/" NAME, "bob", "m@x", NAME, "", 0},
    {"m@x/" NAME ".erp", "", "m@x", NAME ".erp", "erp", 0},
    /* of a version before 0.2 */
    {"m@x", "t:c", "m@x", "t:c", "", 0},
    {"m@x", "", "m@x", "", "", 0},
    {"unrouted", "t:c", "unrouted", "t:c", "", 1},
    {"m/" NAME ".Erp", "t:c", "m/" NAME ".Erp", "t:c", "", 0},
};

static int
parse(struct options *o, const char *const *args, struct error *err)
{
	static char *argv[11]; /* options borrow from it */
	int argc = 1;

	memset(argv, 0, sizeof(argv));
	argv[0] = (char *)"msgraph-agent";
	for (; argc <= 9 && args[argc - 1] != NULL; argc++)
		argv[argc] = (char *)args[argc - 1];
	return options_parse(o, argc, argv, err);
}

static void
test_options(void **state)
{
	struct options o;
	struct error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].text == NULL) {
			assert_int_equal(parse(&o, rows[i].argv, &err), 0);
			assert_int_equal(o.answer, 0);
			assert_int_equal(o.original_count, rows[i].originals);
			assert_int_equal(o.recipient_count, rows[i].recipients);
		} else {
			assert_int_equal(parse(&o, rows[i].argv, &err), -1);
			assert_int_equal(err.class, ERROR_OURS);
			assert_string_equal(err.dsn, "4.3.5");
			assert_non_null(strstr(err.text, rows[i].text));
		}
		options_free(&o);
	}
}

static void
test_values(void **state)
{
	static const char *const args[9] = {
	    "-c", "/c", GOOD, "--original-recipient=o@x", "--", "a@x"};
	struct options o;
	struct error err;

	(void)state;
	assert_int_equal(parse(&o, args, &err), 0);
	assert_string_equal(o.conf_file, "/c");
	assert_string_equal(o.queue_id, "Q");
	assert_string_equal(o.identity, "i");
	assert_string_equal(o.mailbox, "m@x");
	assert_int_equal(o.is_unrouted, 0);
	assert_string_equal(o.sender, "s@x");
	assert_string_equal(o.originals[0], "o@x");
	assert_string_equal(o.recipients[0], "a@x");
	options_free(&o);
}

static void
test_routes(void **state)
{
	char mailbox[512], identity[512];
	struct options o;
	struct error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		const char *const args[9] = {"--queue-id=Q", identity, mailbox,
		    "--sender=", "--", "a@x"};

		snprintf(identity, sizeof(identity), "--identity=%s",
		    routes[i].user);
		snprintf(mailbox, sizeof(mailbox), "--mailbox=%s",
		    routes[i].nexthop);
		if (parse(&o, args, &err) == -1)
			fail_msg("%s: %s", routes[i].nexthop, err.text);
		assert_string_equal(o.mailbox, routes[i].mailbox);
		assert_string_equal(o.identity, routes[i].identity);
		assert_string_equal(o.entry, routes[i].entry);
		assert_int_equal(o.is_unrouted, routes[i].is_unrouted);
		options_free(&o);
	}
	memset(mailbox, 'm', sizeof(mailbox));
	memcpy(mailbox, "--mailbox=", 10);
	memcpy(mailbox + 300, "@x", 3);
	const char *const args[9] = {
	    "--queue-id=Q", "--identity=i", mailbox, "--sender=", "--", "a@x"};
	assert_int_equal(parse(&o, args, &err), -1);
	assert_string_equal(err.dsn, "4.3.5");
	options_free(&o);
}

#define LONG100                                                                \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct {
	struct wire_reply reply;
	const char *line;
	int status;
} outcomes[] = {
    {{.status = WIRE_SENT, .dsn = "2.0.0", .text = "Graph accepted"},
	"Graph accepted", 0},
    {{.status = WIRE_SENT, .dsn = "5.0.0", .text = ""}, "", 0},
    {{.status = WIRE_DEFERRED, .dsn = "4.3.2", .text = "later"}, "4.3.2 later",
	75},
    {{.status = WIRE_DEFERRED, .dsn = "4.7.28", .text = ""},
	"4.7.28 no reason was given", 75},
    {{.status = WIRE_BOUNCED, .dsn = "5.6.0", .text = "bad"}, "5.6.0 bad", 65},
    {{.status = WIRE_BOUNCED, .dsn = "5.1.3", .text = "bad"}, "5.1.3 bad", 67},
    {{.status = WIRE_BOUNCED, .dsn = "5.2.2", .text = "bad"}, "5.2.2 bad", 73},
    {{.status = WIRE_BOUNCED, .dsn = "5.3.4", .text = "bad"}, "5.3.4 bad", 69},
    {{.status = WIRE_BOUNCED, .dsn = "5.5.0", .text = "bad"}, "5.5.0 bad", 76},
    {{.status = WIRE_BOUNCED, .dsn = "5.7.60", .text = "bad"}, "5.7.60 bad",
	77},
    {{.status = WIRE_BOUNCED, .dsn = "5.10.100", .text = LONG100},
	"5.10.100 " LONG100, 67},
    /* what is not proven permanent is temporary */
    {{.status = WIRE_DEFERRED, .dsn = "5.6.0", .text = "bad"}, "4.3.0 bad", 75},
    {{.status = WIRE_DEFERRED, .dsn = "2.0.0", .text = "bad"}, "4.3.0 bad", 75},
    {{.status = WIRE_DEFERRED, .dsn = "", .text = "bad"}, "4.3.0 bad", 75},
    {{.status = WIRE_BOUNCED, .dsn = "4.3.0", .text = "bad"}, "4.3.0 bad", 75},
    {{.status = WIRE_BOUNCED, .dsn = "", .text = "bad"}, "4.3.0 bad", 75},
    {{.status = WIRE_BOUNCED, .dsn = "5.6", .text = "bad"}, "4.3.0 bad", 75},
    {{.status = WIRE_BOUNCED, .dsn = "5.6.", .text = "bad"}, "4.3.0 bad", 75},
    {{.status = WIRE_BOUNCED, .dsn = "5.6.0000", .text = "bad"}, "4.3.0 bad",
	75},
    {{.status = WIRE_BOUNCED, .dsn = "5.6.0 ", .text = "bad"}, "4.3.0 bad", 75},
    {{.status = WIRE_BOUNCED, .dsn = "5.6.0.1", .text = "bad"}, "4.3.0 bad",
	75},
    {{.status = WIRE_BOUNCED, .dsn = "55.6.0", .text = "bad"}, "4.3.0 bad", 75},
};

/* What exit_status_report() writes to descriptor 1. */
static int
report(const struct wire_reply *reply, char *line, size_t size)
{
	int pipes[2], saved = dup(STDOUT_FILENO), status;
	ssize_t len;

	fflush(stdout);
	assert_int_equal(pipe(pipes), 0);
	dup2(pipes[1], STDOUT_FILENO);
	status = exit_status_report(reply);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	close(pipes[1]);
	len = read(pipes[0], line, size - 1);
	close(pipes[0]);
	assert_true(len >= 0);
	line[len] = '\0';
	return status;
}

static void
test_outcomes(void **state)
{
	char line[1024];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
		assert_int_equal(report(&outcomes[i].reply, line, sizeof(line)),
		    outcomes[i].status);
		assert_string_equal(line, outcomes[i].line);
	}
}

static void
test_errors(void **state)
{
	static const struct {
		enum error_class class;
		enum wire_status status;
	} classes[] = {{ERROR_TEMPORARY, WIRE_DEFERRED},
	    {ERROR_PERMANENT, WIRE_BOUNCED}, {ERROR_REFUSED, WIRE_DEFERRED},
	    {ERROR_OURS, WIRE_DEFERRED}, {ERROR_NONE, WIRE_DEFERRED}};
	struct wire_reply reply;
	struct error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		error_set(&err, classes[i].class, "5.6.0", "text");
		exit_status_from_error(&reply, &err);
		assert_int_equal(reply.status, classes[i].status);
		assert_string_equal(reply.dsn, "5.6.0");
		assert_string_equal(reply.text, "text");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_options),
	    cmocka_unit_test(test_routes),
	    cmocka_unit_test(test_values),
	    cmocka_unit_test(test_outcomes),
	    cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests_name("agent_options", tests, NULL, NULL);
}
