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
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "conf.h"
#include "identity.h"

#define LINE_MAX_BYTES 2048

enum type {
	TYPE_CHOICE, /* int: index into choices */
	TYPE_DURATION, /* long: seconds; s, m, h or d behind the number */
	TYPE_NUMBER, /* long */
	TYPE_PATH, /* char *: absolute, or empty for none */
	TYPE_SOCKET, /* char *: absolute, fits a socket address */
	TYPE_STRING, /* char *: any text, or empty for none */
	TYPE_URL /* char *: https://host[:port], or empty */
};

struct option {
	const char *name;
	enum type type;
	size_t offset;
	const char *fallback; /* the default, as a file would say it */
	long min, max; /* of durations, in seconds */
	const char *const *choices;
};

#define AT(member) offsetof(struct conf, member)
#define DAY 86400L

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

static const struct option options[] = {
    {"cloud", TYPE_CHOICE, AT(cloud), "global", 0, 0, clouds},
    {"login_endpoint", TYPE_URL, AT(login_endpoint), "", 0, 0, NULL},
    {"graph_endpoint", TYPE_URL, AT(graph_endpoint), "", 0, 0, NULL},
    {"ca_file", TYPE_PATH, AT(ca_file), "", 0, 0, NULL},
    {"proxy", TYPE_STRING, AT(proxy), "", 0, 0, NULL},
    {"username_delimiter", TYPE_CHOICE, AT(username_delimiter), "any", 0, 0,
	delimiters},
    {"auth_cache_ttl", TYPE_DURATION, AT(auth_cache_ttl), "10m", 0, DAY, NULL},
    {"auth_outage_grace", TYPE_DURATION, AT(auth_outage_grace), "1h", 0, DAY,
	NULL},
    {"auth_socket", TYPE_SOCKET, AT(auth_socket),
	"/var/spool/postfix/msgraph/auth", 0, 0, NULL},
    {"bounce_socket", TYPE_SOCKET, AT(bounce_socket),
	"/var/spool/postfix/msgraph/bounce", 0, 0, NULL},
    {"bounce_via_graph", TYPE_CHOICE, AT(bounce_via_graph), "yes", 0, 0,
	no_yes},
    {"submit_socket", TYPE_SOCKET, AT(submit_socket), "/run/msgraph/submit", 0,
	0, NULL},
    {"state_directory", TYPE_PATH, AT(state_directory), "/var/lib/msgraph", 0,
	0, NULL},
    {"state_retention", TYPE_DURATION, AT(state_retention), "7d", 3600,
	365 * DAY, NULL},
    {"vault_key_file", TYPE_PATH, AT(vault_key_file), "/etc/msgraph/vault.key",
	0, 0, NULL},
    {"connect_timeout", TYPE_DURATION, AT(connect_timeout), "10s", 1, 300,
	NULL},
    {"request_timeout", TYPE_DURATION, AT(request_timeout), "2m", 1, 3600,
	NULL},
    {"throttle_wait", TYPE_DURATION, AT(throttle_wait), "1m", 0, 3600, NULL},
    {"delivery_timeout", TYPE_DURATION, AT(delivery_timeout), "10m", 1, DAY,
	NULL},
    {"mailbox_concurrency", TYPE_NUMBER, AT(mailbox_concurrency), "4", 1, 100,
	NULL},
    {"access_denied_grace", TYPE_DURATION, AT(access_denied_grace), "2h", 0,
	30 * DAY, NULL},
    {"verify_unknown", TYPE_CHOICE, AT(verify_unknown), "no", 0, 0, no_yes},
    {"milter_socket", TYPE_STRING, AT(milter_socket),
	"unix:/var/spool/postfix/msgraph/milter", 0, 0, NULL},
    {"mailbox_from", TYPE_CHOICE, AT(mailbox_from), "header", 0, 0,
	mailbox_froms},
    {"log_level", TYPE_CHOICE, AT(log_level), "info", 0, 0, log_levels},
    {"log_destination", TYPE_CHOICE, AT(log_destination), "syslog", 0, 0,
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

/* --- values ---
 *
 * Each reader returns 0, or -1 with err->text saying what the value must be;
 * the caller puts file, line and name before it.
 */

static int
wrong(struct error *err, const char *what)
{
	return error_set(err, ERROR_OURS, "4.3.5", "%s", what);
}

static int
read_choice(
    const struct option *o, int *out, const char *value, struct error *err)
{
	char all[256] = "";
	size_t used;
	int i;

	for (i = 0; o->choices[i] != NULL; i++) {
		if (strcmp(o->choices[i], value) == 0) {
			*out = i;
			return 0;
		}
		used = strlen(all);
		snprintf(all + used, sizeof(all) - used, "%s%s",
		    i == 0 ? "" : ", ", o->choices[i]);
	}
	return error_set(
	    err, ERROR_OURS, "4.3.5", "\"%s\" is not one of: %s", value, all);
}

static long
unit_seconds(const char *unit)
{
	static const struct {
		const char *unit;
		long seconds;
	} units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", DAY}};
	size_t i;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(unit, units[i].unit) == 0)
			return units[i].seconds;
	return 0;
}

static int
read_duration(
    const struct option *o, long *out, const char *value, struct error *err)
{
	char *end;
	long number, unit;

	errno = 0;
	number = strtol(value, &end, 10);
	unit = unit_seconds(end);
	if (!isdigit((unsigned char)value[0]) || unit == 0)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "\"%s\" is not a number with s, m, h or d behind it",
		    value);
	if (errno != 0 || number > LONG_MAX / unit || number * unit < o->min ||
	    number * unit > o->max)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "\"%s\" is not between %lds and %lds", value, o->min,
		    o->max);
	*out = number * unit;
	return 0;
}

