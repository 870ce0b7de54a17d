/*
 * How the doctor runs checks: in which order, what is skipped, what is the
 * worst, what becomes of one that dies, and of all when the doctor is ended.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/ctl/doctor/doctor.h"

static void
check_right(const struct host *host, struct report *report)
{
	(void)host;
	(void)report;
}

static void
check_warns(const struct host *host, struct report *report)
{
	(void)host;
	check_say(report, CHECK_WARNING, "odd: %d", 7);
	check_remedy(report, "type %s", "this");
	check_say(report, CHECK_OK, "and more\nbelow");
}

static void
check_wrong(const struct host *host, struct report *report)
{
	(void)host;
	check_say(report, CHECK_UNKNOWN, "nobody knows");
	check_say(report, CHECK_CRITICAL, "wrong");
}

static void
check_dies(const struct host *host, struct report *report)
{
	(void)host;
	check_say(report, CHECK_WARNING, "about to die");
	abort();
}

static void
check_talks(const struct host *host, struct report *report)
{
	int i;

	(void)host;
	for (i = 0; i < CHECK_FINDINGS_MAX + 5; i++)
		check_say(report,
		    i == CHECK_FINDINGS_MAX + 2 ? CHECK_CRITICAL
						: CHECK_WARNING,
		    "finding %d", i);
}

static const struct check checks_all[] = {
    {"right", "", "it is right", check_right},
    {"warns", "right", "", check_warns},
    {"after-warning", "warns", "a warning stops nobody", check_right},
    {"wrong", "right", "", check_wrong},
    {"after-wrong", "right wrong", "", check_right},
    {"after-that", "after-wrong", "", check_right},
    {"dies", "", "", check_dies},
    {"after-death", "dies", "", check_right},
    {"talks", "", "", check_talks},
    {NULL, NULL, NULL, NULL},
};

/* What a check must have said: its findings, each "status text". */
static const struct {
	const char *said[3];
} wanted[] = {
    {{"0 it is right"}},
    {{"1 odd: 7", "0 and more"}},
    {{"0 a warning stops nobody"}},
    {{"3 nobody knows", "2 wrong"}},
    {{"4 not looked at because of wrong"}},
    {{"4 not looked at because of after-wrong"}},
    {{"1 about to die", "3 the check was ended by signal 6"}},
    {{"4 not looked at because of dies"}},
};

static struct doctor *
run_some(const char *name)
{
	struct doctor *doctor = doctor_new(checks_all);
	struct host host = {0};

	assert_non_null(doctor);
	assert_int_equal(doctor_want(doctor, name), 0);
	doctor_run(doctor, &host);
	return doctor;
}

static void
test_all(void **state)
{
	struct doctor *doctor = run_some(NULL);
	const struct report *report;
	const struct finding *finding;
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		report = doctor_report(doctor, i);
		assert_non_null(report);
		for (j = 0; j < 3 && wanted[i].said[j] != NULL; j++) {
			finding = &report->findings[j];
			assert_int_equal(
			    finding->status, wanted[i].said[j][0] - '0');
			assert_string_equal(
			    finding->text, wanted[i].said[j] + 2);
		}
		assert_int_equal(report->count, j);
	}
	assert_string_equal(
	    doctor_report(doctor, 1)->findings[0].remedy, "type this");
	assert_string_equal(doctor_report(doctor, 1)->findings[1].remedy, "");
	assert_int_equal(doctor_worst(doctor), CHECK_CRITICAL);
	doctor_free(&doctor);
	assert_null(doctor);
}

/* What does not fit counts, and the worst of it stays. */
static void
test_too_many(void **state)
{
	struct doctor *doctor = run_some("talks");
	const struct report *report = doctor_report(doctor, 8);

	(void)state;
	assert_int_equal(report->count, CHECK_FINDINGS_MAX);
	assert_string_equal(report->findings[CHECK_FINDINGS_MAX - 1].text,
	    "more was found than is shown");
	assert_int_equal(doctor_worst(doctor), CHECK_CRITICAL);
	doctor_free(&doctor);
}

static void
test_some(void **state)
{
	static const struct {
		const char *name;
		enum check_status worst;
		int ran[4]; /* right, warns, after-warning, wrong */
	} rows[] = {
	    {"right", CHECK_OK, {1, 0, 0, 0}},
	    {"after-warning", CHECK_WARNING, {1, 1, 1, 0}},
	    {"after-that", CHECK_CRITICAL, {1, 0, 0, 1}},
	    {"after-death", CHECK_UNKNOWN, {0, 0, 0, 0}},
	};
	struct doctor *doctor;
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		doctor = run_some(rows[i].name);
		assert_int_equal(doctor_worst(doctor), rows[i].worst);
		for (j = 0; j < 4; j++)
			assert_int_equal(
			    doctor_report(doctor, j) != NULL, rows[i].ran[j]);
		doctor_free(&doctor);
	}
	doctor = doctor_new(checks_all);
	assert_int_equal(doctor_want(doctor, "nothing"), -1);
	assert_int_equal(doctor_want(doctor, ""), -1);
	doctor_free(&doctor);
}

/* --- a signal in the middle */

static int hang_pipe[2];

static void
check_hangs(const struct host *host, struct report *report)
{
	(void)host;
	(void)report;
	if (write(hang_pipe[1], "x", 1) == 1)
		for (;;)
			pause();
}

static const struct check checks_hanging[] = {
    {"hangs", "", "", check_hangs},
    {NULL, NULL, NULL, NULL},
};

static void
run_hanging(void)
{
	struct doctor *doctor = doctor_new(checks_hanging);
	struct host host = {0};

	if (doctor != NULL && doctor_want(doctor, NULL) == 0)
		doctor_run(doctor, &host);
	_exit(0);
}

/* Neither the doctor goes on nor the check, which is left to this process. */
static void
test_stopped(void **state)
{
	static const int stops[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
	pid_t doctor, check;
	int status;
	char byte;
	size_t i;

	(void)state;
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	for (i = 0; i < sizeof(stops) / sizeof(stops[0]); i++) {
		assert_int_equal(pipe(hang_pipe), 0);
		doctor = fork();
		if (doctor == 0)
			run_hanging();
		assert_int_equal(read(hang_pipe[0], &byte, 1), 1);
		assert_int_equal(kill(doctor, stops[i]), 0);
		assert_int_equal(waitpid(doctor, &status, 0), doctor);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), stops[i]);
		check = wait(&status);
		assert_true(check > 0 && WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGKILL);
		close(hang_pipe[0]);
		close(hang_pipe[1]);
	}
}

/* Lines end with LF, and the last one with the text. */
static void
test_lines(void **state)
{
	struct buf text;
	size_t at = 0;

	(void)state;
	buf_init(&text, 100);
	assert_null(check_line(&text, &at));
	assert_int_equal(buf_add_string(&text, "a\n\nb"), 0);
	assert_string_equal(check_line(&text, &at), "a");
	assert_string_equal(check_line(&text, &at), "");
	assert_string_equal(check_line(&text, &at), "b");
	assert_null(check_line(&text, &at));
	buf_free(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_all),
	    cmocka_unit_test(test_too_many),
	    cmocka_unit_test(test_some),
	    cmocka_unit_test(test_stopped),
	    cmocka_unit_test(test_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
