/*
 * command_setup.c - "msgraphctl setup": tells a Postfix of the relay, as often
 * as one likes, and takes that back. This file reads the options;
 * command_setup_run.c carries them out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "agent/ctl/base/installed.h"
#include "lib/local/identity.h"
#include "command_setup.h"
#include "commands.h"

enum {
	SETUP_TENANT = 256, /* what there is to add, up to SETUP_PRINT */
	SETUP_SERVICE,
	SETUP_CERTIFICATE,
	SETUP_KEY,
	SETUP_BOUNCES,
	SETUP_PRINT,
	SETUP_UNDO,
	SETUP_FORCE,
	SETUP_SHARE_FOLDER
};

static const struct cmdline_option command_setup_options[] = {
    {'c', "config", "folder", "set up the Postfix of this folder"},
    {SETUP_TENANT, "tenant", "id", "let applications of the tenant sign in"},
    {SETUP_SERVICE, "service", "name[=port]",
	"serve clients by this service; more than once for more"},
    {SETUP_CERTIFICATE, "certificate", "file",
	"what clients see: a certificate and those that lead to it"},
    {SETUP_KEY, "key", "file", "the certificate's key"},
    {SETUP_BOUNCES, "bounces", NULL,
	"send bounces and delay notices of this host through Graph too"},
    {'n', "dry-run", NULL, "show what would be changed, and touch nothing"},
    {SETUP_PRINT, "print", NULL,
	"print the fragments of Postfix's files, and touch nothing"},
    {SETUP_UNDO, "undo", NULL, "take back what setup has changed"},
    {SETUP_FORCE, "force", NULL,
	"undo also where mail or a service still needs ours"},
    {SETUP_SHARE_FOLDER, "share", "folder", "read the fragments from here"},
    {COMMAND_JSON},
    {CMDLINE_HELP},
    {0, NULL, NULL, NULL},
};

/* The options as they are read. */
struct command_setup_words {
	const char *services[LISTENERS_MAX];
	size_t service_count;
	char tenants[SETUP_TENANTS_MAX][UUID_TEXT_SIZE];
	const char *tenant_list[SETUP_TENANTS_MAX];
	size_t tenant_count;
	const char *certificate, *key;
	int is_print, is_undo;
	int forth; /* an option that has no place beside --undo; 0: none */
};

/* Returns the long name of an option. */
static const char *
command_setup_option(int key)
{
	const struct cmdline_option *o = command_setup_options;

	while (o->key != 0 && o->key != key)
		o++;
	return o->name;
}

/* Stores a folder's name. 0, or -1 with *err where it can be none. */
static int
command_setup_name(
    const char *option, const char *value, char folder[4096], struct error *err)
{
	if (value[0] == '\0' || strlen(value) >= 4096)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "--%s: \"%.100s\" is no folder", option, value);
	strcpy(folder, value);
	return 0;
}

static int
command_setup_tenant(
    struct command_setup_words *words, const char *value, struct error *err)
{
	size_t i = words->tenant_count;

	if (i == SETUP_TENANTS_MAX)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "more than %d tenants are too many", SETUP_TENANTS_MAX);
	if (identity_parse_id(value, strlen(value), words->tenants[i]) == -1)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "\"%s\" is no tenant's id: a UUID, as Entra shows it",
		    value);
	words->tenant_list[i] = words->tenants[i];
	words->tenant_count++;
	return 0;
}

/* Takes one option. 0, or -1 with *err. */
static int
command_setup_take(struct setup *s, struct command_setup_words *words, int key,
    const char *value, struct error *err)
{
	if (key >= SETUP_TENANT && key <= SETUP_PRINT)
		words->forth = key;
	switch (key) {
	case 'c':
		return command_setup_name("config", value, s->folder, err);
	case SETUP_TENANT:
		return command_setup_tenant(words, value, err);
	case SETUP_SERVICE:
		if (words->service_count == LISTENERS_MAX)
			return error_set(err, ERROR_OURS, "4.3.5",
			    "more than %d services are too many",
			    LISTENERS_MAX);
		words->services[words->service_count++] = value;
		return 0;
	case SETUP_CERTIFICATE:
		words->certificate = value;
		return 0;
	case SETUP_KEY:
		words->key = value;
		return 0;
	case SETUP_SHARE_FOLDER:
		return command_setup_name("share", value, s->share, err);
	case SETUP_BOUNCES:
		s->wish.bounces = 1;
		return 0;
	case SETUP_PRINT:
		words->is_print = 1;
		return 0;
	case SETUP_UNDO:
		words->is_undo = 1;
		return 0;
	case SETUP_FORCE:
		s->is_forced = 1;
		return 0;
	default:
		s->is_dry = 1;
		return 0;
	}
}

/* Refuses what might be meant otherwise than it would be done. */
static int
command_setup_agree(const struct setup *s,
    const struct command_setup_words *words, struct error *err)
{
	if (words->is_undo && words->forth != 0)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "--undo takes back all that setup has done, and --%s does "
		    "not go with it",
		    command_setup_option(words->forth));
	if (s->is_forced && !words->is_undo)
		return error_set(
		    err, ERROR_OURS, "4.3.5", "--force goes with --undo alone");
	return 0;
}

/* --- what the options leave open --- */

/* Returns 1 for a path that means itself in main.cf and master.cf. */
static int
command_setup_is_plain(const char *path)
{
	return path[strcspn(path, ", \t\r\n{}$")] == '\0';
}

