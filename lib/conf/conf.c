/*
 * conf.c - reads msgraph.conf; see conf.h.
 *
 * A setting is a row of the table below and a member of struct conf, nothing
 * else: parser, defaults, checks and -t's output follow from the row. A value
 * is turned into its run-time form when it is read: durations into seconds,
 * choices into their index.
 */
#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "lib/local/identity.h"
#include "conf.h"
#include "conf_value.h"

#define LINE_MAX_BYTES 2048

#define AT(member) offsetof(struct conf, member)
#define DAY CONF_DAY
#define MEGABYTE (1024L * 1024)

static const char *const clouds[] = {
    [CLOUD_GLOBAL] = "global",
    [CLOUD_USGOV] = "usgov",
    [CLOUD_USGOV_DOD] = "usgov-dod",
    [CLOUD_CHINA] = "china",
    NULL,
};
static const char *const delimiters[] = {"any", "@", ":", "|", NULL};
static const char *const no_yes[] = {"no", "yes", NULL};
static const char *const mailbox_froms[] = {
    [MAILBOX_FROM_HEADER] = "header",
    [MAILBOX_FROM_ENVELOPE] = "envelope",
    NULL,
};
static const char *const large_messages[] = {
    [LARGE_MESSAGES_DRAFT] = "draft",
    [LARGE_MESSAGES_REFUSE] = "refuse",
    NULL,
};
static const char *const header_recipients[] = {
    [HEADER_RECIPIENTS_TRIM] = "trim",
    [HEADER_RECIPIENTS_KEEP] = "keep",
    NULL,
};
static const char *const log_levels[] = {
    [LOG_LEVEL_DEBUG] = "debug",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_WARNING] = "warning",
    [LOG_LEVEL_ERROR] = "error",
    NULL,
};
static const char *const log_destinations[] = {
    [LOG_TO_SYSLOG] = "syslog",
    [LOG_TO_STDERR] = "stderr",
    NULL,
};

static const struct conf_option options[] = {
    {"cloud", CONF_CHOICE, AT(cloud), "global", 0, 0, clouds},
    {"login_endpoint", CONF_URL, AT(login_endpoint), "", 0, 0, NULL},
    {"graph_endpoint", CONF_URL, AT(graph_endpoint), "", 0, 0, NULL},
    {"ca_file", CONF_PATH, AT(ca_file), "", 0, 0, NULL},
    {"proxy", CONF_PROXY, AT(proxy), "", 0, 0, NULL},
    {"proxy_password_file", CONF_PATH, AT(proxy_password_file), "", 0, 0, NULL},
    {"username_delimiter", CONF_CHOICE, AT(username_delimiter), "any", 0, 0,
	delimiters},
    {"auth_cache_ttl", CONF_DURATION, AT(auth_cache_ttl), "10m", 0, DAY, NULL},
    {"auth_outage_grace", CONF_DURATION, AT(auth_outage_grace), "12h", 0, DAY,
	NULL},
    {"auth_socket", CONF_SOCKET, AT(auth_socket),
	"/var/spool/postfix/msgraph/auth", 0, 0, NULL},
    {"bounce_socket", CONF_SOCKET, AT(bounce_socket),
	"/var/spool/postfix/msgraph/bounce", 0, 0, NULL},
    {"bounce_via_graph", CONF_CHOICE, AT(bounce_via_graph), "yes", 0, 0,
	no_yes},
    {"submit_socket", CONF_SOCKET, AT(submit_socket), "/run/msgraph/submit", 0,
	0, NULL},
    {"state_directory", CONF_PATH, AT(state_directory), "/var/lib/msgraph", 0,
	0, NULL},
    {"state_retention", CONF_DURATION, AT(state_retention), "7d", 3600,
	365 * DAY, NULL},
    {"vault_key_file", CONF_PATH, AT(vault_key_file), "/etc/msgraph/vault.key",
	0, 0, NULL},
    {"connect_timeout", CONF_DURATION, AT(connect_timeout), "10s", 1, 300,
	NULL},
    {"request_timeout", CONF_DURATION, AT(request_timeout), "2m", 1, 3600,
	NULL},
    {"throttle_wait", CONF_DURATION, AT(throttle_wait), "1m", 0, 3600, NULL},
    {"delivery_timeout", CONF_DURATION, AT(delivery_timeout), "10m", 1, DAY,
	NULL},
    {"mailbox_concurrency", CONF_NUMBER, AT(mailbox_concurrency), "4", 1, 100,
	NULL},
    {"access_denied_grace", CONF_DURATION, AT(access_denied_grace), "1d", 0,
	30 * DAY, NULL},
    {"verify_unknown", CONF_CHOICE, AT(verify_unknown), "no", 0, 0, no_yes},
    {"sendmail_limit", CONF_SIZE, AT(sendmail_limit), "3000000", 64 * 1024,
	150 * MEGABYTE, NULL},
    {"large_messages", CONF_CHOICE, AT(large_messages), "draft", 0, 0,
	large_messages},
    {"header_recipients", CONF_CHOICE, AT(header_recipients), "trim", 0, 0,
	header_recipients},
    {"max_recipients", CONF_NUMBER, AT(max_recipients), "500", 1, 1000, NULL},
    {"encode_8bit", CONF_CHOICE, AT(encode_8bit), "yes", 0, 0, no_yes},
    {"hide_client", CONF_CHOICE, AT(hide_client), "no", 0, 0, no_yes},
    {"milter_socket", CONF_MILTER, AT(milter_socket),
	"unix:/var/spool/postfix/msgraph/milter", 0, 0, NULL},
    {"mailbox_from", CONF_CHOICE, AT(mailbox_from), "header", 0, 0,
	mailbox_froms},
    {"max_message_size", CONF_SIZE, AT(max_message_size), "35m", 64 * 1024,
	150 * MEGABYTE, NULL},
    {"log_level", CONF_CHOICE, AT(log_level), "info", 0, 0, log_levels},
    {"log_destination", CONF_CHOICE, AT(log_destination), "syslog", 0, 0,
	log_destinations},
};

