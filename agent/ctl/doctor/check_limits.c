/*
 * check_limits.c - limits that Postfix and msgraph.conf both have, and that
 * must agree. Times are seconds, sizes are bytes.
 */
#include <stdio.h>
#include <string.h>

#include "checks.h"

/* Exchange takes no more recipients in one message. */
#define CHECK_LIMITS_RECIPIENTS 1000
/* What the agent needs between its own deadline and pipe's. */
#define CHECK_LIMITS_LEEWAY 30

/* Returns a transport's limit, such as msgraph_time_limit, and its name. */
static long
check_limits_of(const struct host *host, const struct postconf_service *service,
    const char *what, char name[256])
{
	snprintf(name, 256, "%s_%s", postfix_name(service), what);
	return postfix_number(host->postfix, NULL, name);
}

static void
check_limits_set(
    struct report *report, const char *name, long value, const char *unit)
{
	check_remedy(report, "postconf -e '%s = %ld%s' && postfix reload", name,
	    value, unit);
}

/* --- times --- */

static void
check_limits_times(const struct host *host,
    const struct postconf_service *service, struct report *report)
{
	long ours = host->conf.delivery_timeout;
	char name[256];
	long theirs = check_limits_of(host, service, "time_limit", name);

	if (theirs >= ours + CHECK_LIMITS_LEEWAY)
		return;
	check_say(report, CHECK_CRITICAL,
	    "%s = %lds is no longer than delivery_timeout = %lds of "
	    "msgraph.conf, and pipe(8) bounces what takes longer",
	    name, theirs, ours);
	check_limits_set(report, name, ours + 300, "s");
}

void
check_times(const struct host *host, struct report *report)
{
	check_each_transport(host, report, check_limits_times);
}

/* --- recipients --- */

static void
check_limits_recipients(const struct host *host,
    const struct postconf_service *service, struct report *report)
{
	long ours = host->conf.max_recipients;
	char name[256];
	long theirs =
	    check_limits_of(host, service, "destination_recipient_limit", name);

	if (theirs > CHECK_LIMITS_RECIPIENTS || theirs == 0)
		check_say(report, CHECK_CRITICAL,
		    "%s = %ld is more than Exchange takes in a message (%d), "
		    "so such a message waits for ever",
		    name, theirs, CHECK_LIMITS_RECIPIENTS);
	else if (theirs > ours)
		check_say(report, CHECK_WARNING,
		    "%s = %ld is more than max_recipients = %ld of "
		    "msgraph.conf, so parts of a message share one status",
		    name, theirs, ours);
	else
		return;
	check_limits_set(report, name, ours, "");
}

void
check_recipients(const struct host *host, struct report *report)
{
	check_each_transport(host, report, check_limits_recipients);
}

/* --- how many at once --- */

static void
check_limits_concurrency(const struct host *host,
    const struct postconf_service *service, struct report *report)
{
	long ours = host->conf.mailbox_concurrency;
	char name[256], delay[256];
	long wait =
	    check_limits_of(host, service, "destination_rate_delay", delay);
	long theirs = check_limits_of(
	    host, service, "destination_concurrency_limit", name);

	/* a rate delay makes it 1 */
	if (theirs > ours && wait == 0) {
		check_say(report, CHECK_WARNING,
		    "%s = %ld is more than mailbox_concurrency = %ld of "
		    "msgraph.conf, so deliveries wait in processes of pipe(8)",
		    name, theirs, ours);
		check_limits_set(report, name, ours, "");
	}
	if (strcmp(postfix_name(service), "msgraph") == 0 && wait > 0) {
		check_say(report, CHECK_WARNING,
		    "%s = %lds slows all mail to Graph down", delay, wait);
		check_limits_set(report, delay, 0, "s");
	}
}

void
check_concurrency(const struct host *host, struct report *report)
{
	const struct postconf_service *s =
	    postconf_service(host->postfix, "msgraph/unix");
	long limit, ours = host->conf.process_limit;

	check_each_transport(host, report, check_limits_concurrency);
	if (s == NULL || (limit = postfix_limit(host->postfix, s)) == ours)
		return;
	check_say(report, CHECK_WARNING,
	    "master.cf lets msgraph have %ld processes, and process_limit of "
	    "msgraph.conf is %ld, so the shares of applications are wrong",
	    limit, ours);
	check_remedy(report,
	    "postconf -F 'msgraph/unix/process_limit=%ld' && postfix reload",
	    ours);
}

/* --- sizes --- */

static void
check_limits_sizes(const struct host *host,
    const struct postconf_service *service, struct report *report)
{
	const struct postconf_service *cleanup =
	    check_cleanup_of(host, service);
	const struct conf *conf = &host->conf;
	const char *setting = "max_message_size";
	long theirs =
	    postfix_number(host->postfix, service, "message_size_limit");
	long ours = conf->max_message_size, inner;

	if (conf->large_messages == LARGE_MESSAGES_REFUSE &&
	    conf->sendmail_limit < ours) {
		ours = conf->sendmail_limit;
		setting = "sendmail_limit";
	}
	if (theirs == 0 || theirs > ours) {
		check_say(report, CHECK_WARNING,
		    "%s has message_size_limit = %ld, and %s of msgraph.conf "
		    "is %ld, so a client hears only afterwards that a message "
		    "is too long",
		    service->id, theirs, setting, ours);
		check_remedy(report,
		    "postconf -P '%s/message_size_limit=%ld' && postfix reload",
		    service->id, ours);
	}
	if (cleanup == NULL)
		return;
	inner = postfix_number(host->postfix, cleanup, "message_size_limit");
	if (inner == 0 || (theirs != 0 && inner > theirs))
		return;
	check_say(report, CHECK_WARNING,
	    "%s has message_size_limit = %ld, which counts added header lines "
	    "as well, so a message that %s takes can fail",
	    cleanup->id, inner, service->id);
	check_remedy_option(report, cleanup, "message_size_limit", "0");
}

void
check_sizes(const struct host *host, struct report *report)
{
	check_each_listener(host, report, check_limits_sizes);
}
