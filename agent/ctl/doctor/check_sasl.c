/*
 * check_sasl.c - what smtpd does when a client signs in, done here with the
 * same library, the same settings, as the same user and in the same chroot:
 * libsasl2 loads libentra.so, which asks msgraphd about a name that nobody has.
 */
#include <sasl/sasl.h>
#include <sasl/saslplug.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checks.h"

#define CHECK_SASL_PLUGIN "entra"

/* --- the file of settings --- */

/* Calls call() for each service that offers to sign in, once for each path. */
static void
check_sasl_each(
    const struct host *host, struct report *report, check_service *call)
{
	const char *path, *last = "";
	const struct postconf_service *s;
	size_t i;

	s = host->postfix->services;
	for (i = 0; i < host->postfix->service_count; i++) {
		if (!postfix_is_listener(host->postfix, &s[i]) ||
		    !postfix_is_yes(
			host->postfix, &s[i], "smtpd_sasl_auth_enable"))
			continue;
		path = postfix_get(host->postfix, &s[i], "smtpd_sasl_path");
		if (strcmp(path, last) != 0)
			call(host, &s[i], report);
		last = path;
	}
}

/* Postfix's own folder where Debian has built it in, then libsasl2's. */
#define CHECK_SASL_FOLDERS "/etc/postfix/sasl:/etc/sasl2:/usr/lib/sasl2"

static const char *
check_sasl_folders(
    const struct host *host, const struct postconf_service *service)
{
	const char *list =
	    postfix_get(host->postfix, service, "cyrus_sasl_config_path");

	return list[0] == '\0' ? CHECK_SASL_FOLDERS : list;
}

/*
 * Finds "<folder>/<smtpd_sasl_path>.conf" in the folders. NULL: there is none.
 */
static const char *
check_sasl_file(const struct host *host, const struct postconf_service *service,
    char file[512])
{
	const char *at = check_sasl_folders(host, service);
	const char *path =
	    postfix_get(host->postfix, service, "smtpd_sasl_path");
	size_t len;

	for (; *at != '\0'; at += len + (at[len] == ':')) {
		len = strcspn(at, ":");
		snprintf(file, 512, "%.*s/%s.conf", (int)len, at, path);
		if (access(file, F_OK) == 0)
			return file;
	}
	return NULL;
}

/* Reads the value of "name: value"; "" where the file has none. */
static void
check_sasl_value(const char *file, const char *name, char *value, size_t size)
{
	FILE *in = fopen(file, "re");
	size_t len = strlen(name);
	char line[512];

	value[0] = '\0';
	if (in == NULL)
		return;
	while (fgets(line, sizeof(line), in) != NULL) {
		if (strncmp(line, name, len) != 0 || line[len] != ':')
			continue;
		line[strcspn(line, "\r\n")] = '\0';
		snprintf(value, size, "%s",
		    line + len + 1 + strspn(line + len + 1, " \t"));
	}
	fclose(in);
}

/* Names the command that gives the file this line. */
static void
check_sasl_remedy(struct report *report, const char *file, const char *name,
    const char *value)
{
	check_remedy(report, "sed -i '/^%s:/d;$a\\%s: %s' %s && postfix reload",
	    name, name, value, file);
}

static void
check_sasl_right(const char *file, struct report *report)
{
	static const struct {
		const char *name, *wanted;
	} lines[] = {
	    {"pwcheck_method", "auxprop"},
	    {"auxprop_plugin", CHECK_SASL_PLUGIN},
	    {"mech_list", "PLAIN"},
	    {"mech_list", "LOGIN"},
	};
	char value[512];
	size_t i;

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		check_sasl_value(file, lines[i].name, value, sizeof(value));
		if (postfix_has_word(value, lines[i].wanted))
			continue;
		check_say(report, CHECK_CRITICAL,
		    "%s says \"%s: %s\", which lacks %s", file, lines[i].name,
		    value, lines[i].wanted);
		check_sasl_remedy(report, file, lines[i].name,
		    strcmp(lines[i].name, "mech_list") == 0 ? "PLAIN LOGIN"
							    : lines[i].wanted);
		return;
	}
}