#define OPTION_COUNT (sizeof(options) / sizeof(options[0]))

static const struct {
	const char *login, *graph;
} endpoints[] = {
    /* Microsoft: "National cloud deployments", Graph documentation */
    [CLOUD_GLOBAL] = {"https://login.microsoftonline.com",
	"https://graph.microsoft.com"},
    [CLOUD_USGOV] = {"https://login.microsoftonline.us",
	"https://graph.microsoft.us"},
    [CLOUD_USGOV_DOD] = {"https://login.microsoftonline.us",
	"https://dod-graph.microsoft.us"},
    [CLOUD_CHINA] = {"https://login.chinacloudapi.cn",
	"https://microsoftgraph.chinacloudapi.cn"},
};

static int
wrong(struct error *err, const char *what)
{
	return error_set(err, ERROR_OURS, "4.3.5", "%s", what);
}

static int
set_option(struct conf *conf, const struct conf_option *o, const char *value,
    struct error *err)
{
	return conf_value_read(o, (char *)conf + o->offset, value, err);
}

/* --- file --- */

static char *
trim(char *s)
{
	size_t len;

	while (isspace((unsigned char)*s))
		s++;
	len = strlen(s);
	while (len > 0 && isspace((unsigned char)s[len - 1]))
		s[--len] = '\0';
	return s;
}

static size_t
find_option(const char *name)
{
	size_t i;

	for (i = 0; i < OPTION_COUNT; i++)
		if (strcmp(options[i].name, name) == 0)
			break;
	return i;
}

/*
 * What does not look like a name is not shown: a line that lacks its '=' may
 * have one in a password.
 */
static int
is_name(const char *s)
{
	for (; *s != '\0'; s++)
		if (!isalnum((unsigned char)*s) && *s != '_' && *s != '-')
			return 0;
	return 1;
}

/* seen[] holds the line on which each option stood, 0 for not yet. */
static int
read_line(
    struct conf *conf, char *line, int number, int seen[], struct error *err)
{
	char *name, *value;
	size_t i;

