/*
 * conf_value.c - see conf_value.h.
 *
 * Each reader returns 0, or -1 with err->text saying what the value must be;
 * the caller puts file, line and name before it.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#include "conf_list.h"
#include "conf_value.h"

/* A unit that may stand behind a number. */
struct unit {
	const char *name;
	long factor;
};

/* Largest first, as they are tried for printing. */
static const struct unit seconds[] = {
    {"d", CONF_DAY}, {"h", 3600}, {"m", 60}, {"s", 1}, {NULL, 0}};
static const struct unit bytes[] = {
    {"m", 1024L * 1024}, {"k", 1024}, {"", 1}, {NULL, 0}};

static int
conf_value_wrong(struct error *err, const char *what)
{
	return error_set(err, ERROR_OURS, "4.3.5", "%s", what);
}

static int
conf_value_read_choice(
    const struct conf_option *o, int *out, const char *value, struct error *err)
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

/* The factor of what stands behind the number; 0 when it is no unit. */
static long
conf_value_unit_factor(const struct unit *units, const char *name)
{
	size_t i;

	/* seconds need not be named */
	if (name[0] == '\0')
		return 1;
	for (i = 0; units[i].name != NULL; i++)
		if (strcmp(units[i].name, name) == 0)
			return units[i].factor;
	return 0;
}

static int
conf_value_out_of_range(
    const struct conf_option *o, const char *value, struct error *err)
{
	const char *unit = o->type == CONF_DURATION ? "s" : "";

	return error_set(err, ERROR_OURS, "4.3.5",
	    "\"%s\" is not between %ld%s and %ld%s", value, o->min, unit,
	    o->max, unit);
}

static int
conf_value_read_scaled(const struct conf_option *o, const struct unit *units,
    long *out, const char *value, struct error *err)
{
	char *end;
	long number, unit;

	errno = 0;
	number = strtol(value, &end, 10);
	unit = conf_value_unit_factor(units, end);
	if (!isdigit((unsigned char)value[0]) || unit == 0)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "\"%s\" is not a number with %s behind it", value,
		    units == seconds ? "s, m, h or d" : "k or m");
	if (errno != 0 || number > LONG_MAX / unit || number * unit < o->min ||
	    number * unit > o->max)
		return conf_value_out_of_range(o, value, err);
	*out = number * unit;
	return 0;
}

static int
conf_value_read_number(const struct conf_option *o, long *out,
    const char *value, struct error *err)
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
conf_value_is_host_port(const char *s)
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
conf_value_check_url(const char *value, struct error *err)
{
	const char *host = value + strlen("https://");

	if (strncmp(value, "https://", strlen("https://")) != 0)
		return conf_value_wrong(
		    err, "the URL must start with https://");
	if (!conf_value_is_host_port(host))
		return conf_value_wrong(err,
		    "the URL must be https://host or https://host:port, "
		    "without a path");
	return 0;
}

/* What is sent there has no TLS, so it must not leave the host. */
static int
conf_value_check_loopback(const char *value, struct error *err)
{
	if ((strncmp(value, "http://127.0.0.1:", 17) == 0 ||
		strncmp(value, "http://[::1]:", 13) == 0) &&
	    conf_value_is_host_port(value + strlen("http://")))
		return 0;
	return conf_value_wrong(err,
	    "the URL must be http://127.0.0.1:port or http://[::1]:port, "
	    "without a path");
}

/*
 * What has a user name and a password in it need not parse: so nothing that
 * does not match is accepted, and no part of it is shown.
 */
static int
conf_value_check_proxy(const char *value, struct error *err)
{
	static const char *const schemes[] = {"http://", "https://",
	    "socks4://", "socks4a://", "socks5://", "socks5h://"};
	char host[512];
	size_t i, len;

	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		len = strlen(schemes[i]);
		if (strncasecmp(value, schemes[i], len) == 0) {
			value += len;
			break;
		}
	}
	/* a final slash was always taken */
	len = strlen(value);
	if (len > 0 && value[len - 1] == '/')
		len--;
	snprintf(host, sizeof(host), "%.*s", (int)len, value);
	if (len >= sizeof(host) || !conf_value_is_host_port(host))
		return conf_value_wrong(err,
		    "the proxy must be host:port, with http://, https://, "
		    "socks4://, socks4a://, socks5:// or socks5h:// before it "
		    "where that is needed; user name and password belong into "
		    "proxy_password_file");
	return 0;
}

static int
conf_value_check_socket(const char *path, struct error *err)
{
	const struct sockaddr_un *sun = NULL;

	if (path[0] != '/')
		return conf_value_wrong(err, "the path must start with /");
	if (strlen(path) >= sizeof(sun->sun_path))
		return conf_value_wrong(
		    err, "the path is too long for a socket (107 bytes)");
	return 0;
}

static int
conf_value_check_inet(const char *port, struct error *err)
{
	char *end;
	long number;

	number = strtol(port, &end, 10);
	if (end == port || number < 1 || number > 65535 ||
	    (*end != '@' && *end != '\0'))
		return conf_value_wrong(err, "the form is inet:port@host");
	return 0;
}

/* Said here, since libmilter says what is wrong to syslog alone. */
static int
conf_value_check_milter(const char *value, struct error *err)
{
	static const struct {
		const char *prefix;
		int (*check)(const char *rest, struct error *err);
	} forms[] = {
	    {"unix:", conf_value_check_socket},
	    {"local:", conf_value_check_socket},
	    {"inet:", conf_value_check_inet},
	    {"inet6:", conf_value_check_inet},
	};
	size_t i, len;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		len = strlen(forms[i].prefix);
		if (strncmp(value, forms[i].prefix, len) == 0)
			return forms[i].check(value + len, err);
	}
	if (value[0] == '/')
		return conf_value_check_socket(value, err);
	return conf_value_wrong(
	    err, "it must be unix:/path, inet:port@host or inet6:port@host");
}

