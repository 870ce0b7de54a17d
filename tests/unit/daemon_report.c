/*
 * What a delivery says of its end (agent/daemon/delivery/report.c): the reply
 * that goes into Postfix's log and into a bounce, and the log line.
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

#include "agent/daemon/base/reason.h"
#include "agent/daemon/delivery/report.h"
#include "lib/base/log.h"

static const struct {
	struct report report;
	enum wire_status status;
	const char *dsn, *text; /* of the reply */
} outcomes[] = {
    {{.status = 403}, WIRE_DEFERRED, "4.7.1", "Why: HTTP 403"},
    {{.status = 403}, WIRE_BOUNCED, "5.7.1", "Why: HTTP 403"},
    {{.status = 403, .error = {.code = "C", .message = "M"}}, WIRE_DEFERRED,
	"4.7.1", "Why: HTTP 403 C: M"},
    {{.status = 500, .outcome_unknown = 1, .request_id = "id"}, WIRE_DEFERRED,
	"4.7.1",
	"Why: HTTP 500; Graph may have taken the message, it may come twice "
	"(request-id=id)"},
    {{.transport = "no route"}, WIRE_DEFERRED, "4.7.1", "Why: no route"},
    /* parts of it come from outside */
    {{.status = 403, .error = {.message = "a\nstatus=sent"}}, WIRE_DEFERRED,
	"4.7.1", "Why: HTTP 403: a status=sent"},
};

static void
test_outcomes(void **state)
{
	const struct outcome outcome = {
	    .dsn = "x.7.1", .reason = REASON_PERMISSION, .text = "Why"};
	struct wire_reply reply;
	struct report report;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(outcomes) / sizeof(*outcomes); i++) {
		report = outcomes[i].report;
		report_outcome(&reply, outcomes[i].status, &outcome, &report);
		assert_int_equal(reply.status, outcomes[i].status);
		assert_string_equal(reply.dsn, outcomes[i].dsn);
		if (strstr(outcomes[i].text, "a status") == NULL)
			assert_string_equal(reply.text, outcomes[i].text);
		assert_null(strchr(reply.text, '\n'));
		assert_string_equal(report.reason, REASON_PERMISSION);
	}
}

/* --- the log line --- */

#define IDS                                     \
	"11111111-2222-3333-4444-555555555555/" \
	"aaaaaaaa-7777-8888-9999-000000000000, nrcpt=2, size=70"
#define HEAD "4Q: mailbox=<a@x>, application=" IDS

static const struct {
	struct report report;
	size_t attachments;
	int sent;
	const char *line, *instead_of;
} lines[] = {
    {{.status = 202, .request_id = "id", .delay = 0.5}, 0, 1,
	HEAD ", http=202, request-id=id, delay=0.50, status=sent (why)", NULL},
    {{.status = 429, .retry_after = 9, .delay = 1}, 0, 0,
	HEAD ", http=429, retry-after=9, delay=1.00, reason=throttled, "
	     "dsn=4.4.5, status=deferred (why)",
	NULL},
    {{.outcome_unknown = 1, .attached = 1}, 3, 0,
	HEAD ", draft=1/3, outcome=unknown, delay=0.00, reason=throttled, "
	     "dsn=4.4.5, status=deferred (why)",
	NULL},
    {{.status = 202, .delay = 1}, 0, 1,
	"4Q: mailbox=<a@x>, instead-of=<o@x>, application=" IDS
	", http=202, delay=1.00, status=sent (why)",
	"o@x"},
};

static void
log_one(const char *file, size_t i)
{
	struct delivery_request request = {.queue_id = "4Q",
	    .mailbox = "a@x",
	    .nrcpt = 2,
	    .identity = {"11111111-2222-3333-4444-555555555555",
		"aaaaaaaa-7777-8888-9999-000000000000"},
	    .source = {.size = 70}};
	struct report report = lines[i].report;
	struct wire_reply reply;
	int saved = dup(STDERR_FILENO);

	request.attachments.count = lines[i].attachments;
	if (lines[i].instead_of != NULL)
		strcpy(request.instead_of, lines[i].instead_of);
	if (lines[i].sent)
		report_sent(&reply, &report, "why");
	else
		report_deferred(
		    &reply, &report, "4.4.5", REASON_THROTTLED, "why");
	assert_non_null(freopen(file, "w", stderr));
	log_open("test", LOG_TO_STDERR, LOG_LEVEL_INFO);
	report_log(&request, &report, &reply);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
}

static void
test_log_line(void **state)
{
	char file[] = "/tmp/daemon_reportXXXXXX", line[1024] = "";
	FILE *in;
	size_t i;

	(void)state;
	close(mkstemp(file));
	for (i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		log_one(file, i);
		in = fopen(file, "r");
		assert_non_null(fgets(line, sizeof(line), in));
		fclose(in);
		line[strcspn(line, "\n")] = '\0';
		assert_non_null(strstr(line, "4Q: "));
		assert_string_equal(strstr(line, "4Q: "), lines[i].line);
	}
	unlink(file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_outcomes),
	    cmocka_unit_test(test_log_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
