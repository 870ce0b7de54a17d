/*
 * conf.h - msgraph.conf: "name = value" lines, '#' comments.
 *
 * One table holds every setting with its kind, unit, default, limits and help.
 * It feeds the parser, what -t and -n print, and the test that compares it with
 * the man page and the example file. Every program reads the whole file, and so
 * finds a mistake in any line.
 */
#ifndef MSGRAPH_CONF_H
#define MSGRAPH_CONF_H

#include <stddef.h>
#include <stdio.h>

#include "lib/base/buf.h"
#include "lib/base/error.h"
#include "lib/base/log.h"

#define CONF_DEFAULT_FILE "/etc/msgraph/msgraph.conf"
#define CONF_DEFAULT_ADMIN_SOCKET "/run/msgraph/admin"
#define CONF_DEFAULT_MAPS "/etc/msgraph/identities"

/* Rows of a command line, as those of lib/base/cmdline.h. */
#define CONF_CMDLINE_FILE \
	'c', NULL, "file", "read this instead of " CONF_DEFAULT_FILE
#define CONF_CMDLINE_CHANGED \
	'n', NULL, NULL, "check the settings, print what was changed, and exit"
#define CONF_CMDLINE_TEST \
	't', NULL, NULL, "check the settings, print and explain all, and exit"

enum conf_cloud { CLOUD_GLOBAL, CLOUD_USGOV, CLOUD_USGOV_DOD, CLOUD_CHINA };
enum conf_mailbox_from { MAILBOX_FROM_HEADER, MAILBOX_FROM_ENVELOPE };
enum conf_header_recipients { HEADER_RECIPIENTS_TRIM, HEADER_RECIPIENTS_KEEP };
enum conf_large_messages { LARGE_MESSAGES_DRAFT, LARGE_MESSAGES_REFUSE };

/*
 * Strings are owned by the struct; NULL where the setting is "none". Durations
 * are seconds, sizes are bytes.
 */
struct conf {
	int cloud; /* enum conf_cloud */
	char *login_endpoint; /* never NULL after conf_load() */
	char *graph_endpoint; /* never NULL after conf_load() */
	char *imds_endpoint; /* NULL: those of IMDS and Azure Arc */
	char *ca_file; /* NULL: the system's store */
	char *proxy; /* NULL: none; holds no user name and no password */
	char *proxy_password_file; /* NULL: none */
	int username_delimiter; /* index of conf_delimiters() */
	char *allowed_tenants; /* for conf_allows_tenant(); NULL: none named */
	char *identity_maps; /* a list of paths and type:name; NULL: no table */
	int identity_required; /* 0 or 1 */
	char *identity_lookup_suffix;
	long identity_cache_ttl;
	long identity_cache_grace;
	long auth_cache_ttl;
	long auth_outage_grace;
	char *auth_socket;
	char *bounce_socket;
	int bounce_via_graph; /* 0 or 1 */
	char *submit_socket;
	char *admin_socket;
	char *state_directory;
	long state_retention;
	char *vault_key_file;
	long connect_timeout;
	long request_timeout;
	long throttle_wait;
	long delivery_timeout;
	long mailbox_concurrency;
	long process_limit;
	long access_denied_grace;
	int verify_unknown; /* 0 or 1 */
	long sendmail_limit; /* of a finished message, before base64 */
	int large_messages; /* enum conf_large_messages */
	int header_recipients; /* enum conf_header_recipients */
	long max_recipients; /* of one message to Graph */
	int encode_8bit; /* 0 or 1 */
	int hide_client; /* 0 or 1 */
	char *milter_socket;
	int mailbox_from; /* enum conf_mailbox_from */
	long max_message_size;
	int log_level; /* enum log_level */
	int log_destination; /* enum log_destination */
	struct buf warnings; /* for conf_warn() alone */
};

/*
 * Reads the file over the defaults. 0; or -1 with err->text naming file, line
 * and remedy (class ERROR_OURS, dsn 4.3.5), and *conf empty. conf_free()
 * releases what a successful load allocated; it takes an empty struct too.
 */
int conf_load(struct conf *conf, const char *file, struct error *err);

/*
 * Reads the file as conf_load() does, for a reload. A name that is unknown,
 * such as a newer release's, is a warning (see conf_warn()), and the rest of
 * the file counts. Every other mistake is an error here too.
 */
int conf_load_running(struct conf *conf, const char *file, struct error *err);

/*
 * Writes what msgraphd has loaded from the file for conf_load_in_use(), beside
 * conf->submit_socket. 0; or -1 with *err, and no copy is left.
 */
int conf_copy_write(
    const struct conf *conf, const char *file, struct error *err);

/*
 * Reads what is right in the file, and passes over the rest. -1 with *conf
 * empty and *err where the file cannot be read, but for the default one: *conf
 * then has the defaults.
 */
int conf_load_tolerant(struct conf *conf, const char *file, struct error *err);

/*
 * Reads the settings that the msgraphd of this file has loaded, whatever has
 * become of the file since; where that msgraphd has left no copy, the file
 * itself, as conf_load() does. Of the file, only submit_socket must be right to
 * find the copy, and of the default one (CONF_DEFAULT_FILE) nothing where
 * submit_socket is not set.
 */
int conf_load_in_use(struct conf *conf, const char *file, struct error *err);

/*
 * Returns the remedy for an errno of opening the settings, to be put behind its
 * text; "" where none is known.
 */
const char *conf_open_remedy(int error);

/* Frees what a conf_load function has filled in. */
void conf_free(struct conf *conf);

/*
 * Returns the delimiters that a user name may have, as identity_parse() takes
 * them: a constant text.
 */
const char *conf_delimiters(const struct conf *conf);

/*
 * Returns 1 when allowed_tenants is "any" or names the tenant, a UUID in lower
 * case.
 */
int conf_allows_tenant(const struct conf *conf, const char *tenant);

/* Returns 1 when the setting has its default: the table may then be missing. */
int conf_has_default_maps(const struct conf *conf);

/*
 * Calls say() with each warning of the load, about a line of the file that
 * should be changed: a name that a setting had once, or, in a program that
 * runs, an unknown name. A text is one line, names file and line, and has no
 * control characters. A program logs the texts; with -t and -n they go to
 * standard error.
 */
void conf_warn(const struct conf *conf, void (*say)(const char *text));

/*
 * Writes every setting as "name = value", in the table's order, each below
 * comments that say what it is for, what it may be, and its default (-t).
 */
void conf_print(const struct conf *conf, FILE *out);

/*
 * Writes the settings that differ from their defaults as "name = value", in the
 * table's order, below a comment with program, version and file (-n), to be
 * sent along with a question. Values are shown as they are.
 */
void conf_print_changed(
    const struct conf *conf, const char *program, const char *file, FILE *out);

/*
 * Answers the keys 't' and 'n' of a command line on standard output, with the
 * warnings of the load on standard error.
 */
void conf_answer(
    const struct conf *conf, int key, const char *program, const char *file);

#endif
