/*
 * conf.c - reads msgraph.conf; see conf.h.
 *
 * A setting is a row of the table below and a member of struct conf, nothing
 * else. Parser, defaults, checks, -t and -n follow from the row, and a test
 * compares it with man page and example. A value is turned into its run-time
 * form when it is read: durations into seconds, choices into their index.
 */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/near.h"
#include "lib/local/identity.h"
#include "conf.h"
#include "conf_private.h"

#define WARNINGS_MAX (8 * 1024) /* bytes in all; what is more is dropped */

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
    {"cloud", CONF_CHOICE, AT(cloud), "global", 0, 0, clouds,
	.help = "The Microsoft cloud that the tenants live in."},
    {"login_endpoint", CONF_URL, AT(login_endpoint), "", 0, 0, NULL,
	.help = "The place of Entra, for tests only. Empty: by cloud."},
    {"graph_endpoint", CONF_URL, AT(graph_endpoint), "", 0, 0, NULL,
	.help = "The place of Graph, for tests only. Empty: by cloud."},
    {"ca_file", CONF_PATH, AT(ca_file), "", 0, 0, NULL,
	.help =
	    "The authorities to trust, in PEM form, instead of the system's."},
    {"proxy", CONF_PROXY, AT(proxy), "", 0, 0, NULL,
	.help = "The proxy for both endpoints. Empty: none."},
    {"proxy_password_file", CONF_PATH, AT(proxy_password_file), "", 0, 0, NULL,
	.help = "A file with the line user:password for the proxy, mode 0400."},
    {"username_delimiter", CONF_CHOICE, AT(username_delimiter), "any", 0, 0,
	delimiters,
	.help = "The character between tenant and client in a user name."},
    {"allowed_tenants", CONF_TENANTS, AT(allowed_tenants), "", 0, 0, NULL,
	.help = "The tenants whose applications may sign in, or any."},
    {"identity_maps", CONF_FILES, AT(identity_maps), CONF_DEFAULT_MAPS, 0, 0,
	NULL, .help = "The files of the table of identities."},
    {"identity_lookup_suffix", CONF_WORD, AT(identity_lookup_suffix), "lookup",
	0, 0, NULL,
	.help = "With name@ before it, the user name of an entry of the "
		"table."},
    {"auth_cache_ttl", CONF_DURATION, AT(auth_cache_ttl), "10m", 0, DAY, NULL,
	.help = "How long an accepted secret is accepted without asking Entra "
		"again."},
    {"auth_outage_grace", CONF_DURATION, AT(auth_outage_grace), "12h", 0, DAY,
	NULL,
	.help = "How long an accepted secret still signs in while Entra cannot "
		"be asked."},
    {"auth_socket", CONF_SOCKET, AT(auth_socket),
	"/var/spool/postfix/msgraph/auth", 0, 0, NULL,
	.help = "The socket on which msgraphd answers Postfix's smtpd."},
    {"bounce_socket", CONF_SOCKET, AT(bounce_socket),
	"/var/spool/postfix/msgraph/bounce", 0, 0, NULL,
	.help = "The socket on which msgraphd answers Postfix's cleanup about "
		"bounces."},
    {"bounce_via_graph", CONF_CHOICE, AT(bounce_via_graph), "yes", 0, 0, no_yes,
	.help = "Whether bounces and delay notices go through Graph to their "
		"mailbox."},
    {"submit_socket", CONF_SOCKET, AT(submit_socket), "/run/msgraph/submit", 0,
	0, NULL,
	.help = "The socket on which msgraphd takes messages, and questions "
		"who may send."},
    {"state_directory", CONF_PATH, AT(state_directory), "/var/lib/msgraph", 0,
	0, NULL,
	.help = "The folder of the sealed secrets and of the outcomes of "
		"deliveries."},
    {"state_retention", CONF_DURATION, AT(state_retention), "7d", 3600,
	365 * DAY, NULL,
	.help = "How long the outcome of a delivery is remembered."},
    {"vault_key_file", CONF_PATH, AT(vault_key_file), "/etc/msgraph/vault.key",
	0, 0, NULL,
	.help = "The key that seals the state: 32 random bytes, mode 0400."},
    {"connect_timeout", CONF_DURATION, AT(connect_timeout), "10s", 1, 300, NULL,
	.help = "How long one connection may take to come up, TLS included."},
    {"request_timeout", CONF_DURATION, AT(request_timeout), "2m", 1, 3600, NULL,
	.help = "How long one HTTPS request may take in all."},
    {"throttle_wait", CONF_DURATION, AT(throttle_wait), "1m", 0, 3600, NULL,
	.help = "The longest Retry-After that a delivery waits out."},
    {"delivery_timeout", CONF_DURATION, AT(delivery_timeout), "10m", 1, DAY,
	NULL,
	.help = "How long msgraph-agent may take for one delivery in all."},
    {"mailbox_concurrency", CONF_NUMBER, AT(mailbox_concurrency), "4", 1, 100,
	NULL, .unit = "requests",
	.help =
	    "How many requests for one application and mailbox run at once."},
    {"process_limit", CONF_NUMBER, AT(process_limit), "100", 1, 10000, NULL,
	.unit = "deliveries",
	.help = "How many deliveries Postfix makes at once, as master.cf "
		"allows."},
    {"access_denied_grace", CONF_DURATION, AT(access_denied_grace), "1d", 0,
	30 * DAY, NULL,
	.help = "How long a refusal that an admin can mend defers a message."},
    {"verify_unknown", CONF_CHOICE, AT(verify_unknown), "no", 0, 0, no_yes,
	.help = "Whether Drafts and Sent Items are searched before a message "
		"is posted again."},
    {"sendmail_limit", CONF_SIZE, AT(sendmail_limit), "3000000", 64 * 1024,
	150 * MEGABYTE, NULL,
	.help = "The longest message that goes in one request, before base64."},
    {"large_messages", CONF_CHOICE, AT(large_messages), "draft", 0, 0,
	large_messages,
	.help = "How a message over sendmail_limit is sent: as a draft, or not "
		"at all."},
    {"header_recipients", CONF_CHOICE, AT(header_recipients), "trim", 0, 0,
	header_recipients,
	.help =
	    "Whether To, Cc and Bcc keep addresses that the envelope lacks."},
    {"max_recipients", CONF_NUMBER, AT(max_recipients), "500", 1, 1000, NULL,
	.unit = "recipients",
	.help = "The most recipients of one message to Graph."},
    {"encode_8bit", CONF_CHOICE, AT(encode_8bit), "yes", 0, 0, no_yes,
	.help = "Whether parts with 8-bit bytes become quoted-printable or "
		"base64."},
    {"hide_client", CONF_CHOICE, AT(hide_client), "no", 0, 0, no_yes,
	.help = "Whether Postfix's Received field loses the client's name and "
		"address."},
    {"milter_socket", CONF_MILTER, AT(milter_socket),
	"unix:/var/spool/postfix/msgraph/milter", 0, 0, NULL,
	.help = "The socket on which msgraph-milter listens."},
    {"mailbox_from", CONF_CHOICE, AT(mailbox_from), "header", 0, 0,
	mailbox_froms,
	.help = "Where the address of the mailbox is looked for first."},
    {"max_message_size", CONF_SIZE, AT(max_message_size), "35m", 64 * 1024,
	150 * MEGABYTE, NULL,
	.help = "The longest message that a client may announce."},
    {"log_level", CONF_CHOICE, AT(log_level), "info", 0, 0, log_levels,
	.help = "The least important lines that are written."},
    {"log_destination", CONF_CHOICE, AT(log_destination), "syslog", 0, 0,
	log_destinations,
	.help = "The place of log lines: syslog (facility mail), or standard "
		"error."},
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
conf_set_option(struct conf *conf, const struct conf_option *o,
    const char *value, struct error *err)
{
	return conf_value_read(o, (char *)conf + o->offset, value, err);
}

