/*
 * main.c - msgraph-agent: the command that pipe(8) runs for each delivery.
 *
 * It reads one message, makes its header say what the envelope says, hands it
 * to msgraphd and tells pipe(8) the outcome; see outcome.c for how. It runs as
 * msgraph, holds no secret, and reads what anybody may have written: so it
 * links libc alone and looks at no more of a message than it must.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "agent/pipe/process/deadline.h"
#include "agent/pipe/process/exit_status.h"
#include "agent/pipe/process/options.h"
#include "agent/pipe/process/parent.h"
#include "lib/base/version.h"
#include "deliver.h"

/* Until the configuration is read: its default for delivery_timeout. */
#define DEADLINE_AT_FIRST 600

/*
 * Descriptors 0 to 2 are open and none else; a reader that went away or a file
 * size limit is an error and no signal; and mail ends up in no core file.
 */
static void
prepare(void)
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

/* What -h and -V ask for. */
static int
say(enum options_action action)
{
	fputs(action == OPTIONS_HELP ? options_usage
				     : "msgraph-agent " MSGRAPH_VERSION "\n",
	    stdout);
	return fflush(stdout) == 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
	struct wire_reply reply = {.status = WIRE_DEFERRED};
	struct error err = {.class = ERROR_NONE};
	struct options options;
	int status;

	parent_init();
	prepare();
	deadline_start(DEADLINE_AT_FIRST);
	status = options_parse(&options, argc, argv, &err);
	if (status == -1)
		outcome_from_error(&reply, &err);
	else if (options.action == OPTIONS_DELIVER)
		deliver(&options, STDIN_FILENO, &reply);
	deadline_end();
	if (status == 0 && options.action != OPTIONS_DELIVER)
		status = say(options.action);
	else
		status = outcome_report(&reply);
	options_free(&options);
	return status;
}
