/*
 * command_identities.c - "msgraphctl identities": the table of identities that
 * is in force, which may be older than its files.
 */
#include <sysexits.h>

#include "agent/ctl/base/admin_rows.h"
#include "commands.h"

static const struct output_column command_identities_columns[] = {
    {"entry", OUTPUT_TEXT},
    {"file", OUTPUT_TEXT},
    {"line", OUTPUT_NUMBER},
    {"application", OUTPUT_TEXT},
    {"attributes", OUTPUT_BELOW},
    {NULL, OUTPUT_TEXT},
};

static const struct output_column command_identities_faults[] = {
    {"fault", OUTPUT_TEXT},
    {NULL, OUTPUT_TEXT},
};

static const struct output_list command_identities_tables[] = {
    {"identities", command_identities_columns},
    {"faults", command_identities_faults},
    {NULL, NULL},
};

static int
command_identities_has_fault(const struct admin_record *record)
{
	return admin_value(record, "fault")[0] != '\0';
}

static int
command_identities_print(struct ctl *ctl, const struct admin_reply *entries,
    const struct admin_reply *status)
{
	const struct output_list *tables = command_identities_tables;
	struct output *output = output_new(stdout, ctl->is_json);

	if (output == NULL)
		return EX_OSERR;
	admin_rows(output, &tables[0], entries, "entry", NULL, NULL);
	admin_rows(output, &tables[1], status, "status",
	    command_identities_has_fault, NULL);
	return output_end(&output) == 0 ? EX_OK : EX_IOERR;
}

static int
command_identities_run(
    struct ctl *ctl, const struct command *command, int argc, char **argv)
{
	struct admin_reply *entries = NULL, *status = NULL;
	struct error err;
	int result;

	if (command_no_options(ctl, command, argc, argv, &result) == -1)
		return result;
	entries = admin_ask_for(ctl->conf_file, "identities", &err);
	if (entries != NULL)
		status = admin_ask_for(ctl->conf_file, "status", &err);
	if (status == NULL) {
		command_say(command, "%s", err.text);
		result = EX_UNAVAILABLE;
	} else
		result = command_identities_print(ctl, entries, status);
	admin_reply_free(&entries);
	admin_reply_free(&status);
	return result;
}

static const struct cmdline_option command_identities_options[] = {
    {CMDLINE_HELP},
    {COMMAND_JSON},
    {0, NULL, NULL, NULL},
};

const struct command command_identities = {
    .name = "identities",
    .help = "print the table of identities that is in force",
    .cmdline = {"msgraphctl identities", "[-j]", command_identities_options, 0},
    .tables = command_identities_tables,
    .run = command_identities_run,
};
