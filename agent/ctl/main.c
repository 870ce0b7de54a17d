/*
 * main.c - msgraphctl: sets the relay up, looks after it, and asks it.
 *
 * This file finds the command that the arguments name. What a command does is
 * in a file of its own: command.h.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/base/near.h"
#include "lib/base/stdout.h"
#include "lib/conf/conf.h"
#include "commands.h"

static const struct command *const commands[] = {
    &command_setup,
    &command_test_login,
    &command_test_send,
    &command_status,
    &command_doctor,
    &command_identities,
    &command_forget,
    &command_username,
    &command_entra_script,
    NULL,
};

static const struct cmdline_option options[] = {
    {CONF_CMDLINE_FILE},
    {CMDLINE_HELP},
    {CMDLINE_VERSION},
    {0, NULL, NULL, NULL},
};

static const struct cmdline cmdline = {"msgraphctl",
    "[-c file] command [option...] [operand...]\nhelp [command]\n"
    "command -h\n-h | -V",
    options, 1};

static int
ctl_help(void)
{
	const struct command *const *c;

	cmdline_answer(&cmdline, 'h', stdout);
	printf("commands:\n");
	for (c = commands; *c != NULL; c++)
		printf("  %-15s  %s\n", (*c)->name, (*c)->help);
	return EX_OK;
}

static const char *
ctl_name(size_t place)
{
	return commands[place] == NULL ? NULL : commands[place]->name;
}

static int
ctl_wrong(const char *name)
{
	const char *meant = near_name(name, ctl_name);
	struct error err;

	error_set(&err, ERROR_OURS, "4.3.5", "unknown command \"%s\"%s%s%s",
	    name, meant != NULL ? ", did you mean \"" : "",
	    meant != NULL ? meant : "", meant != NULL ? "\"?" : "");
	return cmdline_fail(&cmdline, &err);
}

static int
ctl_run(struct ctl *ctl, int argc, char **argv)
{
	char help[] = "-h", *asked[] = {argv[1], help, NULL};
	const struct command *command;

	if (strcmp(argv[0], "help") == 0) {
		if (argc == 1)
			return ctl_help();
		argc = 2;
		argv = asked;
	}
	if ((command = command_find(ctl, argv[0])) == NULL)
		return ctl_wrong(argv[0]);
	optind = 1;
	return command->run(ctl, command, argc, argv);
}

/*
 * Has programs found in the administrator's folders too, which the PATH of a
 * monitoring system, of cron and of "su" without "-" lacks. An empty one would
 * mean the present folder.
 */
static int
ctl_extend_path(void)
{
	static const char usual[] = "/usr/sbin:/usr/bin:/sbin:/bin";
	const char *path = getenv("PATH");
	char *longer;
	int status;

	if (path == NULL || path[0] == '\0')
		return setenv("PATH", usual, 1);
	if (asprintf(&longer, "%s:%s", path, usual) == -1)
		return -1;
	status = setenv("PATH", longer, 1);
	free(longer);
	return status;
}

/* Reads the options before the command, and does what they say. */
static int
ctl_main(int argc, char **argv)
{
	struct ctl ctl = {.conf_file = CONF_DEFAULT_FILE, .commands = commands};
	const char *value;
	struct error err;
	int key;

	while ((key = cmdline_next(&cmdline, argc, argv, &value, &err)) > 0) {
		if (key == 'h')
			return ctl_help();
		if (key == 'V') {
			cmdline_answer(&cmdline, key, stdout);
			return EX_OK;
		}
		if (value[0] == '\0') {
			error_set(
			    &err, ERROR_OURS, "4.3.5", "-c needs a value");
			key = -1;
			break;
		}
		ctl.conf_file = value;
	}
	if (key == 0 && optind == argc) {
		error_set(&err, ERROR_OURS, "4.3.5", "a command is missing");
		key = -1;
	}
	return key == -1 ? cmdline_fail(&cmdline, &err)
			 : ctl_run(&ctl, argc - optind, argv + optind);
}

int
main(int argc, char **argv)
{
	int status = EX_OSERR;

	stdout_begin();
	if (ctl_extend_path() == 0)
		status = ctl_main(argc, argv);
	return stdout_end("msgraphctl", status);
}