	name = trim(line);
	if (*name == '\0' || *name == '#')
		return 0;
	if ((value = strchr(name, '=')) != NULL) {
		*value++ = '\0';
		name = trim(name);
		value = trim(value);
	}
	if (value == NULL || !is_name(name))
		return wrong(err, "not of the form \"name = value\"");
	if ((i = find_option(name)) == OPTION_COUNT)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "unknown setting \"%s\"; see msgraph.conf(5)", name);
	if (seen[i] != 0)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "\"%s\" was set on line %d already; keep one of the two",
		    name, seen[i]);
	seen[i] = number;
	if (set_option(conf, &options[i], value, err) == -1)
		return error_prefix(err, "%s", name);
	return 0;
}

/*
 * fgets(3) does not tell of a NUL, and what stands behind one would be dropped
 * unseen. Its own terminator is the last NUL in the buffer.
 */
static int
check_line(const char line[LINE_MAX_BYTES], struct error *err)
{
	const char *end = memrchr(line, '\0', LINE_MAX_BYTES);

	if (strlen(line) != (size_t)(end - line))
		return wrong(err, "the line holds a NUL");
	if (end - line == LINE_MAX_BYTES - 1)
		return wrong(err, "the line is too long");
	return 0;
}

static int
read_lines(struct conf *conf, FILE *in, const char *file, struct error *err)
{
	int seen[OPTION_COUNT] = {0};
	char line[LINE_MAX_BYTES];
	int number = 0;

	for (;;) {
		memset(line, '\n', sizeof(line)); /* for check_line() */
		if (fgets(line, sizeof(line), in) == NULL)
			break;
		number++;
		if (check_line(line, err) == -1 ||
		    read_line(conf, line, number, seen, err) == -1)
			return error_prefix(err, "%s:%d", file, number);
	}
	if (ferror(in))
		return error_set(err, ERROR_OURS, "4.3.5", "read %s: %s", file,
		    strerror(errno));
	return 0;
}

static int
set_defaults(struct conf *conf, struct error *err)
{
	size_t i;

	for (i = 0; i < OPTION_COUNT; i++)
		if (set_option(conf, &options[i], options[i].fallback, err) ==
		    -1)
			return error_prefix(
			    err, "default of %s", options[i].name);
	return 0;
}

static int
default_endpoint(char **endpoint, const char *fallback, struct error *err)
{
	if (*endpoint != NULL)
		return 0;
	if ((*endpoint = strdup(fallback)) == NULL)
		return error_set(
		    err, ERROR_TEMPORARY, "4.3.0", "memory is short");
	return 0;
}

static int
load(struct conf *conf, FILE *in, const char *file, struct error *err)
{
	if (set_defaults(conf, err) == -1 ||
	    read_lines(conf, in, file, err) == -1)
		return -1;
	if (default_endpoint(
		&conf->login_endpoint, endpoints[conf->cloud].login, err) == -1)
		return -1;
	return default_endpoint(
	    &conf->graph_endpoint, endpoints[conf->cloud].graph, err);
}

int
conf_load(struct conf *conf, const char *file, struct error *err)
{
	FILE *in;
	int result;

	memset(conf, 0, sizeof(*conf));
	if ((in = fopen(file, "re")) == NULL)
		return error_set(err, ERROR_OURS, "4.3.5", "open %s: %s", file,
		    strerror(errno));
	result = load(conf, in, file, err);
	fclose(in);
	if (result == -1)
		conf_free(conf);
	return result;
}

void
conf_free(struct conf *conf)
{
	size_t i;

	for (i = 0; i < OPTION_COUNT; i++)
		if (conf_value_is_text(&options[i]))
			free(*(char **)((char *)conf + options[i].offset));
	memset(conf, 0, sizeof(*conf));
}

const char *
conf_delimiters(const struct conf *conf)
{
	if (conf->username_delimiter == 0)
		return IDENTITY_DELIMITERS_ANY;
	return delimiters[conf->username_delimiter];
}

/* --- output --- */

void
conf_print(const struct conf *conf, FILE *out)
{
	size_t i;

	for (i = 0; i < OPTION_COUNT; i++) {
		fprintf(out, "%s = ", options[i].name);
		conf_value_print(
		    &options[i], (const char *)conf + options[i].offset, out);
		fprintf(out, "\n");
	}
}
