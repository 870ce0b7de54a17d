/*
 * command_setup_run.c - carries out "msgraphctl setup".
 *
 * Nothing is changed before it was shown and written down (record.h). Where a
 * run is interrupted, the next finds what is still missing, and has Postfix
 * reload also where nothing is; --undo takes back what was made of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "agent/ctl/base/run.h"
#include "agent/ctl/doctor/place.h"
#include "agent/ctl/setup/apply.h"
#include "agent/ctl/setup/record.h"
#include "agent/ctl/setup/reload.h"
#include "agent/ctl/setup/undo.h"
#include "lib/conf/conf.h"
#include "command_setup.h"

int
setup_fail(const struct setup *s, struct error *err)
{
	if (!s->is_told)
		error_prefix(err, "nothing was changed");
	command_say(s->command, "%s", err->text);
	return SETUP_FAILED;
}

/* --- before anything is changed --- */

/* postconf would replace a link by a file. */
static int
setup_check_links(const struct setup *s, struct error *err)
{
	static const char *const names[] = {"main.cf", "master.cf"};
	char path[4200], target[4096];
	struct stat st;
	size_t i;

	for (i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", s->folder, names[i]);
		if (lstat(path, &st) == -1)
			return error_set(err, ERROR_OURS, "4.3.5",
			    "cannot find %s: %s; set Postfix itself up first "
			    "(dpkg-reconfigure postfix)",
			    path, strerror(errno));
		if (!S_ISLNK(st.st_mode))
			continue;
		if (realpath(path, target) == NULL)
			strcpy(target, "a file elsewhere");
		return error_set(err, ERROR_OURS, "4.3.5",
		    "%s is a symbolic link, which postconf would replace by a "
		    "file; put the file in its place, or name the folder where "
		    "it lies (%s): -c FOLDER",
		    path, target);
	}
	return 0;
}