static int
conf_value_check_text(
    const struct conf_option *o, const char *value, struct error *err)
{
	switch (o->type) {
	case CONF_MAPS:
		return conf_list_check_maps(value, err);
	case CONF_TENANTS:
		return conf_list_check_tenants(value, err);
	case CONF_WORD:
		return conf_list_check_word(value, err);
	case CONF_MILTER:
		return conf_value_check_milter(value, err);
	case CONF_LOOPBACK:
		return value[0] == '\0' ? 0
					: conf_value_check_loopback(value, err);
	case CONF_SOCKET:
		return conf_value_check_socket(value, err);
	case CONF_PATH:
		if (value[0] == '\0' && o->fallback[0] != '\0')
			return conf_value_wrong(err, "a path is needed");
		if (value[0] != '\0' && value[0] != '/')
			return conf_value_wrong(
			    err, "the path must start with /");
		return 0;
	case CONF_PROXY:
		return value[0] == '\0' ? 0
					: conf_value_check_proxy(value, err);
	default:
		return value[0] == '\0' ? 0 : conf_value_check_url(value, err);
	}
}

static int
conf_value_read_text(const struct conf_option *o, char **out, const char *value,
    struct error *err)
{
	char *copy = NULL;

	if (conf_value_check_text(o, value, err) == -1)
		return -1;
	if (value[0] != '\0' && (copy = strdup(value)) == NULL)
		return error_no_memory(err);
	free(*out);
	*out = copy;
	return 0;
}

int
conf_value_read(const struct conf_option *o, void *member, const char *value,
    struct error *err)
{
	switch (o->type) {
	case CONF_CHOICE:
		return conf_value_read_choice(o, member, value, err);
	case CONF_DURATION:
		return conf_value_read_scaled(o, seconds, member, value, err);
	case CONF_SIZE:
		return conf_value_read_scaled(o, bytes, member, value, err);
	case CONF_NUMBER:
		return conf_value_read_number(o, member, value, err);
	default:
		return conf_value_read_text(o, member, value, err);
	}
}

/* --- output --- */

static void
conf_value_print_scaled(const struct unit *units, long number, FILE *out)
{
	while (
	    units->factor > 1 && (number == 0 || number % units->factor != 0))
		units++;
	fprintf(out, "%ld%s", number / units->factor, units->name);
}

void
conf_value_print(const struct conf_option *o, const void *member, FILE *out)
{
	const char *text;

	switch (o->type) {
	case CONF_CHOICE:
		fprintf(out, "%s", o->choices[*(const int *)member]);
		break;
	case CONF_DURATION:
		conf_value_print_scaled(seconds, *(const long *)member, out);
		break;
	case CONF_SIZE:
		conf_value_print_scaled(bytes, *(const long *)member, out);
		break;
	case CONF_NUMBER:
		fprintf(out, "%ld", *(const long *)member);
		break;
	default:
		text = *(char *const *)member;
		fprintf(out, "%s", text == NULL ? "" : text);
		break;
	}
}

static void
conf_value_describe_choices(const struct conf_option *o, FILE *out)
{
	size_t i;

	for (i = 0; o->choices[i] != NULL; i++)
		fprintf(out, "%s%s", i == 0 ? "one of " : ", ", o->choices[i]);
}

static void
conf_value_describe_range(const struct conf_option *o, const char *kind,
    const struct unit *units, FILE *out)
{
	fprintf(out, "%s, ", kind);
	conf_value_print_scaled(units, o->min, out);
	fprintf(out, " to ");
	conf_value_print_scaled(units, o->max, out);
}

void
conf_value_describe(const struct conf_option *o, FILE *out)
{
	static const char *const texts[] = {
	    [CONF_LOOPBACK] = "http://127.0.0.1:port or http://[::1]:port",
	    [CONF_MAPS] = "list of paths, and of type:name",
	    [CONF_MILTER] = "socket in libmilter's syntax",
	    [CONF_PATH] = "path",
	    [CONF_PROXY] = "[scheme://]host[:port]",
	    [CONF_SOCKET] = "path of a socket",
	    [CONF_TENANTS] = "list of tenant ids, or any",
	    [CONF_URL] = "url",
	    [CONF_WORD] = "word of a to z, 0 to 9, _ and -",
	};

	switch (o->type) {
	case CONF_CHOICE:
		conf_value_describe_choices(o, out);
		break;
	case CONF_DURATION:
		conf_value_describe_range(o, "duration", seconds, out);
		break;
	case CONF_SIZE:
		conf_value_describe_range(o, "size in bytes", bytes, out);
		break;
	case CONF_NUMBER:
		fprintf(
		    out, "number of %s, %ld to %ld", o->unit, o->min, o->max);
		break;
	default:
		fprintf(out, "%s", texts[o->type]);
		break;
	}
}

int
conf_value_is(const struct conf_option *o, const void *member, const char *text)
{
	const char *string;
	int choice = -1;
	long number = -1;

	switch (o->type) {
	case CONF_CHOICE:
		return conf_value_read_choice(o, &choice, text, NULL) == 0 &&
		    choice == *(const int *)member;
	case CONF_DURATION:
	case CONF_SIZE:
	case CONF_NUMBER:
		return conf_value_read(o, &number, text, NULL) == 0 &&
		    number == *(const long *)member;
	default:
		string = *(char *const *)member;
		return strcmp(string == NULL ? "" : string, text) == 0;
	}
}

int
conf_value_is_text(const struct conf_option *o)
{
	return o->type != CONF_CHOICE && o->type != CONF_DURATION &&
	    o->type != CONF_NUMBER && o->type != CONF_SIZE;
}
