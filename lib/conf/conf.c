/*
 * conf.c - the settings; see conf.h.
 *
 * A setting is a row of the table below and a member of struct conf, nothing
 * else. Parser, defaults, checks, -t and -n follow from the row, and a test
 * compares it with man page and example. A value is turned into its run-time
 * form when it is read: durations into seconds, choices into their index.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/near.h"
#include "lib/local/identity.h"
#include "conf.h"
#include "conf_private.h"

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
    {"imds_endpoint", CONF_LOOPBACK, AT(imds_endpoint), "", 0, 0, NULL,
	.help = "The place of managed identities, for tests only. Empty: "
		"Azure's."},
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
    {"identity_maps", CONF_MAPS, AT(identity_maps), CONF_DEFAULT_MAPS, 0, 0,
	NULL, .help = "The files and maps of the table of identities."},
    {"identity_required", CONF_CHOICE, AT(identity_required), "no", 0, 0,
	no_yes,
	.help = "Whether only applications that the table names may sign "
		"in."},
    {"identity_lookup_suffix", CONF_WORD, AT(identity_lookup_suffix), "lookup",
	0, 0, NULL,
	.help = "With name@ before it, the user name of an entry of the "
		"table."},
    {"identity_cache_ttl", CONF_DURATION, AT(identity_cache_ttl), "10m", 1, DAY,
	NULL, .help = "How long an answer of a map outside is believed."},
    {"identity_cache_grace", CONF_DURATION, AT(identity_cache_grace), "1d", 0,
	30 * DAY, NULL,
	.help = "How long the last answer counts while that map is out of "
		"reach."},
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
    {"admin_socket", CONF_SOCKET, AT(admin_socket), CONF_DEFAULT_ADMIN_SOCKET,
	0, 0, NULL, .help = "The socket on which msgraphd answers msgraphctl."},
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

_Static_assert(OPTION_COUNT <= CONF_ROWS_MAX, "conf_read.c has no room");

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
