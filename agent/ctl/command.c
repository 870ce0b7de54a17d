/*
 * command.c - see command.h.
 */
#include <stdarg.h>
#include <stdio.h>
#include <sysexits.h>

#include "command.h"

int
command_next(struct ctl *ctl, const struct command *command, int argc,
    char **argv, const char **value, int *status)
{
	struct error err;
	int key;

	while ((key = cmdline_next(
		    &command->cmdline, argc, argv, value, &err)) == 'j')
		ctl->is_json = 1;
	if (key == 'h')
		*status = cmdline_answer(&command->cmdline, key, stdout) == 0
		    ? EX_OK
		    : EX_IOERR;
	else if (key == -1)
		*status = cmdline_fail(&command->cmdline, &err);
	return key == 'h' ? -1 : key;
}

void
command_say(const struct command *command, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "msgraphctl %s: ", command->name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}
