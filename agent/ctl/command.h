/*
 * command.h - the commands of msgraphctl. A new command is a file of this
 * folder with such a struct, a line in main.c, and a section in msgraphctl(8).
 */
#ifndef MSGRAPHCTL_COMMAND_H
#define MSGRAPHCTL_COMMAND_H

#include <getopt.h> /* optind */

#include "agent/ctl/base/output.h"
#include "lib/base/cmdline.h"

/* Options that every command has, a row each; command_next() takes them. */
#define COMMAND_JSON 'j', "json", NULL, "print JSON instead of a table"

struct command;

/* What the options before the command's name have said, and those of it. */
struct ctl {
	const struct command *const *commands; /* all, NULL at their end */
	const char *conf_file; /* of msgraph.conf */
	int is_json;
	int taken[16]; /* the keys of options with a value so far */
	size_t taken_count;
};

struct command {
	const char *name;
	const char *help; /* one line, for "msgraphctl -h" */
	struct cmdline cmdline; /* its program is "msgraphctl NAME" */
	/* what it prints; -h lists them, and a test holds the man page to it */
	const struct output_list *tables; /* NULL: no tables */
	const int *repeats; /* keys of options that may come again; 0 ends */
	/*
	 * Does the work. argv[0] is the command's name, and its options have
	 * yet to be read, by command_next(). Returns the exit status.
	 */
	int (*run)(struct ctl *ctl, const struct command *command, int argc,
	    char **argv);
};

/* Returns the command of a name, or NULL. */
const struct command *command_find(const struct ctl *ctl, const char *name);

/*
 * Reads the command's next option. Takes what every command has (-h, -j) by
 * itself, and refuses an empty value, and a second one that would silently
 * replace the first. Returns the key of another, with *value set where it takes
 * one; 0 at the end, with optind at the first operand; or -1 with *status to
 * exit with, after help or a mistake was printed.
 */
int command_next(struct ctl *ctl, const struct command *command, int argc,
    char **argv, const char **value, int *status);

/*
 * Reads the options of a command that has none of its own. 0 with optind at the
 * first operand; or -1 with *status to exit with.
 */
int command_no_options(struct ctl *ctl, const struct command *command, int argc,
    char **argv, int *status);

/*
 * Says what is wrong with options or operands, and how to see these. Returns
 * the exit status for it.
 */
int command_wrong(const struct command *command, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Prints a line "msgraphctl NAME: text", without control characters, on stderr.
 */
void command_say(const struct command *command, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
