/*
 * The deadline of a run (agent/pipe/process/deadline.c), in a process of its
 * own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/pipe/process/deadline.h"

/* Sorted by their ends, since they run at once. */
static const struct {
	unsigned int first, passed, second; /* seconds */
	time_t least, most; /* until the process has ended */
} rows[] = {
    {1, 0, 0, 1, 2},
    {60, 0, 1, 1, 2},
    {60, 2, 1, 2, 3},
    {60, 2, 3, 3, 4}, /* both count from the first call */
    {1, 0, 3, 3, 4},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void
run(int out, size_t i)
{
	dup2(out, STDOUT_FILENO);
	deadline_start(rows[i].first);
	sleep(rows[i].passed);
	if (rows[i].second > 0)
		deadline_start(rows[i].second);
	for (;;)
		pause();
}

static void
check_end(pid_t child, const struct timespec *from, size_t i)
{
	struct timespec to;
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	clock_gettime(CLOCK_MONOTONIC, &to);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EX_TEMPFAIL);
	assert_in_range(to.tv_sec - from->tv_sec, rows[i].least, rows[i].most);
}

static void
test_rows(void **state)
{
	struct timespec from;
	pid_t children[ROWS];
	int fds[ROWS][2];
	char line[6];
	size_t i;

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (i = 0; i < ROWS; i++) {
		assert_int_equal(pipe(fds[i]), 0);
		if ((children[i] = fork()) == 0)
			run(fds[i][1], i);
	}
	for (i = 0; i < ROWS; i++) {
		check_end(children[i], &from, i);
		assert_int_equal(
		    read(fds[i][0], line, sizeof(line)), sizeof(line));
		assert_memory_equal(line, "4.4.2 ", sizeof(line));
		close(fds[i][0]);
		close(fds[i][1]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};

	return cmocka_run_group_tests_name("agent_deadline", tests, NULL, NULL);
}
