/*
 * check_network.c - the way to Entra, Graph and the hosts that take attachments
 * of large messages, as msgraphd goes it: its user, its proxy, its authorities.
 * One request without a secret is made to each, and any answer is right.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "checks.h"

#define CHECK_NETWORK_CONNECT 5L /* seconds, with TLS */
#define CHECK_NETWORK_TOTAL 8L
#define CHECK_NETWORK_OFF 60 /* seconds that a clock may be wrong by */
/* An assertion is valid for so long (Microsoft: certificate credentials). */
#define CHECK_NETWORK_FAR_OFF 300

/*
 * Where upload sessions of the global cloud lead to (Microsoft: "Attach large
 * files to Outlook messages"). Which hosts the others have is not documented.
 */
static const char *const check_network_uploads[] = {
    "https://outlook.office.com", "https://outlook.office365.com"};

/* What one host answered. */
struct check_network {
	char error[CURL_ERROR_SIZE];
	long long date; /* of the field Date; 0: none */
};

static size_t
check_network_ignore(char *bytes, size_t size, size_t count, void *ctx)
{
	(void)bytes;
	(void)ctx;
	return size * count;
}

static size_t
check_network_header(char *bytes, size_t size, size_t count, void *ctx)
{
	struct check_network *answer = ctx;
	char line[128];
	time_t date;

	snprintf(line, sizeof(line), "%.*s", (int)(size * count), bytes);
	if (strncasecmp(line, "Date:", 5) == 0 &&
	    (date = curl_getdate(line + 5, NULL)) != -1)
		answer->date = date;
	return size * count;
}

/* "user:password" of a file that is msgraphd's; it is never printed. */
static int
check_network_password(CURL *easy, const char *file)
{
	FILE *in = file == NULL ? NULL : fopen(file, "re");
	char line[1024] = "", *colon;
	int result = 0;

	if (in == NULL)
		return 0; /* the check of files says why */
	if (fgets(line, sizeof(line), in) != NULL) {
		line[strcspn(line, "\r\n")] = '\0';
		if ((colon = strchr(line, ':')) != NULL) {
			*colon = '\0';
			result =
			    curl_easy_setopt(easy, CURLOPT_PROXYAUTH,
				(long)(CURLAUTH_BASIC | CURLAUTH_DIGEST)) ||
			    curl_easy_setopt(
				easy, CURLOPT_PROXYUSERNAME, line) ||
			    curl_easy_setopt(
				easy, CURLOPT_PROXYPASSWORD, colon + 1);
		}
	}
	explicit_bzero(line, sizeof(line));
	fclose(in);
	return result ? -1 : 0;
}

/* As http_connection.c of msgraphd does. */
static int
check_network_trust(CURL *easy, const struct conf *conf)
{
	const char *proxy = conf->proxy == NULL ? "" : conf->proxy;

	if (curl_easy_setopt(easy, CURLOPT_PROXY, proxy) ||
	    curl_easy_setopt(easy, CURLOPT_NOPROXY, "") ||
	    curl_easy_setopt(
		easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2))
		return -1;
	if (proxy[0] != '\0' &&
	    check_network_password(easy, conf->proxy_password_file) == -1)
		return -1;
	if (conf->ca_file == NULL)
		return 0;
	return curl_easy_setopt(easy, CURLOPT_CAINFO, conf->ca_file) ||
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) ||
		curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, conf->ca_file) ||
		curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, NULL)
	    ? -1
	    : 0;
}

static CURLcode
check_network_ask(
    const struct conf *conf, const char *url, struct check_network *answer)
{
	CURL *easy = curl_easy_init();

	memset(answer, 0, sizeof(*answer));
	if (easy == NULL || curl_easy_setopt(easy, CURLOPT_URL, url) ||
	    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L) ||
	    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) ||
	    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https") ||
	    curl_easy_setopt(
		easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) ||
	    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, answer->error) ||
	    curl_easy_setopt(
		easy, CURLOPT_CONNECTTIMEOUT, CHECK_NETWORK_CONNECT) ||
	    curl_easy_setopt(easy, CURLOPT_TIMEOUT, CHECK_NETWORK_TOTAL) ||
	    curl_easy_setopt(
		easy, CURLOPT_WRITEFUNCTION, check_network_ignore) ||
	    curl_easy_setopt(
		easy, CURLOPT_HEADERFUNCTION, check_network_header) ||
	    curl_easy_setopt(easy, CURLOPT_HEADERDATA, answer) ||
	    check_network_trust(easy, conf) == -1)
		return CURLE_FAILED_INIT;
	/*
	 * Never cleaned up: libcurl would wait for a thread that looks up a
	 * name. The process ends soon.
	 */
	return curl_easy_perform(easy);
}