/* --- file --- */

static size_t
conf_find_option(const char *name)
{
	size_t i;

	for (i = 0; i < OPTION_COUNT; i++)
		if (strcmp(options[i].name, name) == 0)
			break;
	return i;
}

/* One reading of a file. */
struct reader {
	struct conf *conf;
	const char *file;
	const struct conf_old *old; /* names that were; ends with a NULL name */
	enum { STRICT, RUNNING, TOLERANT } mode; /* as the conf_load_... say */
	int number; /* of the line */
	int seen[OPTION_COUNT]; /* on which line each stood, 0: not yet */
};

/* Keeps a warning about the present line; it must not stop a program. */
static void conf_reader_warn(struct reader *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
conf_reader_warn(struct reader *r, const char *fmt, ...)
{
	struct error text;
	char raw[sizeof(text.text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	error_set(
	    &text, ERROR_OURS, "4.3.5", "%s:%d: %s", r->file, r->number, raw);
	buf_add(&r->conf->warnings, text.text, strlen(text.text) + 1);
}

/*
 * The one place that says what an unknown name means. It may be the name of a
 * newer release, in a file that several hosts share, so it stops a start, where
 * somebody looks on, and not what runs.
 */
static int
conf_unknown_setting(struct reader *r, const char *name, struct error *err)
{
	const char *near = conf_near(name);
	struct error text;

	if (near != NULL)
		error_set(&text, ERROR_OURS, "4.3.5",
		    "unknown setting \"%s\"; did you mean \"%s\"?", name, near);
	else
		error_set(&text, ERROR_OURS, "4.3.5",
		    "unknown setting \"%s\"; see msgraph.conf(5)", name);
	if (r->mode != RUNNING)
		return error_set(err, text.class, text.dsn, "%s", text.text);
	conf_reader_warn(r,
	    "%s (not counted now, but an error for the next start)", text.text);
	return 0;
}

/*
 * An update must not stop mail, so a former name is taken for the present one;
 * where both stand in the file, the present one counts.
 */
static int
conf_old_setting(struct reader *r, const struct conf_old *old,
    const char *value, struct error *err)
{
	size_t i;

	if (old->now == NULL) {
		conf_reader_warn(r,
		    "\"%s\" is no setting any more: %s; remove the line",
		    old->name, old->why);
		return 0;
	}
	i = conf_find_option(old->now);
	assert(i < OPTION_COUNT);
	if (r->seen[i] != 0) {
		conf_reader_warn(r,
		    "\"%s\" is called \"%s\" now, which line %d sets; "
		    "remove the line",
		    old->name, old->now, r->seen[i]);
		return 0;
	}
	if (conf_set_option(r->conf, &options[i], value, err) == -1)
		return error_prefix(err, "%s", old->name);
	conf_reader_warn(r, "\"%s\" is called \"%s\" now; change the name",
	    old->name, old->now);
	return 0;
}

static int
conf_read_setting(
    struct reader *r, const char *name, const char *value, struct error *err)
{
	const struct conf_old *old = r->old;
	size_t i = conf_find_option(name);

	if (i == OPTION_COUNT) {
		while (old->name != NULL && strcmp(old->name, name) != 0)
			old++;
		return old->name == NULL ? conf_unknown_setting(r, name, err)
					 : conf_old_setting(r, old, value, err);
	}
	if (r->seen[i] != 0)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "\"%s\" was set on line %d already; keep one of the two",
		    name, r->seen[i]);
	r->seen[i] = r->number;
	if (conf_set_option(r->conf, &options[i], value, err) == -1)
		return error_prefix(err, "%s", name);
	return 0;
}

static int
conf_read_line(struct reader *r, char line[CONF_LINE_SIZE], struct error *err)
{
	char *name, *value;

	if (conf_line_split(line, &name, &value, err) == -1)
		return -1;
	return name == NULL ? 0 : conf_read_setting(r, name, value, err);
}

static int
conf_read_lines(struct reader *r, FILE *in, struct error *err)
{
	char line[CONF_LINE_SIZE];

	for (;;) {
		memset(line, '\n', sizeof(line)); /* for conf_line_split() */
		if (fgets(line, sizeof(line), in) == NULL)
			break;
		r->number++;
		if (conf_read_line(r, line, err) == -1 && r->mode != TOLERANT)
			return error_prefix(err, "%s:%d", r->file, r->number);
	}
	if (ferror(in))
		return error_set(err, ERROR_OURS, "4.3.5", "read %s: %s",
		    r->file, strerror(errno));
	return 0;
}

static int
conf_set_defaults(struct conf *conf, struct error *err)
{
	size_t i;

	for (i = 0; i < OPTION_COUNT; i++)
		if (conf_set_option(
			conf, &options[i], options[i].fallback, err) == -1)
			return error_prefix(
			    err, "default of %s", options[i].name);
	return 0;
}

static int
conf_default_endpoint(char **endpoint, const char *fallback, struct error *err)
{
	if (*endpoint != NULL)
		return 0;
	if ((*endpoint = strdup(fallback)) == NULL)
		return error_no_memory(err);
	return 0;
}

static int
conf_load_file(struct reader *r, FILE *in, struct error *err)
{
	struct conf *conf = r->conf;

	buf_init(&conf->warnings, WARNINGS_MAX);
	if (conf_set_defaults(conf, err) == -1 ||
	    conf_read_lines(r, in, err) == -1)
		return -1;
	if (conf_default_endpoint(
		&conf->login_endpoint, endpoints[conf->cloud].login, err) == -1)
		return -1;
	return conf_default_endpoint(
	    &conf->graph_endpoint, endpoints[conf->cloud].graph, err);
}

static int
conf_load_reader(struct reader *r, FILE *in, struct error *err)
{
	int result;

	memset(r->conf, 0, sizeof(*r->conf));
	result = conf_load_file(r, in, err);
	if (result == -1)
		conf_free(r->conf);
	return result;
}

static int
conf_load_named(struct reader *r, struct error *err)
{
	FILE *in;
	int result;

	memset(r->conf, 0, sizeof(*r->conf));
	if ((in = fopen(r->file, "re")) == NULL)
		return error_set(err, ERROR_OURS, "4.3.5", "open %s: %s%s",
		    r->file, strerror(errno), conf_open_remedy(errno));
	result = conf_load_reader(r, in, err);
	fclose(in);
	return result;
}

int
conf_load_old(struct conf *conf, const char *file, const struct conf_old *old,
    struct error *err)
{
	struct reader reader = {.conf = conf, .file = file, .old = old};

	return conf_load_named(&reader, err);
}

int
conf_load_open(struct conf *conf, FILE *in, const char *name, struct error *err)
{
	struct reader reader = {
	    .conf = conf, .file = name, .old = conf_old_names};

	return conf_load_reader(&reader, in, err);
}

int
conf_load(struct conf *conf, const char *file, struct error *err)
{
	return conf_load_old(conf, file, conf_old_names, err);
}

int
conf_load_running(struct conf *conf, const char *file, struct error *err)
{
	struct reader reader = {
	    .conf = conf, .file = file, .mode = RUNNING, .old = conf_old_names};

	return conf_load_named(&reader, err);
}

int
conf_load_tolerant(struct conf *conf, const char *file)
{
	struct reader reader = {.conf = conf,
	    .file = file,
	    .mode = TOLERANT,
	    .old = conf_old_names};

	if (conf_load_named(&reader, NULL) == 0)
		return 0;
	return strcmp(file, CONF_DEFAULT_FILE) == 0
	    ? conf_set_defaults(conf, NULL)
	    : -1;
}

void
conf_free(struct conf *conf)
{
	size_t i;

	for (i = 0; i < OPTION_COUNT; i++)
		if (conf_value_is_text(&options[i]))
			free(*(char **)((char *)conf + options[i].offset));
	buf_free(&conf->warnings);
	memset(conf, 0, sizeof(*conf));
}

const char *
conf_delimiters(const struct conf *conf)
{
	if (conf->username_delimiter == 0)
		return IDENTITY_DELIMITERS_ANY;
	return delimiters[conf->username_delimiter];
}

/* --- for the other files of this folder --- */

const struct conf_option *
conf_row(size_t i)
{
	return i < OPTION_COUNT ? &options[i] : NULL;
}

const char *
conf_row_default(const struct conf_option *row, int cloud)
{
	if (row->offset == AT(login_endpoint))
		return endpoints[cloud].login;
	if (row->offset == AT(graph_endpoint))
		return endpoints[cloud].graph;
	return row->fallback;
}

static const char *
conf_row_name(size_t i)
{
	return i < OPTION_COUNT ? options[i].name : NULL;
}

const char *
conf_near(const char *name)
{
	return near_name(name, conf_row_name);
}
