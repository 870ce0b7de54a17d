/*
 * admin_status.c - the requests "status", "throttles" and "events" of the admin
 * socket: see admin_answer.h.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/daemon/base/activity.h"
#include "agent/daemon/base/clock.h"
#include "agent/daemon/base/recent.h"
#include "agent/daemon/delivery/delivery.h"
#include "agent/daemon/identities/identities.h"
#include "agent/daemon/throttle/throttle.h"
#include "lib/base/version.h"
#include "admin_answer.h"

/* --- status --- */

int
admin_status(struct admin_answer *answer)
{
	const struct msgraphd *daemon = answer->daemon;
	const struct activity_counts *counts =
	    activity_counts(daemon->activity);

	admin_begin(answer, "status");
	admin_text(answer, "version", MSGRAPH_VERSION);
	admin_number(answer, "pid", getpid());
	admin_number(answer, "started", daemon->started);
	admin_number(answer, "now", clock_wall());
	admin_text(answer, "settings", daemon->conf_file);
	admin_count(answer, "sent", counts->sent);
	admin_count(answer, "deferred", counts->deferred);
	admin_count(answer, "bounced", counts->bounced);
	admin_count(answer, "in-flight", deliveries_count(daemon));
	admin_count(answer, "signed-in", counts->signed_in);
	admin_count(answer, "refused", counts->refused);
	admin_count(answer, "put-off", counts->put_off);
	admin_count(
	    answer, "failing", activity_count_failing(daemon->activity));
	admin_count(answer, "entries", identities_count(daemon->identities));
	admin_text(answer, "fault", identities_fault(daemon->identities));
	admin_end(answer);
	return 0;
}

/* --- throttles --- */

/* How throttle.c begins the name of a throttle, and what that means. */
static const struct {
	const char *prefix, *scope;
} scopes[] = {
    {"mailbox ", "mailbox"},
    {"client ", "application"},
    {"mail of tenant ", "tenant"},
    {"sign-in ", "sign-ins of the application"},
    {"tenant ", "sign-ins of the tenant"},
};

#define SCOPES (sizeof(scopes) / sizeof(scopes[0]))

static void
admin_status_throttle(void *ctx, const char *name, long long until)
{
	struct admin_answer *answer = ctx;
	char text[THROTTLE_NAME_SIZE], *mailbox;
	size_t i, len;

	for (i = 0; i < SCOPES; i++) {
		len = strlen(scopes[i].prefix);
		if (strncmp(name, scopes[i].prefix, len) == 0)
			break;
	}
	if (i == SCOPES)
		return;
	snprintf(text, sizeof(text), "%s", name + len);
	if ((mailbox = strchr(text, ' ')) != NULL)
		*mailbox++ = '\0';
	admin_begin(answer, "throttle");
	admin_text(answer, "scope", scopes[i].scope);
	admin_text(
	    answer, strchr(text, '/') != NULL ? "application" : "tenant", text);
	admin_text(answer, "mailbox", mailbox);
	admin_number(answer, "until", until);
	admin_end(answer);
}

int
admin_throttles(struct admin_answer *answer)
{
	answer->place = throttles_each(answer->daemon->throttles, answer->place,
	    ADMIN_RECORD_MAX / (2 * THROTTLE_NAME_SIZE), admin_status_throttle,
	    answer);
	return answer->place != 0;
}

/* --- events --- */

int
admin_events(struct admin_answer *answer)
{
	const struct recent_event *event =
	    recent_before(answer->daemon->recent, answer->place);

	if (event == NULL)
		return 0;
	answer->place = event->number;
	admin_begin(answer, "event");
	admin_number(answer, "last", event->last);
	admin_number(answer, "first", event->first);
	admin_count(answer, "count", event->count);
	admin_text(answer, "what", event->what);
	admin_text(answer, "text", event->text);
	admin_text(answer, "remedy", event->remedy);
	admin_end(answer);
	return 1;
}
