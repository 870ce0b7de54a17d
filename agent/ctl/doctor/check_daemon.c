/*
 * check_daemon.c - what msgraphd says of applications and throttles on its
 * admin socket, and what systemd says of our units.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/ctl/base/admin_ask.h"
#include "checks.h"

#define CHECK_DAEMON_SOON (14 * 86400LL)
/* More are no authorities of one's own. */
#define CHECK_DAEMON_AUTHORITIES 20

/* --- units --- */

/* Returns a unit's property by systemctl, without blanks at its end. */
static void
check_daemon_property(struct report *report, const char *unit,
    const char *property, char value[64])
{
	const char *argv[] = {
	    "systemctl", "show", "--value", "-p", property, unit, NULL};
	struct buf out;

	value[0] = '\0';
	if (check_run(report, argv, &out) == 0 && out.bytes != NULL)
		snprintf(value, 64, "%.*s", (int)strcspn(out.bytes, "\n"),
		    out.bytes);
	buf_free(&out);
}

static void
check_daemon_unit(const char *unit, struct report *report)
{
	char value[64];

	check_daemon_property(report, unit, "LoadState", value);
	if (strcmp(value, "loaded") != 0)
		return; /* run by something else */
	check_daemon_property(report, unit, "ActiveState", value);
	if (strcmp(value, "active") != 0) {
		check_say(report, CHECK_WARNING, "unit %s is %s", unit, value);
		check_remedy(report, "systemctl start %s", unit);
		return;
	}
	check_daemon_property(report, unit, "UnitFileState", value);
	if (strcmp(value, "disabled") != 0)
		return;
	check_say(report, CHECK_WARNING,
	    "unit %s is disabled: it does not start with this host", unit);
	check_remedy(report, "systemctl enable %s", unit);
}

void
check_units(const struct host *host, struct report *report)
{
	(void)host;
	if (access("/run/systemd/system", F_OK) == -1) {
		check_say(report, CHECK_OK, "this host has no systemd");
		return;
	}
	check_daemon_unit("msgraphd", report);
	check_daemon_unit("msgraph-milter", report);
}

/* --- the admin socket --- */

/* Calls call() with each record of the answer. */
static void
check_daemon_ask(const struct host *host, const char *request,
    struct report *report,
    void (*call)(const struct admin_record *record, struct report *report))
{
	const struct admin_record *record = NULL;
	struct admin_reply *reply;
	struct error err;

	reply = admin_ask_for(host->conf_file, request, &err);
	if (reply == NULL) {
		check_say(report, CHECK_UNKNOWN, "%s", err.text);
		check_remedy(report, "systemctl restart msgraphd");
		return;
	}
	while ((record = admin_next(reply, record)) != NULL)
		call(record, report);
	admin_reply_free(&reply);
}

/* Writes "application ..., entry ..." of the record. */
static const char *
check_daemon_who(const struct admin_record *record, char who[256])
{
	const char *entry = admin_value(record, "entry");

	snprintf(who, 256, "application %s%s%s",
	    admin_value(record, "application"),
	    entry[0] == '\0' ? "" : ", entry ", entry);
	return who;
}

static void
check_daemon_credential(
    const struct admin_record *record, struct report *report)
{
	const char *fault = admin_value(record, "credential-fault");
	long long ends = admin_value_number(record, "credential-ends");
	long long left = ends - (long long)time(NULL);
	char who[256];

	check_daemon_who(record, who);
	if (fault[0] != '\0') {
		check_say(report, CHECK_CRITICAL, "%s: %s", who, fault);
		check_remedy(
		    report, "do what the text says; then: postqueue -f");
	} else if (admin_value(record, "failing")[0] != '\0') {
		check_say(report, CHECK_CRITICAL, "%s gets no token: %s", who,
		    admin_value(record, "failing"));
		check_remedy(report, "%s; then: postqueue -f",
		    admin_value(record, "credential")[0] == '\0'
			? "let its client sign in with a secret that is valid"
			: "replace its credential");
	} else if (ends != 0 && left < CHECK_DAEMON_SOON) {
		check_say(report, left > 0 ? CHECK_WARNING : CHECK_CRITICAL,
		    "%s: %s ends in %lld days", who,
		    admin_value(record, "credential"), left / 86400);
		check_remedy(report,
		    "give the application the next one in Entra, then replace "
		    "the file");
	}
}

