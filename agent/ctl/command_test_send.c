/*
 * command_test_send.c - "msgraphctl test-send --as NAME|ENTRY --from ADDRESS
 * --to ADDRESS": one message all the way, each step told as it comes.
 */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "agent/ctl/base/admin_ask.h"
#include "agent/ctl/base/ask_secret.h"
#include "agent/ctl/send/by_smtp.h"
#include "agent/ctl/send/by_socket.h"
#include "agent/ctl/send/follow.h"
#include "lib/local/identity.h"
#include "commands.h"

struct command_test_send {
	const char *as, *from, *to, *secret_file, *folder;
	struct letter letter;
};

/* Sends through the service, and tells what becomes of the message. */
static void
command_test_send_through(const struct command_test_send *work,
    struct steps *steps, const struct postconf *postfix,
    const struct postconf_service *service, const char *user,
    const struct secret *secret)
{
	char queue_id[BY_SMTP_QUEUE_ID_SIZE];
	struct logtail tail;

	logtail_mark(&tail, postfix);
	if (by_smtp(steps, postfix, service, user, secret, &work->letter,
		queue_id) == 0)
		follow(steps, &tail, queue_id);
}

/* With the name of a user that signs in. */
static int
command_test_send_user(const struct command *command,
    const struct command_test_send *work, struct steps *steps)
{
	const struct postconf_service *service;
	struct postconf postfix;
	struct secret *secret;
	struct error err;

	if ((secret = ask_secret(work->secret_file, &err)) == NULL) {
		command_say(command, "%s", err.text);
		return EX_NOINPUT;
	}
	if (postconf_read(&postfix, work->folder, POSTCONF_EXPANDED, &err) ==
	    -1) {
		steps_say(steps, "postfix", STEPS_CRITICAL, "%s", err.text);
		secret_free(&secret);
		return EX_OK;
	}
	if ((service = by_smtp_find(&postfix)) == NULL)
		steps_say(steps, "service", STEPS_CRITICAL,
		    "master.cf has none of ours where clients sign in; "
		    "\"msgraphctl setup\" adds it");
	else
		command_test_send_through(
		    work, steps, &postfix, service, work->as, secret);
	postconf_free(&postfix);
	secret_free(&secret);
	return EX_OK;
}

/*
 * Sends as a client of the entry, where this host is one. Returns 0 where it is
 * none.
 */
static int
command_test_send_as_client(const struct command_test_send *work,
    const struct conf *conf, const char *entry, struct steps *steps)
{
	const struct postconf_service *service;
	struct postconf postfix;
	struct error err;

	if (postconf_read(&postfix, work->folder, POSTCONF_EXPANDED, &err) ==
	    -1)
		return 0;
	service = by_smtp_find_for(&postfix, conf, entry, work->from);
	if (service != NULL)
		command_test_send_through(
		    work, steps, &postfix, service, NULL, NULL);
	postconf_free(&postfix);
	return service != NULL;
}

/* Finds an entry in the answer; NULL where the table has none of that name. */
static const struct admin_record *
command_test_send_find(const struct admin_reply *reply, const char *entry)
{
	const struct admin_record *r = NULL;

	while ((r = admin_next(reply, r)) != NULL)
		if (strcmp(admin_value(r, "entry"), entry) == 0)
			return r;
	return NULL;
}

/* With the own credential of an entry. */
static int
command_test_send_entry(struct ctl *ctl, const struct command_test_send *work,
    const char *entry, struct steps *steps)
{
	struct admin_reply *reply;
	const struct admin_record *found;
	struct conf conf;
	struct error err;

	if (conf_load_in_use(&conf, ctl->conf_file, &err) == -1) {
		steps_say(steps, "settings", STEPS_CRITICAL, "%s", err.text);
		return EX_OK;
	}
	reply = admin_ask_for(ctl->conf_file, "identities", &err);
	found = reply == NULL ? NULL : command_test_send_find(reply, entry);
	if (reply == NULL) {
		steps_say(steps, "entry", STEPS_UNKNOWN, "%s", err.text);
	} else if (found == NULL) {
		steps_say(steps, "entry", STEPS_CRITICAL,
		    "the table of identities has no entry \"%s\"", entry);
	} else if (!command_test_send_as_client(work, &conf, entry, steps)) {
		steps_say(steps, "entry", STEPS_OK,
		    "%s, %s; this host is no client of it, so straight to "
		    "msgraphd, past Postfix: what its clients may do is not "
		    "asked",
		    entry, admin_value(found, "application"));
		by_socket(steps, &conf, admin_value(found, "application"),
		    entry, &work->letter);
	}
	admin_reply_free(&reply);
	conf_free(&conf);
	return EX_OK;
}

static int
command_test_send_do(struct ctl *ctl, const struct command *command,
    const struct command_test_send *work)
{
	struct steps *steps = steps_new(ctl->is_json);
	char entry[ENTRY_NAME_SIZE];
	int status, worst;

	if (steps == NULL)
		return EX_OSERR;
	/* a user name has a delimiter, and an entry's name has none */
	status =
	    identity_parse_entry_name(work->as, strlen(work->as), entry) == 0
	    ? command_test_send_entry(ctl, work, entry, steps)
	    : command_test_send_user(command, work, steps);
	worst = steps_end(&steps);
	return status == EX_OK ? worst : status;
}

static int
command_test_send_run(
    struct ctl *ctl, const struct command *command, int argc, char **argv)
{
	struct command_test_send work = {0};
	const char *value;
	int key, status;

	while (
	    (key = command_next(ctl, command, argc, argv, &value, &status)) > 0)
		*(key == 'a'	     ? &work.as
			: key == 'f' ? &work.from
			: key == 't' ? &work.to
			: key == 'c' ? &work.folder
				     : &work.secret_file) = value;
	if (key == -1)
		return status;
	if (work.as == NULL || work.from == NULL || work.to == NULL)
		return command_wrong(command, "needs --as, --from and --to");
	if (letter_write(&work.letter, work.from, work.to) == -1) {
		status = command_wrong(command,
		    "--from and --to take a plain address, such as "
		    "scan@example.com");
	} else {
		status = command_test_send_do(ctl, command, &work);
	}
	letter_free(&work.letter);
	return status;
}

static const struct cmdline_option command_test_send_options[] = {
    {'a', "as", "name", "the user name, or the entry, that sends"},
    {'c', "config", "folder", "of the Postfix, if not the default one"},
    {'f', "from", "address", "the mailbox that sends"},
    {CMDLINE_HELP},
    {COMMAND_JSON},
    {'s', "secret-file", "file",
	"read the secret there (\"-\": standard input), do not ask for it"},
    {'t', "to", "address", "the recipient"},
    {0, NULL, NULL, NULL},
};

const struct command command_test_send = {
    .name = "test-send",
    .help = "send one message, and follow it to its end",
    .cmdline = {"msgraphctl test-send",
	"[-j] [-c folder] [-s file] -a name -f address -t address",
	command_test_send_options, 0},
    .repeats = (const int[]){'c', 0},
    .tables = steps_tables,
    .run = command_test_send_run,
};
