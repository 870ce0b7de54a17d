/*
 * command_forget.c - "msgraphctl forget APPLICATION": msgraphd drops the stored
 * secret and the token of an application, and what Entra has said about it.
 */
#include <string.h>
#include <sysexits.h>

#include "agent/ctl/base/admin_rows.h"
#include "lib/local/identity.h"
#include "commands.h"

static const struct output_column command_forget_columns[] = {
    {"stored", OUTPUT_TEXT},
    {"token", OUTPUT_TEXT},
    {"accepted", OUTPUT_TEXT},
    {"refusals", OUTPUT_NUMBER},
    {"application", OUTPUT_TEXT},
    {"next", OUTPUT_BELOW},
    {NULL, OUTPUT_TEXT},
};

static const struct output_list command_forget_tables[] = {
    {"forgotten", command_forget_columns},
    {NULL, NULL},
};

/* What comes of it. */
static const char *
command_forget_value(const struct admin_record *record, const char *column)
{
	if (strcmp(column, "next") != 0)
		return NULL;
	return strcmp(admin_value(record, "stored"), "yes") == 0
	    ? "mail of it waits until a client signs in with its secret again; "
	      "an entry with a credential of the relay's own goes on"
	    : "no client's secret was stored; an entry with a credential of "
	      "the relay's own goes on";
}

static int
command_forget_ask(
    struct ctl *ctl, const struct command *command, const struct identity *id)
{
	char application[IDENTITY_TEXT_SIZE];
	const struct admin_question question = {
	    .request = "forget", .application = identity_text(id, application)};
	struct admin_reply *reply;
	struct output *output;
	struct error err;
	int status = EX_OSERR;

	if ((reply = admin_ask(ctl->conf_file, &question, &err)) == NULL) {
		command_say(command, "%s", err.text);
		return EX_UNAVAILABLE;
	}
	if ((output = output_new(stdout, ctl->is_json)) != NULL) {
		admin_rows(output, command_forget_tables, reply, "forgotten",
		    NULL, command_forget_value);
		status = output_end(&output) == 0 ? EX_OK : EX_IOERR;
	}
	admin_reply_free(&reply);
	return status;
}

static int
command_forget_run(
    struct ctl *ctl, const struct command *command, int argc, char **argv)
{
	struct identity id;
	const char *name;
	int status;

	if (command_no_options(ctl, command, argc, argv, &status) == -1)
		return status;
	if (argc - optind != 1)
		return command_wrong(command, "needs one application");
	name = argv[optind];
	if (identity_parse(name, strlen(name), IDENTITY_DELIMITERS_ANY "/", &id,
		NULL) == -1)
		return command_wrong(command,
		    "an application is tenant/client, or a user name of it, as "
		    "\"msgraphctl status\" prints them");
	return command_forget_ask(ctl, command, &id);
}

static const struct cmdline_option command_forget_options[] = {
    {CMDLINE_HELP},
    {COMMAND_JSON},
    {0, NULL, NULL, NULL},
};

const struct command command_forget = {
    .name = "forget",
    .help = "drop the stored secret and token of an application",
    .cmdline = {"msgraphctl forget", "[-j] application", command_forget_options,
	1},
    .tables = command_forget_tables,
    .run = command_forget_run,
};