static int
read_number(
    const struct option *o, long *out, const char *value, struct error *err)
{
	char *end;
	long number;

	errno = 0;
	number = strtol(value, &end, 10);
	if (!isdigit((unsigned char)value[0]) || *end != '\0' || errno != 0 ||
	    number < o->min || number > o->max)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "\"%s\" is not a number between %ld and %ld", value, o->min,
		    o->max);
	*out = number;
	return 0;
}

/* A name or address (IPv6 in brackets), and perhaps ":port". */
static int
is_host_port(const char *s)
{
	const char *name = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			   "abcdefghijklmnopqrstuvwxyz0123456789-._";
	size_t len = strspn(s, name);

	if (*s == '[') {
		len = 1 + strspn(s + 1, "0123456789abcdefABCDEF:.");
		if (len == 1 || s[len++] != ']')
			return 0;
	}
	if (len == 0 || s[len] == '\0')
		return len > 0;
	s += len + 1;
	return s[-1] == ':' && strlen(s) <= 5 &&
	    strspn(s, "0123456789") == strlen(s) && atol(s) >= 1 &&
	    atol(s) <= 65535;
}

static int
check_url(const char *value, struct error *err)
{
	const char *host = value + strlen("https://");

	if (strncmp(value, "https://", strlen("https://")) != 0)
		return wrong(err, "the URL must start with https://");
	if (!is_host_port(host))
		return wrong(err,
		    "the URL must be https://host or https://host:port, "
		    "without a path");
	return 0;
}

static int
is_text(const struct option *o)
{
	return o->type != TYPE_CHOICE && o->type != TYPE_DURATION &&
	    o->type != TYPE_NUMBER;
}

static int
check_text(const struct option *o, const char *value, struct error *err)
{
	const struct sockaddr_un *sun = NULL;

	switch (o->type) {
	case TYPE_SOCKET:
		if (value[0] != '/')
			return wrong(err, "the path must start with /");
		if (strlen(value) >= sizeof(sun->sun_path))
			return wrong(err,
			    "the path is too long for a socket (107 bytes)");
		return 0;
	case TYPE_PATH:
		if (value[0] == '\0' && o->fallback[0] != '\0')
			return wrong(err, "a path is needed");
		if (value[0] != '\0' && value[0] != '/')
			return wrong(err, "the path must start with /");
		return 0;
	case TYPE_URL:
		return value[0] == '\0' ? 0 : check_url(value, err);
	default:
		if (value[0] == '\0' && o->fallback[0] != '\0')
			return wrong(err, "a value is needed");
		return 0;
	}
}

static int
read_text(
    const struct option *o, char **out, const char *value, struct error *err)
{
	char *copy = NULL;

	if (check_text(o, value, err) == -1)
		return -1;
	if (value[0] != '\0' && (copy = strdup(value)) == NULL)
		return error_set(
		    err, ERROR_TEMPORARY, "4.3.0", "memory is short");
	free(*out);
	*out = copy;
	return 0;
}

static int
set_option(struct conf *conf, const struct option *o, const char *value,
    struct error *err)
{
	void *member = (char *)conf + o->offset;

	switch (o->type) {
	case TYPE_CHOICE:
		return read_choice(o, member, value, err);
	case TYPE_DURATION:
		return read_duration(o, member, value, err);
	case TYPE_NUMBER:
		return read_number(o, member, value, err);
	default:
		return read_text(o, member, value, err);
	}
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
	if ((value = strchr(name, '=')) == NULL)
		return wrong(err, "not of the form \"name = value\"");
	*value++ = '\0';
	name = trim(name);
	value = trim(value);
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
		if (is_text(&options[i]))
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

static void
print_duration(long seconds, FILE *out)
{
	static const struct {
		long seconds;
		char unit;
	} units[] = {{DAY, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
	size_t i = 0;

	while (seconds == 0 ? units[i].unit != 's'
			    : seconds % units[i].seconds != 0)
		i++;
	fprintf(out, "%ld%c", seconds / units[i].seconds, units[i].unit);
}

static void
print_value(const struct option *o, const void *member, FILE *out)
{
	const char *text;

	switch (o->type) {
	case TYPE_CHOICE:
		fprintf(out, "%s", o->choices[*(const int *)member]);
		break;
	case TYPE_DURATION:
		print_duration(*(const long *)member, out);
		break;
	case TYPE_NUMBER:
		fprintf(out, "%ld", *(const long *)member);
		break;
	default:
		text = *(char *const *)member;
		fprintf(out, "%s", text == NULL ? "" : text);
		break;
	}
}

void
conf_print(const struct conf *conf, FILE *out)
{
	size_t i;

	for (i = 0; i < OPTION_COUNT; i++) {
		fprintf(out, "%s = ", options[i].name);
		print_value(
		    &options[i], (const char *)conf + options[i].offset, out);
		fprintf(out, "\n");
	}
}
