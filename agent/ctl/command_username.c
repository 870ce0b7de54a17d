/*
 * command_username.c - "msgraphctl username TENANT CLIENT": the forms that a
 * client may sign in by, for devices with a short field or odd rules.
 */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "agent/ctl/base/output.h"
#include "lib/base/codec.h"
#include "lib/local/identity.h"
#include "commands.h"

static const struct output_column command_username_columns[] = {
    {"username", OUTPUT_TEXT},
    {"length", OUTPUT_NUMBER},
    {"for", OUTPUT_TEXT},
    {NULL, OUTPUT_TEXT},
};

static const struct output_list command_username_tables[] = {
    {"usernames", command_username_columns},
    {NULL, NULL},
};

/* Writes the 16 bytes of a UUID as base64url (RFC 4648 section 5), unpadded. */
static void
command_username_short(
    const char uuid[UUID_TEXT_SIZE], char text[UUID_TEXT_SIZE])
{
	char bytes[UUID_SIZE], hex[2 * UUID_SIZE + 1];
	size_t i, n = 0;

	for (i = 0; uuid[i] != '\0'; i++)
		if (uuid[i] != '-')
			hex[n++] = uuid[i];
	hex[n] = '\0';
	if (codec_hex_decode(hex, bytes, UUID_SIZE) == -1)
		memset(bytes, 0, sizeof(bytes));
	for (i = 0, n = 0; i < UUID_SIZE; i += 3, n += 4)
		codec_base64_put(
		    bytes + i, UUID_SIZE - i < 3 ? UUID_SIZE - i : 3, text + n);
	text[strcspn(text, "=")] = '\0';
	for (i = 0; text[i] != '\0'; i++)
		text[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
}

static void
command_username_row(struct output *output, const char *what,
    const char *tenant, char delimiter, const char *client, const char *suffix)
{
	char name[IDENTITY_CANONICAL_SIZE], length[16];
	const char *values[] = {name, length, what};

	snprintf(
	    name, sizeof(name), "%s%c%s%s", tenant, delimiter, client, suffix);
	snprintf(length, sizeof(length), "%zu", strlen(name));
	output_row(output, values);
}

static int
command_username_print(struct ctl *ctl, const struct identity *id)
{
	char tenant[UUID_TEXT_SIZE], client[UUID_TEXT_SIZE];
	struct output *output = output_new(stdout, ctl->is_json);

	if (output == NULL)
		return EX_OSERR;
	command_username_short(id->tenant, tenant);
	command_username_short(id->client, client);
	output_table(output, "usernames", command_username_columns);
	command_username_row(output, "most clients; the form in the log",
	    id->tenant, '@', id->client, "");
	command_username_row(output, "clients that refuse or cut an @",
	    id->tenant, ':', id->client, "");
	command_username_row(output, "clients that refuse @ and :", id->tenant,
	    '|', id->client, "");
	command_username_row(output, "short fields", tenant, '@', client, "");
	command_username_row(
	    output, "short fields without an @", tenant, ':', client, "");
	command_username_row(output, "clients that want an address", tenant,
	    '@', client, ".local");
	return output_end(&output) == 0 ? EX_OK : EX_IOERR;
}

static int
command_username_run(
    struct ctl *ctl, const struct command *command, int argc, char **argv)
{
	struct identity id;
	int status;

	if (command_no_options(ctl, command, argc, argv, &status) == -1)
		return status;
	if (argc - optind != 2)
		return command_wrong(
		    command, "needs a tenant's and a client's id");
	if (identity_parse_id(argv[optind], strlen(argv[optind]), id.tenant) ==
		-1 ||
	    identity_parse_id(
		argv[optind + 1], strlen(argv[optind + 1]), id.client) == -1)
		return command_wrong(command,
		    "a tenant's or client's id is a UUID, as Entra shows it");
	return command_username_print(ctl, &id);
}

static const struct cmdline_option command_username_options[] = {
    {CMDLINE_HELP},
    {COMMAND_JSON},
    {0, NULL, NULL, NULL},
};

const struct command command_username = {
    .name = "username",
    .help = "print the user names that a client may sign in by",
    .cmdline = {"msgraphctl username", "[-j] tenant client",
	command_username_options, 1},
    .tables = command_username_tables,
    .run = command_username_run,
};
