/*
 * check_route.c - the way from the milter's stamp to the agent: the table of
 * the route, and the transports.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/ctl/base/installed.h"
#include "lib/base/version.h"
#include "checks.h"

/* What stands in a stamp behind the transport. */
#define CHECK_ROUTE_STAMP                           \
	"scan@example.com/11111111-2222-3333-4444-" \
	"555555555555@66666666-7777-8888-9999-aaaaaaaaaaaa"

/* --- the table --- */

/*
 * Asks all tables of the list. What they say comes in out, with their errors.
 */
static int
check_route_ask(const char *tables, const char *transport, struct buf *out,
    struct report *report)
{
	char table[512], header[512];
	const char *argv[] = {"postmap", "-q", header, table, NULL};
	const char *word;
	struct buf more;
	size_t len;
	int status = 0;

	buf_init(out, 64 * 1024);
	snprintf(header, sizeof(header), "X-MSGraph-Mailbox: %s%s%s", transport,
	    transport[0] == '\0' ? "" : ":", CHECK_ROUTE_STAMP);
	while (status != -1 && (len = postfix_word(&tables, &word)) > 0) {
		snprintf(table, sizeof(table), "%.*s", (int)len, word);
		status = check_run(report, argv, &more);
		if (more.len > 0)
			buf_add(out, more.bytes, more.len);
		buf_free(&more);
	}
	return status;
}

/* Copies the transport of the line "FILTER transport:nexthop". 0, or -1. */
static int
check_route_read(struct buf *said, char *transport, size_t size)
{
	static const char filter[] = "FILTER ";
	const char *line, *name, *colon;
	size_t at = 0;

	while ((line = check_line(said, &at)) != NULL) {
		if (strncasecmp(line, filter, sizeof(filter) - 1) != 0)
			continue;
		name = line + sizeof(filter) - 1;
		colon = strchr(name, ':');
		if (colon == NULL || strcmp(colon + 1, CHECK_ROUTE_STAMP) != 0)
			return -1;
		snprintf(transport, size, "%.*s", (int)(colon - name), name);
		return 0;
	}
	return -1;
}

static void
check_route_mend(const struct host *host,
    const struct postconf_service *cleanup, const char *said,
    struct report *report)
{
	const char *file = strchr(
	    postfix_get(host->postfix, cleanup, "milter_header_checks"), ':');

	if (strstr(said, "unsupported dictionary type") != NULL || file == NULL)
		check_remedy_route(host, cleanup, report);
	else
		check_remedy(report,
		    "install -m 644 %s %.*s && postfix "
		    "reload",
		    check_fragment("postfix/msgraph_route"),
		    (int)strcspn(file + 1, ", \t"), file + 1);
}

/*
 * Returns what is wrong with the transport that the route has named; or NULL.
 */
static const char *
check_route_unfit(
    const struct host *host, const char *found, const char *wanted)
{
	char service[300];

	snprintf(service, sizeof(service), "%s/unix", found);
	if (postconf_service(host->postfix, service) == NULL)
		return "is not in master.cf";
	return wanted[0] != '\0' && strcmp(found, wanted) != 0
	    ? "the stamp does not name"
	    : NULL;
}

/*
 * Asks for a stamp with this transport; "": with none, which leads to msgraph.
 */
static void
check_route_lead(const struct host *host,
    const struct postconf_service *cleanup, const char *transport,
    struct report *report)
{
	const char *tables =
	    postfix_get(host->postfix, cleanup, "milter_header_checks");
	const char *text, *unfit;
	char found[256] = "";
	struct buf said;

	if (check_route_ask(tables, transport, &said, report) == -1) {
		buf_free(&said);
		return;
	}
	/* its first line: reading cuts it */
	text = said.bytes == NULL ? "nothing" : said.bytes;
	if (check_route_read(&said, found, sizeof(found)) == -1) {
		check_say(report, CHECK_CRITICAL,
		    "the route (%s) leads a stamped message nowhere: %.300s",
		    tables, text);
		check_route_mend(host, cleanup, text, report);
	} else if ((unfit = check_route_unfit(host, found, transport)) !=
	    NULL) {
		check_say(report, CHECK_CRITICAL,
		    "the route (%s) leads to the transport \"%s\", which %s",
		    tables, found, unfit);
		check_route_mend(host, cleanup, text, report);
	}
	buf_free(&said);
}

static void
check_route_cleanup(const struct host *host,
    const struct postconf_service *cleanup, struct report *report)
{
	const struct postconf_service *s = host->postfix->services;
	size_t i;

	check_route_lead(host, cleanup, "", report);
	for (i = 0; i < host->postfix->service_count && report->count == 0; i++)
		if (postfix_is_transport(&s[i]) &&
		    strncmp(postfix_name(&s[i]), "msgraph-", 8) == 0)
			check_route_lead(
			    host, cleanup, postfix_name(&s[i]), report);
}

