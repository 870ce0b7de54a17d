/*
 * postconf.h - the configuration of a Postfix, as its postconf(1) prints it:
 * the values of main.cf and the services of master.cf with their options.
 */
#ifndef MSGRAPHCTL_POSTCONF_H
#define MSGRAPHCTL_POSTCONF_H

#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/base/error.h"

enum postconf_values {
	POSTCONF_AS_WRITTEN, /* "$config_directory/sasl" */
	POSTCONF_EXPANDED /* "/etc/postfix/sasl" (postconf -x) */
};

struct postconf_setting {
	const char *name, *value; /* value is "" where it is empty */
};

/* Fields of a line of master.cf (master(5)). */
enum {
	POSTCONF_NAME, /* of an inet service [address:]port */
	POSTCONF_TYPE,
	POSTCONF_PRIVATE,
	POSTCONF_UNPRIVILEGED,
	POSTCONF_CHROOT,
	POSTCONF_WAKEUP,
	POSTCONF_PROCESSES,
	POSTCONF_COMMAND, /* without its arguments: "smtpd" */
	POSTCONF_FIELDS
};

struct postconf_service {
	const char *line; /* all of it in one line */
	char *id; /* "8025/inet", as postconf -P has it */
	const char *fields[POSTCONF_FIELDS];
	char *arguments; /* of the command, without -o options; or "" */
	struct postconf_setting *options; /* those of -o, as they come */
	size_t count; /* of options */
};

struct postconf {
	struct postconf_setting *settings; /* all that Postfix knows */
	size_t setting_count;
	struct postconf_service *services; /* in their order */
	size_t service_count;
	struct buf main, lines, words; /* what all pointers point into */
};

/*
 * Reads the configuration in a folder; NULL: in postconf's own (MAIL_CONFIG or
 * /etc/postfix). 0; or -1 with *err (no postconf, no such folder, a mistake
 * that Postfix does not start with) and *postconf empty.
 */
int postconf_read(struct postconf *postconf, const char *folder,
    enum postconf_values values, struct error *err);

/* Frees what was read. Takes an empty one. */
void postconf_free(struct postconf *postconf);

/* Returns the value of main.cf, or the default; NULL for an unknown name. */
const char *postconf_value(const struct postconf *postconf, const char *name);

/*
 * Returns a service by "name/type" as master.cf spells it, such as "8025/inet";
 * the last where there are several, since that is Postfix's choice; or NULL.
 */
const struct postconf_service *postconf_service(
    const struct postconf *postconf, const char *name);

/* Returns how often master.cf has the service. */
size_t postconf_times(const struct postconf *postconf, const char *name);

/*
 * Returns the value of a service's -o option, the last where there are several;
 * NULL where it has none.
 */
const char *postconf_option(
    const struct postconf_service *service, const char *name);

/* Returns what holds for the service: its option, else postconf_value(). */
const char *postconf_effective(const struct postconf *postconf,
    const struct postconf_service *service, const char *name);

/*
 * Moves to the next word of a line of master.cf, which ends at a blank that no
 * braces are around, as for Postfix's mystrtokq(). Returns its length; 0 at the
 * end.
 */
size_t postconf_next(const char **word);

/*
 * Appends the service as a line for master.cf, each option once: the last of
 * its name. Whether it fits, out says.
 */
void postconf_define(const struct postconf_service *service, struct buf *out);

/*
 * Appends the line of the service as it is, but for an option: the last of this
 * name has the value, or a new one behind the command. Whether it fits, out
 * says.
 */
void postconf_define_with(const struct postconf_service *service,
    const char *name, const char *value, struct buf *out);

/*
 * Runs "postconf -c folder" with more arguments (NULL at their end, at most
 * POSTCONF_ARGS_MAX), and appends what it prints to out, which may be NULL.
 * 0; or -1 with *err that says what postconf says.
 */
#define POSTCONF_ARGS_MAX 256
int postconf_run(const char *folder, const char *const *args, struct buf *out,
    struct error *err);

#endif