/* Keeps a second setup of this folder out until this process ends. */
static int
setup_lock(const struct setup *s, struct error *err)
{
	int fd = open(s->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd != -1 && flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	return error_set(err, ERROR_TEMPORARY, "4.3.0",
	    fd != -1 && errno == EWOULDBLOCK
		? "another msgraphctl setup is at work in %s"
		: "cannot lock %s",
	    s->folder);
}

static int
setup_prepare(struct setup *s, struct present *present, struct error *err)
{
	if (setup_check_links(s, err) == -1 ||
	    (!s->is_dry && setup_lock(s, err) == -1))
		return -1;
	return present_read(present, s->folder, err);
}

static int
setup_plan(struct setup *s, const struct present *present,
    struct changes *changes, struct error *err)
{
	struct postconf wanted;
	struct buf text;
	int status = -1;

	if (listeners_find(
		&s->listeners, &s->fragments, &present->postconf, err) == -1 ||
	    listeners_check(&s->listeners, &present->postconf, err) == -1)
		return -1;
	buf_init(&text, 1024 * 1024);
	if (fragments_master(&s->fragments, s->listeners.list,
		s->listeners.count, s->wish.certificate, &text, err) == 0 &&
	    fragments_parse(text.bytes, &wanted, err) == 0) {
		status = plan_make(
		    &s->fragments, &s->wish, &wanted, present, changes, err);
		postconf_free(&wanted);
	}
	buf_free(&text);
	return status;
}

/* --- afterwards --- */

/* Shows what has been said, a line each. */
static void
setup_say(const struct setup *s, char *said)
{
	char *line, *rest = NULL;

	for (line = said != NULL ? strtok_r(said, "\n", &rest) : NULL;
	     line != NULL; line = strtok_r(NULL, "\n", &rest))
		command_say(s->command, "%s", line);
}

/* smtpd and cleanup look for msgraphd's sockets in their own queue's folder. */
static void
setup_check_sockets(const struct setup *s, const struct present *present)
{
	const struct postconf *p = &present->postconf;
	struct conf conf;
	struct error err;
	const char *tail;

	if (conf_load(&conf, s->wish.conf_file, &err) == -1)
		return;
	tail = place_in_queue(p, conf.auth_socket);
	if (tail == NULL || strncmp(tail, "msgraph/", 8) != 0)
		command_say(s->command,
		    "this Postfix looks for sockets in %s/msgraph, and "
		    "msgraphd has them at %s: see auth_socket in "
		    "msgraph.conf(5)",
		    postfix_queue(p), conf.auth_socket);
	conf_free(&conf);
}

/* Whether msgraph.conf is changed, or Postfix is. */
static int
setup_changes(const struct changes *changes, int is_conf)
{
	const struct change *c = changes->list;
	size_t i;

	for (i = 0; i < changes->count; i++)
		if (!c[i].is_kept && (c[i].kind == CHANGE_TENANTS) == is_conf)
			return 1;
	return 0;
}

static int
setup_reload_postfix(
    const struct setup *s, const struct present *present, struct error *err)
{
	struct buf said;
	int status;

	buf_init(&said, RUN_OUTPUT_MAX);
	status = reload_postfix(s->folder, &present->postconf, &said, err);
	setup_say(s, said.bytes);
	buf_free(&said);
	if (status == 0)
		command_say(s->command,
		    "this Postfix is not running: postfix -c %s start",
		    s->folder);
	return status == -1 ? -1 : 0;
}

/*
 * Has Postfix and msgraphd read what was changed, or may have been by a run
 * that was interrupted (all). 0, or -1 with *err.
 */
static int
setup_reload(const struct setup *s, const struct present *present,
    const struct changes *changes, int all, struct error *err)
{
	if ((all || setup_changes(changes, 0)) &&
	    setup_reload_postfix(s, present, err) == -1)
		return -1;
	if ((all || setup_changes(changes, 1)) && !reload_msgraphd() &&
	    setup_changes(changes, 1))
		command_say(s->command,
		    "msgraphd is not running, or not under systemd: it reads "
		    "%s when it starts (systemctl enable --now msgraphd "
		    "msgraph-milter)",
		    s->wish.conf_file);
	return 0;
}

/*
 * Shows what doctor thinks, where this is for a person. Its status is its own.
 */
static void
setup_doctor(const struct setup *s)
{
	char name[] = "doctor", *argv[] = {name, NULL};
	const struct command *doctor = command_find(s->ctl, name);
	struct ctl ctl = *s->ctl;

	if (doctor == NULL || s->ctl->is_json)
		return;
	setenv("MAIL_CONFIG", s->folder, 1); /* for its postconf */
	putchar('\n');
	fflush(stdout);
	optind = 1;
	doctor->run(&ctl, doctor, 1, argv);
}

/* --- the way forth --- */

/* Makes the changes, with the record before and after. 0, or -1 with *err. */
static int
setup_carry_out(struct setup *s, struct record *record,
    const struct present *present, const struct changes *changes,
    struct error *err)
{
	int was_pending = record->is_pending;

	if (record_add(record, changes) == -1)
		return error_no_memory(err);
	record->is_pending = 1;
	if (record_write(s->folder, record, err) == -1)
		return -1;
	s->is_told = 1;
	if (apply_changes(s->folder, changes, APPLY_FORTH, err) == -1 ||
	    setup_reload(s, present, changes, was_pending, err) == -1)
		return error_prefix(
		    err, "not all was done (run this again, or --undo)");
	record->is_pending = 0;
	if (record_write(s->folder, record, err) == -1)
		return error_prefix(
		    err, "all was done but this (run it again)");
	return 0;
}

/* Shows the changes, and makes them. The exit status, or -1 with *err. */
static int
setup_make(struct setup *s, const struct present *present,
    const struct changes *changes, struct error *err)
{
	struct record record = {.is_pending = 0};
	int status = EX_OK;

	if (!s->is_dry && record_read(s->folder, &record, err) == -1)
		return -1;
	if (changes_print(changes, s->folder, s->ctl->is_json) == -1) {
		status = EX_IOERR;
	} else if (changes_effective(changes) == 0 && !record.is_pending) {
		status = SETUP_UNCHANGED;
		command_say(s->command, "nothing had to be changed");
	} else if (!s->is_dry) {
		status = setup_carry_out(s, &record, present, changes, err);
		if (status == 0) {
			setup_check_sockets(s, present);
			setup_doctor(s);
		}
	}
	record_free(&record);
	return status;
}

int
setup_do(struct setup *s)
{
	struct changes changes = {.list = NULL};
	struct present present;
	struct error err;
	int status = -1;

	if (setup_prepare(s, &present, &err) == -1)
		return setup_fail(s, &err);
	if (setup_plan(s, &present, &changes, &err) == 0)
		status = setup_make(s, &present, &changes, &err);
	changes_free(&changes);
	present_free(&present);
	return status == -1 ? setup_fail(s, &err) : status;
}

/* --- the way back --- */

/* Takes it back. The exit status, or -1 with *err. */
static int
setup_take_back(struct setup *s, const struct present *present,
    const struct changes *changes, struct error *err)
{
	s->is_told = 1;
	if (!s->is_forced && undo_check(present, changes, err) == -1)
		return error_prefix(
		    err, "nothing was changed (--force does it all the same)");
	if (apply_changes(s->folder, changes, APPLY_BACK, err) == -1 ||
	    setup_reload(s, present, changes, 1, err) == -1 ||
	    record_remove(s->folder, err) == -1)
		return error_prefix(err, "not all was done (run this again)");
	return EX_OK;
}

int
setup_undo(struct setup *s)
{
	struct changes changes = {.list = NULL};
	struct record record;
	struct present present;
	struct error err;
	int status = -1;

	if (setup_prepare(s, &present, &err) == -1)
		return setup_fail(s, &err);
	if (record_read(s->folder, &record, &err) == -1) {
		present_free(&present);
		return setup_fail(s, &err);
	}
	if (record.changes.count == 0) {
		command_say(s->command,
		    "nothing to undo: there is no %s/" RECORD_NAME, s->folder);
		status = SETUP_UNCHANGED;
	} else if (undo_plan(&record, &present, &changes, &err) == 0) {
		if (changes_print(&changes, s->folder, s->ctl->is_json) == -1)
			status = EX_IOERR;
		else
			status = s->is_dry
			    ? EX_OK
			    : setup_take_back(s, &present, &changes, &err);
	}
	changes_free(&changes);
	record_free(&record);
	present_free(&present);
	return status == -1 ? setup_fail(s, &err) : status;
}

/* --- the fragments alone --- */

static void
setup_print_file(const struct setup *s, const char *name, const char *text)
{
	printf("# ----- %s/%s -----\n\n%s\n", s->folder, name, text);
}

int
setup_print(struct setup *s)
{
	struct error err;
	struct buf text;
	int status;

	if (s->listeners.count == 0 &&
	    listeners_name(
		&s->listeners, &s->fragments, FRAGMENTS_FIRST, &err) == -1)
		return setup_fail(s, &err);
	buf_init(&text, 1024 * 1024);
	status = fragments_master(&s->fragments, s->listeners.list,
	    s->listeners.count, s->wish.certificate, &text, &err);
	if (status == 0) {
		setup_print_file(s, "master.cf", text.bytes);
		setup_print_file(s, "main.cf", s->fragments.main.bytes);
		setup_print_file(
		    s, "sasl/msgraph.conf", s->fragments.sasl.bytes);
		setup_print_file(s, "msgraph_route", s->fragments.route.bytes);
	}
	buf_free(&text);
	if (status == -1)
		return setup_fail(s, &err);
	return EX_OK;
}