static void
check_sasl_service(const struct host *host,
    const struct postconf_service *service, struct report *report)
{
	const char *path =
	    postfix_get(host->postfix, service, "smtpd_sasl_path");
	const char *type =
	    postfix_get(host->postfix, service, "smtpd_sasl_type");
	char file[512], place[256];
	const char *folders = check_sasl_folders(host, service);

	if (strcmp(type, "cyrus") != 0) {
		check_say(report, CHECK_CRITICAL,
		    "%s signs in by smtpd_sasl_type = %s", service->id, type);
		check_remedy_option(
		    report, service, "smtpd_sasl_type", "cyrus");
		return;
	}
	if (check_sasl_file(host, service, file) != NULL) {
		check_sasl_right(file, report);
		return;
	}
	snprintf(
	    place, sizeof(place), "%.*s", (int)strcspn(folders, ":"), folders);
	check_say(report, CHECK_CRITICAL,
	    "there is no %s/%s.conf, so another plugin checks the secrets, and "
	    "refuses all (cyrus_sasl_config_path = %s)",
	    place, path,
	    postfix_get(host->postfix, service, "cyrus_sasl_config_path"));
	check_remedy(report, "install -m 644 %s %s/%s.conf && postfix reload",
	    check_fragment("sasl/msgraph.conf"), place, path);
}

void
check_sasl(const struct host *host, struct report *report)
{
	check_sasl_each(host, report, check_sasl_service);
}

/* --- the library --- */

/* What libsasl2 asks, and what it says. */
struct check_sasl {
	char folder[512]; /* of the settings */
	char plugins[512]; /* folders of plugins; empty: libsasl2's own */
	char said[1024]; /* the last line about our plugin, else the last */
};

static struct check_sasl check_sasl_state;

static int
check_sasl_log(void *context, int level, const char *message)
{
	struct check_sasl *sasl = context;

	(void)level;
	if (strstr(message, CHECK_SASL_PLUGIN) != NULL ||
	    strstr(sasl->said, CHECK_SASL_PLUGIN) == NULL)
		snprintf(sasl->said, sizeof(sasl->said), "%s", message);
	return SASL_OK;
}

static int
check_sasl_conf_path(void *context, char **path)
{
	const struct check_sasl *sasl = context;

	/* libsasl2 frees it */
	*path = strdup(sasl->folder);
	return *path == NULL ? SASL_NOMEM : SASL_OK;
}

static void
check_sasl_saw_plugin(
    sasl_auxprop_plug_t *info, sasl_info_callback_stage_t stage, void *context)
{
	if (stage == SASL_INFO_LIST_MECH && info != NULL)
		*(int *)context = 1;
}

/* libsasl2 has one type for callbacks of all kinds. */
#define CHECK_SASL_CALLBACK(f) (int (*)(void))(void (*)(void))(f)

static sasl_callback_t check_sasl_callbacks[] = {
    {SASL_CB_LOG, CHECK_SASL_CALLBACK(check_sasl_log), &check_sasl_state},
    {SASL_CB_GETCONFPATH, CHECK_SASL_CALLBACK(check_sasl_conf_path),
	&check_sasl_state},
    {SASL_CB_LIST_END, NULL, NULL},
};

/* smtpd gets SASL_PATH from import_environment where plugins lie elsewhere. */
static void
check_sasl_environment(const struct host *host)
{
	const char *at = postfix_get(host->postfix, NULL, "import_environment");
	const char *word;
	char value[512];
	size_t len;

	while ((len = postfix_word(&at, &word)) > 0) {
		if (strncmp(word, "SASL_PATH=", 10) != 0)
			continue;
		snprintf(
		    value, sizeof(value), "%.*s", (int)(len - 10), word + 10);
		setenv("SASL_PATH", value, 1);
	}
}

/* Loads the plugins, as smtpd does: before the chroot. */
static int
check_sasl_load(const struct host *host, const struct postconf_service *service,
    struct report *report)
{
	int loaded = 0, result;