void
check_route(const struct host *host, struct report *report)
{
	check_each_cleanup(host, report, check_route_cleanup);
}

/* --- transports --- */

/*
 * Copies what stands behind "name=" in the arguments of pipe(8); "" if nothing.
 */
static void
check_route_value(
    const char *arguments, const char *name, char *value, size_t size)
{
	const char *at = arguments;
	size_t len = strlen(name);

	value[0] = '\0';
	for (; (at = strstr(at, name)) != NULL; at += len)
		if ((at == arguments || at[-1] == ' ') && at[len] == '=') {
			snprintf(value, size, "%.*s",
			    (int)strcspn(at + len + 1, " "), at + len + 1);
			return;
		}
}

/* What the agent cannot do without; master.cf.msgraph says why. */
static void
check_route_arguments(
    const struct postconf_service *service, struct report *report)
{
	static const char *const wanted[] = {"flags=q",
	    "null_sender= ", "eol=\\r\\n", "--queue-id=${queue_id}",
	    "--identity=${sasl_username}", "--mailbox=${nexthop}",
	    "--sender=${sender}", "-- ${recipient}"};
	size_t i;

	for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (strstr(service->arguments, wanted[i]) == NULL) {
			check_say(report, CHECK_CRITICAL,
			    "%s/unix lacks \"%s\" in its command",
			    postfix_name(service), wanted[i]);
			check_remedy(report,
			    "compare its line in master.cf with "
			    "%s, then: postfix "
			    "reload",
			    check_fragment("postfix/master.cf.msgraph"));
			return;
		}
}

static void
check_route_version(const char *agent, struct report *report)
{
	const char *argv[] = {agent, "-V", NULL};
	struct buf out;

	if (check_run(report, argv, &out) != -1 &&
	    (out.bytes == NULL || strstr(out.bytes, MSGRAPH_VERSION) == NULL)) {
		check_say(report, CHECK_WARNING,
		    "%s is not of version " MSGRAPH_VERSION, agent);
		check_remedy(report,
		    "correct the path in master.cf, or install the package "
		    "again");
	}
	buf_free(&out);
}

/* Looks as user msgraph, whom it becomes: there is no way back. */
static void
check_route_agent(const struct host *host, const char *service,
    const char *agent, struct report *report)
{
	const char *slash = strrchr(agent, '/');
	char right[PATH_MAX];

	if (geteuid() == 0 && check_become(report, "msgraph", NULL) == -1)
		return;
	if (access(agent, X_OK) == 0) {
		check_route_version(agent, report);
		return;
	}
	check_say(report, CHECK_CRITICAL,
	    "%s/unix runs %s, which user msgraph cannot: %s", service, agent,
	    strerror(errno));
	snprintf(right, sizeof(right), "%.*s/msgraph-agent",
	    slash == NULL ? 0 : (int)(slash - agent), agent);
	if (access(right, X_OK) == -1)
		installed_path(INSTALLED_AGENT, right);
	if (access(right, X_OK) == 0)
		check_remedy(report,
		    "sed -i 's,%s,%s,' %s/master.cf && postfix reload", agent,
		    right,
		    postfix_get(host->postfix, NULL, "config_directory"));
	else
		check_remedy(report, "install the package again");
}

void
check_transports(const struct host *host, struct report *report)
{
	const struct postconf_service *s = host->postfix->services;
	char agent[512], user[64], seen[512] = "";
	size_t i;

	for (i = 0; i < host->postfix->service_count; i++) {
		if (!postfix_is_transport(&s[i]))
			continue;
		check_route_arguments(&s[i], report);
		check_route_value(s[i].arguments, "user", user, sizeof(user));
		check_route_value(s[i].arguments, "argv", agent, sizeof(agent));
		/* a group may follow */
		user[strcspn(user, ":")] = '\0';
		if (strcmp(user, "msgraph") != 0) {
			check_say(report, CHECK_CRITICAL,
			    "%s/unix runs as user \"%s\", of which msgraphd "
			    "takes no mail",
			    postfix_name(&s[i]), user);
			check_remedy(report,
			    "write user=msgraph into its line in master.cf, "
			    "then: postfix reload");
		} else if (strcmp(agent, seen) != 0) {
			snprintf(seen, sizeof(seen), "%s", agent);
			check_route_agent(
			    host, postfix_name(&s[i]), agent, report);
		}
	}
}
