/*
 * Functions that are run from the event loop (agent/daemon/base/wake.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/daemon/base/clock.h"
#include "agent/daemon/base/wake.h"

struct woken {
	struct wake wake;
	int runs;
	int frees; /* itself, while it runs */
};

static void
run(void *ctx)
{
	struct woken *woken = ctx;

	woken->runs++;
	if (woken->frees)
		wake_free(&woken->wake);
}

/* What is asked for before the loop goes on, and how often that runs. */
static const struct wake_case {
	const char *name;
	int ups, in_ms, cancels, frees;
	int runs;
} wake_cases[] = {
    {"never asked for", 0, -1, 0, 0, 0},
    {"once", 1, -1, 0, 0, 1},
    {"three times", 3, -1, 0, 0, 1},
    {"later", 0, 20, 0, 0, 1},
    {"at once and later", 1, 20, 0, 0, 1},
    {"forgotten", 1, -1, 1, 0, 0},
    {"later, and forgotten", 0, 20, 1, 0, 0},
    {"freed while it runs", 1, -1, 0, 1, 1},
};

static void
test_runs(void **state)
{
	const struct wake_case *row = wake_cases;
	struct event_base *base = event_base_new();
	struct woken woken;
	long long began;
	int i;

	(void)state;
	for (; row < wake_cases + sizeof(wake_cases) / sizeof(*row); row++) {
		woken = (struct woken){.frees = row->frees};
		assert_int_equal(wake_init(&woken.wake, base, run, &woken), 0);
		began = clock_ms();
		for (i = 0; i < row->ups; i++)
			wake_up(&woken.wake);
		if (row->in_ms != -1)
			assert_int_equal(wake_in(&woken.wake, row->in_ms), 0);
		if (row->cancels)
			wake_cancel(&woken.wake);
		assert_int_equal(woken.runs, 0);
		event_base_dispatch(base);
		if (woken.runs != row->runs)
			fail_msg("%s: %d runs, %d wanted", row->name,
			    woken.runs, row->runs);
		if (row->ups == 0 && row->runs > 0)
			assert_true(clock_ms() - began >= row->in_ms);
		wake_free(&woken.wake);
	}
	event_base_free(base);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