void
check_credentials(const struct host *host, struct report *report)
{
	check_daemon_ask(host, "applications", report, check_daemon_credential);
}

static void
check_daemon_throttle(const struct admin_record *record, struct report *report)
{
	time_t until = (time_t)admin_value_number(record, "until");
	const char *mailbox = admin_value(record, "mailbox");
	const char *who = admin_value(record, "application");
	struct tm when;
	char text[32];

	localtime_r(&until, &when);
	strftime(text, sizeof(text), "%H:%M:%S", &when);
	if (until <= time(NULL))
		return;
	check_say(report, CHECK_WARNING, "Microsoft throttles %s %s until %s",
	    admin_value(record, "scope"),
	    mailbox[0] != '\0'	 ? mailbox
		: who[0] != '\0' ? who
				 : admin_value(record, "tenant"),
	    text);
	check_remedy(report,
	    "nothing: mail goes on then. If it comes again, spread clients "
	    "over more mailboxes");
}

void
check_throttles(const struct host *host, struct report *report)
{
	check_daemon_ask(host, "throttles", report, check_daemon_throttle);
}

/* --- certificates of clients --- */

static int check_daemon_certificates; /* entries that are known by one */

static void
check_daemon_certificate(
    const struct admin_record *record, struct report *report)
{
	(void)report;
	if (strstr(admin_value(record, "attributes"), "client_certificate") !=
	    NULL)
		check_daemon_certificates++;
}

/* Returns how many certificates the file has. */
static int
check_daemon_count(const char *file)
{
	FILE *in = fopen(file, "re");
	char line[256];
	int count = 0;

	if (in == NULL)
		return 0;
	while (fgets(line, sizeof(line), in) != NULL)
		if (strncmp(line, "-----BEGIN ", 11) == 0)
			count++;
	fclose(in);
	return count;
}

/* Returns the setting by which a service trusts authorities of everybody's. */
static const char *
check_daemon_public(
    const struct host *host, const struct postconf_service *service)
{
	static const char *const folder = "smtpd_tls_CApath";
	static const char *const system = "tls_append_default_CA";

	if (!postfix_is_yes(host->postfix, service, "smtpd_tls_ask_ccert") &&
	    !postfix_is_yes(host->postfix, service, "smtpd_tls_req_ccert"))
		return NULL;
	if (check_daemon_count(postfix_get(host->postfix, service,
		"smtpd_tls_CAfile")) > CHECK_DAEMON_AUTHORITIES)
		return "smtpd_tls_CAfile";
	if (postfix_get(host->postfix, service, folder)[0] != '\0')
		return folder;
	return postfix_is_yes(host->postfix, service, system) ? system : NULL;
}

static void
check_daemon_authority(const struct host *host,
    const struct postconf_service *service, struct report *report)
{
	const char *setting = check_daemon_public(host, service);

	if (setting == NULL)
		return;
	check_say(report, CHECK_CRITICAL,
	    "%s trusts certificates of public authorities (%s), so anybody may "
	    "have one of a name that an entry has in client_certificate",
	    service->id, setting);
	check_remedy(report,
	    "have smtpd_tls_CAfile name your own authority alone, with "
	    "smtpd_tls_CApath= and tls_append_default_CA=no (%s), then: "
	    "postfix reload",
	    check_fragment("postfix/services/certificate"));
}

void
check_authorities(const struct host *host, struct report *report)
{
	check_daemon_ask(host, "identities", report, check_daemon_certificate);
	if (check_daemon_certificates > 0)
		check_each_listener(host, report, check_daemon_authority);
}

/* --- the table --- */

static void
check_daemon_table(const struct admin_record *record, struct report *report)
{
	const char *fault = admin_value(record, "fault");

	if (fault[0] == '\0')
		return;
	check_say(report, CHECK_CRITICAL, "the table of identities: %s", fault);
	check_remedy(report,
	    "mend the line that is named; msgraphd reads it again by itself");
}

void
check_table(const struct host *host, struct report *report)
{
	check_daemon_ask(host, "status", report, check_daemon_table);
}