	check_sasl_environment(host);
	snprintf(check_sasl_state.folder, sizeof(check_sasl_state.folder), "%s",
	    check_sasl_folders(host, service));
	result = sasl_server_init(check_sasl_callbacks,
	    postfix_get(host->postfix, service, "smtpd_sasl_path"));
	if (result == SASL_OK)
		auxprop_plugin_info(
		    CHECK_SASL_PLUGIN, check_sasl_saw_plugin, &loaded);
	if (loaded)
		return 0;
	check_say(report, CHECK_CRITICAL,
	    "libsasl2 cannot load libentra.so, so no client can sign in: %s",
	    check_sasl_state.said[0] != '\0'
		? check_sasl_state.said
		: "it is not in the folder of plugins");
	check_remedy(report,
	    "install the package again (or \"make install\"), then: postfix "
	    "reload");
	return -1;
}

static void
check_sasl_plugin(const struct host *host,
    const struct postconf_service *service, struct report *report)
{
	check_sasl_load(host, service, report);
}

void
check_plugin(const struct host *host, struct report *report)
{
	check_sasl_each(host, report, check_sasl_plugin);
}

/* --- a sign-in --- */

/* Asks by PLAIN (RFC 4616) for a name that no table has. Returns SASL_*. */
static int
check_sasl_ask(const char *suffix)
{
	char message[256];
	int len, result;
	unsigned int out_len;
	sasl_conn_t *conn = NULL;
	const char *out;
	const sasl_security_properties_t props = {
	    .security_flags = SASL_SEC_NOANONYMOUS, .maxbufsize = 0};

	result = sasl_server_new("smtp", "localhost", NULL, NULL, NULL,
	    check_sasl_callbacks, 0, &conn);
	if (result != SASL_OK)
		return result;
	sasl_setprop(conn, SASL_SEC_PROPS, &props);
	len = snprintf(message, sizeof(message), "%c%s@%s%c%s", '\0',
	    CHECK_NOBODY, suffix, '\0', "no-secret");
	result = sasl_server_start(
	    conn, "PLAIN", message, (unsigned int)len, &out, &out_len);
	sasl_dispose(&conn);
	return result;
}

static void
check_sasl_sign_in(const struct host *host,
    const struct postconf_service *service, struct report *report)
{
	char file[512], suffix[64] = "";
	int result;

	if (check_sasl_load(host, service, report) == -1)
		return;
	if (check_sasl_file(host, service, file) != NULL)
		check_sasl_value(file, "entra_lookup", suffix, sizeof(suffix));
	if (check_become(
		report, "postfix", postfix_root(host->postfix, service)) == -1)
		return;
	check_sasl_state.said[0] = '\0';
	result = check_sasl_ask(suffix[0] == '\0' ? "lookup" : suffix);
	/* a plugin that is not ours refuses as well */
	if (result == SASL_BADAUTH &&
	    strstr(check_sasl_state.said, CHECK_SASL_PLUGIN) != NULL)
		return;
	check_say(report, CHECK_CRITICAL,
	    "a name that nobody has is not refused by libentra.so, but: %s%s%s",
	    sasl_errstring(result, NULL, NULL),
	    check_sasl_state.said[0] == '\0' ? "" : ": ",
	    check_sasl_state.said);
	check_remedy(report,
	    "compare %s with libentra(8); systemctl status msgraphd", file);
}

void
check_sign_in(const struct host *host, struct report *report)
{
	check_sasl_each(host, report, check_sasl_sign_in);
}

/* --- names that are looked up --- */

static void
check_sasl_lookup(const struct host *host,
    const struct postconf_service *service, struct report *report)
{
	const char *ours = host->conf.identity_lookup_suffix;
	char file[512], suffix[64];

	if (check_sasl_file(host, service, file) == NULL)
		return;
	check_sasl_value(file, "entra_lookup", suffix, sizeof(suffix));
	if (strcasecmp(suffix[0] == '\0' ? "lookup" : suffix, ours) == 0)
		return;
	check_say(report, CHECK_CRITICAL,
	    "%s has \"entra_lookup: %s\" and msgraph.conf "
	    "\"identity_lookup_suffix = %s\": names such as printers@%s are "
	    "refused",
	    file, suffix[0] == '\0' ? "lookup" : suffix, ours, ours);
	check_sasl_remedy(report, file, "entra_lookup", ours);
}

void
check_lookup(const struct host *host, struct report *report)
{
	check_sasl_each(host, report, check_sasl_lookup);
}
