/*
 * command.c - see command.h.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "lib/base/printable.h"
#include "command.h"

#define COMMAND_TEXT_MAX 4096 /* paths are in it, and lines of a log */

static void
command_print_tables(const struct output_list *table)
{
	const struct output_column *c;

	if (table != NULL)
		printf("tables:\n");
	for (; table != NULL && table->name != NULL; table++) {
		printf("  %s:", table->name);
		for (c = table->columns; c->name != NULL; c++)
			printf(" %s%s", c->name, c[1].name == NULL ? "" : ",");
		putchar('\n');
	}
}

const struct command *
command_find(const struct ctl *ctl, const char *name)
{
	const struct command *const *c;

	for (c = ctl->commands; *c != NULL; c++)
		if (strcmp((*c)->name, name) == 0)
			return *c;
	return NULL;
}

/* Refuses a value that is empty or the second. 0, or -1 with *err. */
static int
command_take(struct ctl *ctl, const struct command *command, int key,
    const char *value, struct error *err)
{
	const struct cmdline_option *o = command->cmdline.options;
	const int *repeats = command->repeats;
	size_t i;

	while (o->key != key)
		o++;
	if (value[0] == '\0')
		return error_set(
		    err, ERROR_OURS, "4.3.5", "--%s needs a value", o->name);
	while (repeats != NULL && *repeats != 0)
		if (*repeats++ == key)
			return 0;
	for (i = 0; i < ctl->taken_count; i++)
		if (ctl->taken[i] == key)
			return error_set(err, ERROR_OURS, "4.3.5",
			    "--%s is given twice", o->name);
	ctl->taken[ctl->taken_count++] = key;
	return 0;
}

int
command_next(struct ctl *ctl, const struct command *command, int argc,
    char **argv, const char **value, int *status)
{
	struct error err;
	int key;

	while ((key = cmdline_next(
		    &command->cmdline, argc, argv, value, &err)) == 'j')
		ctl->is_json = 1;
	if (key > 0 && *value != NULL &&
	    command_take(ctl, command, key, *value, &err) == -1)
		key = -1;
	if (key == 'h') {
		cmdline_answer(&command->cmdline, key, stdout);
		command_print_tables(command->tables);
		*status = EX_OK;
	} else if (key == -1)
		*status = cmdline_fail(&command->cmdline, &err);
	return key == 'h' ? -1 : key;
}

int
command_no_options(struct ctl *ctl, const struct command *command, int argc,
    char **argv, int *status)
{
	const char *value;
	int key;

	do
		key = command_next(ctl, command, argc, argv, &value, status);
	while (key > 0);
	return key;
}

int
command_wrong(const struct command *command, const char *fmt, ...)
{
	struct error err;
	char text[sizeof(err.text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	error_set(&err, ERROR_OURS, "4.3.5", "%s", text);
	return cmdline_fail(&command->cmdline, &err);
}

void
command_say(const struct command *command, const char *fmt, ...)
{
	char text[COMMAND_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	printable_make(text, '?');
	fprintf(stderr, "msgraphctl %s: %s\n", command->name, text);
}
