/*
 * command_test_login.c - "msgraphctl test-login NAME|ENTRY": what this host and
 * Entra say about a sign-in, and what the token lets the application do.
 * Nothing is stored; the token stays with msgraphd.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "agent/ctl/base/ask_secret.h"
#include "agent/ctl/base/steps.h"
#include "agent/ctl/base/try.h"
#include "lib/conf/conf.h"
#include "lib/local/identity.h"
#include "commands.h"

/* Permissions in Entra that count for each mailbox of the tenant. */
static const struct {
	const char *role, *lets;
} command_test_login_wide[] = {
    {"Mail.Send", "send as"},
    {"Mail.ReadWrite", "read and change"},
    {"Mail.Read", "read"},
};

/* --- what came --- */

static int
command_test_login_has(const char *roles, const char *role)
{
	size_t len = strlen(role);
	const char *at = roles;

	while ((at = strstr(at, role)) != NULL) {
		if ((at == roles || at[-1] == ' ') &&
		    (at[len] == ' ' || at[len] == '\0'))
			return 1;
		at += len;
	}
	return 0;
}

static void
command_test_login_roles(struct steps *steps, const char *roles)
{
	size_t i, found = 0;

	for (i = 0; i < sizeof(command_test_login_wide) /
		 sizeof(command_test_login_wide[0]);
	     i++)
		if (command_test_login_has(
			roles, command_test_login_wide[i].role)) {
			found++;
			steps_say(steps, "permission", STEPS_WARNING,
			    "%s in Entra: the application may %s every mailbox "
			    "of the tenant, whatever Exchange says; remove it "
			    "once RBAC for Applications works (docs/entra.md)",
			    command_test_login_wide[i].role,
			    command_test_login_wide[i].lets);
		}
	if (found > 0)
		return;
	steps_say(steps, "permission", STEPS_OK,
	    "%s%sno permission for mail in Entra, as it should be. Which "
	    "mailboxes it may use by RBAC for Applications no token tells: "
	    "try it with msgraphctl test-send",
	    roles, roles[0] == '\0' ? "" : "; ");
}

static void
command_test_login_token(struct steps *steps, const struct try_answer *answer)
{
	char value[512], client[512], when[32];
	time_t expires = (time_t)atoll(try_value(answer, "expires", value));
	struct tm local;

	strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S",
	    localtime_r(&expires, &local));
	try_value(answer, "client", client);
	if (client[0] == '\0')
		steps_say(steps, "token", STEPS_OK,
		    "Entra gives one, and says nothing in it");
	else
		steps_say(steps, "token", STEPS_OK,
		    "Entra gives one for \"%s\" (%s), until %s",
		    try_value(answer, "name", value), client, when);
	if (client[0] != '\0')
		command_test_login_roles(
		    steps, try_value(answer, "roles", value));
}

static void
command_test_login_tell(struct steps *steps, const struct try_answer *answer)
{
	char application[512], entry[512], text[512];

	try_value(answer, "application", application);
	try_value(answer, "entry", entry);
	try_value(answer, "text", text);
	if (application[0] != '\0')
		steps_say(steps, "application", STEPS_OK, "%s%s%s", application,
		    entry[0] == '\0' ? "" : ", entry ", entry);
	if (strcmp(answer->word, "OK") == 0)
		command_test_login_token(steps, answer);
	else if (strcmp(answer->word, "NO") == 0)
		steps_say(steps, "sign-in", STEPS_CRITICAL,
		    "refused, a client would hear 535: %s", text);
	else
		steps_say(steps, "sign-in", STEPS_UNKNOWN,
		    "cannot be told now, a client would hear 454: %s", text);
}

/* --- the command --- */

static int
command_test_login_ask(struct ctl *ctl, const struct command *command,
    const char *name, const struct secret *secret)
{
	struct try_answer answer;
	struct steps *steps;
	struct conf conf;
	struct error err;
	int result;

	if (conf_load_in_use(&conf, ctl->conf_file, &err) == -1) {
		command_say(command, "%s", err.text);
		return EX_CONFIG;
	}
	result = try_sign_in(conf.auth_socket, name, secret, &answer, &err);
	conf_free(&conf);
	if (result == -1) {
		command_say(command, "%s", err.text);
		return EX_UNAVAILABLE;
	}
	if ((steps = steps_new(ctl->is_json)) == NULL)
		return EX_OSERR;
	command_test_login_tell(steps, &answer);
	return steps_end(&steps);
}

static int
command_test_login_run(
    struct ctl *ctl, const struct command *command, int argc, char **argv)
{
	const char *value, *file = NULL, *name;
	struct secret *secret = NULL;
	char entry[ENTRY_NAME_SIZE];
	struct error err;
	int key, status;

	while (
	    (key = command_next(ctl, command, argc, argv, &value, &status)) > 0)
		file = value;
	if (key == -1)
		return status;
	if (argc - optind != 1 || argv[optind][0] == '\0')
		return command_wrong(command,
		    "needs one user name, or the name of an entry that has a "
		    "credential of its own");
	name = argv[optind];
	/* a user name has a delimiter, and an entry's name has none */
	if (identity_parse_entry_name(name, strlen(name), entry) == -1 &&
	    (secret = ask_secret(file, &err)) == NULL) {
		command_say(command, "%s", err.text);
		return EX_NOINPUT;
	}
	status = command_test_login_ask(ctl, command, name, secret);
	secret_free(&secret);
	return status;
}

static const struct cmdline_option command_test_login_options[] = {
    {CMDLINE_HELP},
    {COMMAND_JSON},
    {'s', "secret-file", "file",
	"read the secret there (\"-\": standard input), do not ask for it"},
    {0, NULL, NULL, NULL},
};

const struct command command_test_login = {
    .name = "test-login",
    .help = "ask what this host and Entra say about a sign-in",
    .cmdline = {"msgraphctl test-login", "[-j] [-s file] name | entry",
	command_test_login_options, 1},
    .tables = steps_tables,
    .run = command_test_login_run,
};