/* --- what is wrong --- */

static void
check_network_remedy(const struct conf *conf, const char *host, CURLcode code,
    struct report *report)
{
	int proxied = conf->proxy != NULL;

	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
		check_remedy(report,
		    "mend the look-up of names (/etc/resolv.conf): getent "
		    "hosts %s",
		    host);
		break;
	case CURLE_PEER_FAILED_VERIFICATION:
		check_remedy(report,
		    "look at this host's clock; something on the way may open "
		    "TLS, then add its authority to ca_file in msgraph.conf "
		    "(%s now)",
		    conf->ca_file != NULL ? conf->ca_file : "the system's");
		break;
	case CURLE_SSL_CACERT_BADFILE:
		check_remedy(report, "correct ca_file in msgraph.conf: %s",
		    conf->ca_file != NULL ? conf->ca_file : "");
		break;
	default:
		if (proxied)
			check_remedy(report,
			    "correct proxy in msgraph.conf (%s), or have it "
			    "let %s port 443 through",
			    conf->proxy, host);
		else
			check_remedy(report,
			    "have the firewall let %s port 443 through, or set "
			    "proxy in msgraph.conf",
			    host);
	}
}

/* Asks one host. 0; or -1 after a finding. */
static int
check_network_reach(const struct host *host, const char *url, const char *what,
    enum check_status status, struct check_network *answer,
    struct report *report)
{
	const char *name = strstr(url, "://");
	CURLcode code = check_network_ask(&host->conf, url, answer);

	/* a proxy that wants a password has answered for the host */
	if (code == CURLE_OK)
		return 0;
	name = name == NULL ? url : name + 3;
	check_say(report, status, "%s (%s): %s%s%s", what, url,
	    answer->error[0] != '\0' ? answer->error : curl_easy_strerror(code),
	    host->conf.proxy != NULL ? ", by proxy " : "",
	    host->conf.proxy != NULL ? host->conf.proxy : "");
	check_network_remedy(&host->conf, name, code, report);
	return -1;
}

void
check_entra(const struct host *host, struct report *report)
{
	struct check_network answer;

	if (check_become(report, "msgraphd", NULL) == 0)
		check_network_reach(host, host->conf.login_endpoint, "Entra",
		    CHECK_CRITICAL, &answer, report);
}

void
check_graph(const struct host *host, struct report *report)
{
	struct check_network answer;

	if (check_become(report, "msgraphd", NULL) == 0)
		check_network_reach(host, host->conf.graph_endpoint, "Graph",
		    CHECK_CRITICAL, &answer, report);
}

/* Returns why nobody has to be asked; or NULL. */
static const char *
check_network_no_uploads(const struct conf *conf)
{
	if (conf->large_messages == LARGE_MESSAGES_REFUSE)
		return "large_messages = refuse";
	if (conf->cloud != CLOUD_GLOBAL)
		return "which hosts this cloud has is not documented";
	return strstr(conf->graph_endpoint, "://graph.microsoft.") == NULL
	    ? "graph_endpoint is not Microsoft's"
	    : NULL;
}

void
check_uploads(const struct host *host, struct report *report)
{
	const char *why = check_network_no_uploads(&host->conf);
	struct check_network answer;
	size_t i;

	if (why != NULL) {
		check_say(report, CHECK_OK, "not asked: %s", why);
		return;
	}
	if (check_become(report, "msgraphd", NULL) == -1)
		return;
	for (i = 0; i < 2; i++)
		check_network_reach(host, check_network_uploads[i],
		    "the host for attachments of large messages", CHECK_WARNING,
		    &answer, report);
}

void
check_clock(const struct host *host, struct report *report)
{
	struct check_network answer;
	long long off;

	if (check_become(report, "msgraphd", NULL) == -1 ||
	    check_network_reach(host, host->conf.login_endpoint, "Entra",
		CHECK_UNKNOWN, &answer, report) == -1 ||
	    answer.date == 0)
		return;
	off = (long long)time(NULL) - answer.date;
	if (llabs(off) < CHECK_NETWORK_OFF)
		return;
	check_say(report,
	    llabs(off) < CHECK_NETWORK_FAR_OFF ? CHECK_WARNING : CHECK_CRITICAL,
	    "this host's clock is %lld seconds %s, by Entra's answer",
	    llabs(off), off > 0 ? "fast" : "slow");
	check_remedy(report, "timedatectl set-ntp true");
}
