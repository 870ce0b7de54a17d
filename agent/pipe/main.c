/*
 * main.c - msgraph-agent: the command that pipe(8) runs for each delivery.
 *
 * It reads one message, makes its header say what the envelope says, hands it
 * to msgraphd and tells pipe(8) the outcome (exit_status.h). It runs as
 * msgraph, holds no secret, and reads what anybody may have written: so it
 * links libc alone and looks at no more of a message than it must.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/pipe/process/deadline.h"
#include "agent/pipe/process/exit_status.h"
#include "agent/pipe/process/options.h"
#include "agent/pipe/process/parent.h"
#include "deliver.h"

/* Until the configuration is read: its default for delivery_timeout. */
#define DEADLINE_AT_FIRST 600

/*
 * Descriptors 0 to 2 are open and none else; a reader that went away or a file
 * size limit is an error and no signal; and mail ends up in no core file.
 */
static void
agent_prepare(void)
{
	const struct rlimit none = {0, 0};
	int fd = 0;

	while (fd < 3 && fcntl(fd, F_GETFD) != -1)
		fd++;
	while (fd != -1 && fd < 3)
		fd = open("/dev/null", O_RDWR);
	close_range(3, ~0u, 0);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
}

/*
 * Answers -h and -V. pipe(8) would take the exit status 0 for a message that
 * was sent, and pipe(8) gives the message through a pipe: so with one on
 * standard input, the answer is that the options are wrong.
 */
static int
agent_answer(int key, struct error *err)
{
	struct stat in;

	if (fstat(STDIN_FILENO, &in) == -1 || S_ISFIFO(in.st_mode))
		return error_set(err, ERROR_OURS, "4.3.5",
		    "msgraph-agent: -%c delivers nothing, and standard input "
		    "is a pipe; see msgraph-agent(8) for master.cf",
		    key);
	cmdline_answer(&options_cmdline, key, stdout);
	if (fflush(stdout) == EOF || ferror(stdout))
		return error_set(err, ERROR_OURS, "4.3.0",
		    "cannot write to standard output");
	return 0;
}

int
main(int argc, char **argv)
{
	struct wire_reply reply = {.status = WIRE_DEFERRED};
	struct error err = {.class = ERROR_NONE};
	struct options options;
	int status, answered = 0;

	parent_init();
	agent_prepare();
	deadline_start(DEADLINE_AT_FIRST);
	status = options_parse(&options, argc, argv, &err);
	if (status == 0 && options.answer == 0) {
		deliver(&options, STDIN_FILENO, &reply);
	} else {
		if (status == 0)
			status = agent_answer(options.answer, &err);
		answered = status == 0;
		if (!answered)
			exit_status_from_error(&reply, &err);
	}
	deadline_end();
	status = answered ? 0 : exit_status_report(&reply);
	options_free(&options);
	return status;
}
