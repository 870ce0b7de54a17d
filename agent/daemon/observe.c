/*
 * observe.c - see observe.h.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agent/daemon/base/activity.h"
#include "agent/daemon/base/clock.h"
#include "agent/daemon/base/recent.h"
#include "agent/daemon/delivery/delivery.h"
#include "agent/daemon/identities/identities.h"
#include "lib/base/log.h"
#include "lib/local/notify.h"
#include "observe.h"

#define OBSERVE_LINE_MAX 1024

/* Postfix tries mail that waits much more often: longer ago, it is gone. */
#define OBSERVE_FAILURE_SECONDS 86400LL

/* What systemd has been told last; one process has one status. */
static char observe_told[OBSERVE_LINE_MAX + 1];

/*
 * The same about another message is no other event: its queue id comes first.
 */
static void
observe_line(void *ctx, enum log_level level, const char *line)
{
	const char *what = strstr(line, ": ");

	recent_note(ctx, level == LOG_LEVEL_ERROR ? "error" : "warning",
	    what != NULL && strcspn(line, " ") > (size_t)(what - line) ? what
								       : line,
	    NULL, line);
}

int
observe_begin(struct msgraphd *daemon, struct error *err)
{
	daemon->started = clock_wall();
	daemon->activity = activity_new();
	daemon->recent = recent_new();
	if (daemon->activity == NULL || daemon->recent == NULL)
		return error_no_memory(err);
	log_watch(observe_line, daemon->recent);
	return 0;
}

/* --- systemd --- */

/* Which application has had no token for longest, since when and why. */
static void
observe_add_failing(struct buf *line, const struct activity *activity)
{
	const struct activity_row *row = activity_failing_at(activity, 0);
	size_t count = activity_count_failing(activity);
	char application[IDENTITY_TEXT_SIZE], since[32];
	struct tm tm;
	time_t time;

	if (row == NULL)
		return;
	time = (time_t)row->failing_since;
	strftime(
	    since, sizeof(since), "%Y-%m-%d %H:%M", localtime_r(&time, &tm));
	buf_printf(line, "; application %s%s%s: no token since %s (%.100s)",
	    identity_text(&row->key.id, application),
	    row->key.entry[0] == '\0' ? "" : ", entry ", row->key.entry, since,
	    row->why);
	if (count > 1)
		buf_printf(line, " and %zu more", count - 1);
}

static void
observe_compose(struct msgraphd *daemon, struct buf *line)
{
	const struct activity_counts *counts =
	    activity_counts(daemon->activity);
	const char *fault = daemon->identities == NULL
	    ? ""
	    : identities_fault(daemon->identities);

	buf_printf(line,
	    "STATUS=sent %llu, deferred %llu, bounced %llu, %zu in flight",
	    counts->sent, counts->deferred, counts->bounced,
	    deliveries_count(daemon));
	observe_add_failing(line, daemon->activity);
	if (fault[0] != '\0')
		buf_printf(
		    line, "; table of identities not read: %.100s", fault);
}

void
observe_tell(struct msgraphd *daemon)
{
	struct buf line;

	activity_expire(
	    daemon->activity, clock_wall() - OBSERVE_FAILURE_SECONDS);
	if (notify_watchdog_ms() > 0)
		notify_systemd("WATCHDOG=1");
	buf_init(&line, OBSERVE_LINE_MAX);
	observe_compose(daemon, &line);
	if (line.len > 0 && strcmp(line.bytes, observe_told) != 0) {
		snprintf(observe_told, sizeof(observe_told), "%s", line.bytes);
		notify_systemd(line.bytes);
	}
	buf_free(&line);
}

void
observe_end(struct msgraphd *daemon)
{
	log_watch(NULL, NULL);
	recent_free(&daemon->recent);
	activity_free(&daemon->activity);
}