static int
command_setup_folder(struct setup *s, struct error *err)
{
	const char *const args[] = {"-h", "config_directory", NULL};
	const char *name = getenv("MAIL_CONFIG");
	char place[4096];
	struct buf out;
	int status = 0;

	buf_init(&out, sizeof(s->folder) - 1);
	if (s->folder[0] != '\0')
		name = s->folder;
	if (name == NULL) {
		status = postconf_run(NULL, args, &out, err);
		if (status == -1)
			error_prefix(err,
			    "Postfix itself must be set up first (apt install "
			    "postfix, or dpkg-reconfigure postfix)");
		name = out.bytes != NULL ? out.bytes : "";
	}
	if (status == 0) {
		snprintf(place, sizeof(place), "%.*s", (int)strcspn(name, "\n"),
		    name);
		if (realpath(place, s->folder) == NULL)
			status = error_set(err, ERROR_OURS, "4.3.5",
			    "there is no folder %s", place);
		else if (!command_setup_is_plain(s->folder))
			status = error_set(err, ERROR_OURS, "4.3.5",
			    "the name of folder \"%s\" cannot stand in "
			    "master.cf, for a blank, comma, brace or $ in it",
			    s->folder);
	}
	buf_free(&out);
	return status;
}

/* Checks a file that Postfix's list of files is to name. */
static int
command_setup_file(const char *option, const char *path, struct error *err)
{
	struct stat st;

	if (path[0] != '/' || !command_setup_is_plain(path))
		return error_set(err, ERROR_OURS, "4.3.5",
		    "--%s: \"%s\" is no path from / on without blanks, commas, "
		    "braces and $",
		    option, path);
	if (stat(path, &st) == -1 || !S_ISREG(st.st_mode))
		return error_set(
		    err, ERROR_OURS, "4.3.5", "there is no file %s", path);
	return 0;
}

static int
command_setup_certificate(
    const struct command_setup_words *words, char text[8200], struct error *err)
{
	if (words->certificate == NULL && words->key == NULL)
		return 0;
	if (words->certificate == NULL || words->key == NULL)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "--certificate and --key go together");
	if (command_setup_file("key", words->key, err) == -1 ||
	    command_setup_file("certificate", words->certificate, err) == -1)
		return -1;
	snprintf(text, 8200, "%s,%s", words->key, words->certificate);
	return 0;
}

static int
command_setup_services(
    struct setup *s, const struct command_setup_words *words, struct error *err)
{
	size_t i;

	if (s->share[0] == '\0')
		installed_path(INSTALLED_SHARE, s->share);
	if (fragments_load(&s->fragments, s->share, s->folder, err) == -1)
		return -1;
	for (i = 0; i < words->service_count; i++)
		if (listeners_name(&s->listeners, &s->fragments,
			words->services[i], err) == -1)
			return -1;
	return 0;
}

/* Carries out what has been read. */
static int
command_setup_go(struct setup *s, struct command_setup_words *words)
{
	char certificate[8200] = "";
	struct error err;
	int status = SETUP_FAILED;

	s->wish.tenants = words->tenant_list;
	s->wish.tenant_count = words->tenant_count;
	if (!words->is_print && !s->is_dry && geteuid() != 0) {
		command_say(s->command,
		    "run this as root, or with --dry-run or --print");
		return EX_NOPERM;
	}
	if (command_setup_certificate(words, certificate, &err) == -1 ||
	    command_setup_folder(s, &err) == -1 ||
	    (!words->is_undo && command_setup_services(s, words, &err) == -1)) {
		status = setup_fail(s, &err);
	} else {
		s->wish.certificate = certificate[0] ? certificate : NULL;
		status = words->is_undo ? setup_undo(s)
		    : words->is_print	? setup_print(s)
					: setup_do(s);
	}
	fragments_free(&s->fragments);
	return status;
}

static int
command_setup_run(
    struct ctl *ctl, const struct command *command, int argc, char **argv)
{
	struct setup s = {.ctl = ctl, .command = command};
	struct command_setup_words words = {.service_count = 0};
	struct error err;
	const char *value;
	int key, status;

	/* for the way back, which may begin in another folder */
	s.wish.conf_file = realpath(ctl->conf_file, s.conf_file) != NULL
	    ? s.conf_file
	    : ctl->conf_file;
	while (
	    (key = command_next(ctl, command, argc, argv, &value, &status)) > 0)
		if (command_setup_take(&s, &words, key, value, &err) == -1)
			return cmdline_fail(&command->cmdline, &err);
	if (key == -1)
		return status;
	if (command_setup_agree(&s, &words, &err) == -1)
		return cmdline_fail(&command->cmdline, &err);
	return command_setup_go(&s, &words);
}

const struct command command_setup = {
    .name = "setup",
    .help = "tell Postfix of the relay, or take that back",
    .cmdline = {"msgraphctl setup",
	"[-jn] [-c folder] [--tenant id]... [--service name[=port]]...\n"
	"    [--certificate file --key file] [--bounces]\n"
	"[-c folder] [--service name[=port]]... --print\n"
	"[-jn] [-c folder] --undo [--force]",
	command_setup_options, 0},
    .repeats =
	(const int[]){'c', SETUP_SHARE_FOLDER, SETUP_TENANT, SETUP_SERVICE, 0},
    .tables = change_tables,
    .run = command_setup_run,
};
