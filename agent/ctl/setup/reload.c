/*
 * reload.c - see reload.h.
 */
#include <string.h>
#include <unistd.h>

#include "agent/ctl/base/run.h"
#include "logtail.h"
#include "reload.h"

#define RELOAD_DONE "reload -- version" /* master's line, before it reads */
#define RELOAD_SYSTEMD "/run/systemd/system"

/* Runs "postfix -c folder command". The exit status, or -1 with *err. */
static int
reload_run(const char *folder, const char *command, struct buf *said,
    struct error *err)
{
	const char *argv[] = {"postfix", "-c", folder, command, NULL};

	return run(argv, said, said, err);
}

/*
 * Returns 1 for a Postfix that runs, 0 for one that does not; or -1 with *err.
 */
static int
reload_is_running(const char *folder, struct error *err)
{
	struct buf ignored;
	int status;

	buf_init(&ignored, RUN_OUTPUT_MAX);
	status = reload_run(folder, "status", &ignored, err);
	buf_free(&ignored);
	return status == -1 ? -1 : status == 0;
}

/* Reloads a Postfix that runs: 1, 0 where it does not, or -1 with *err. */
static int
reload_running(const char *folder, struct error *err)
{
	int status = reload_is_running(folder, err);
	struct buf said;

	if (status != 1)
		return status;
	buf_init(&said, RUN_OUTPUT_MAX);
	status = reload_run(folder, "reload", &said, err);
	if (status > 0)
		status = run_failed("postfix reload", status, &said, err);
	buf_free(&said);
	return status == -1 ? -1 : 1;
}

int
reload_postfix(const char *folder, const struct postconf *postconf,
    struct buf *said, struct error *err)
{
	static const char *const trouble[] = {
	    "warning: ", "error: ", "fatal: ", "panic: "};
	struct logtail tail;
	struct buf lines;
	int status;

	buf_init(&lines, RUN_OUTPUT_MAX);
	logtail_mark(&tail, postconf);
	status = reload_run(folder, "check", said, err);
	if (status > 0)
		status = error_set(err, ERROR_OURS, "4.3.5",
		    "postfix check finds a mistake, and its log says which");
	if (status == 0)
		status = reload_running(folder, err);
	logtail_wait(&tail, status == 1 ? RELOAD_DONE : "", &lines);
	if (lines.len > 0)
		logtail_choose(lines.bytes, trouble,
		    sizeof(trouble) / sizeof(trouble[0]), said);
	buf_free(&lines);
	/* it ends at a mistake in master.cf that nobody finds before */
	if (status == 1 && (status = reload_is_running(folder, err)) == 0)
		status = error_set(err, ERROR_OURS, "4.3.5",
		    "Postfix has ended at what it has read, and its log may "
		    "say why: mend that, or take it back by --undo; then: "
		    "postfix -c %s start",
		    folder);
	return status;
}

int
reload_msgraphd(void)
{
	const char *argv[] = {"systemctl", "reload", "msgraphd", NULL};
	struct buf ignored;
	int status;

	if (access(RELOAD_SYSTEMD, F_OK) == -1)
		return 0;
	buf_init(&ignored, RUN_OUTPUT_MAX);
	status = run(argv, &ignored, &ignored, NULL);
	buf_free(&ignored);
	return status == 0;
}
