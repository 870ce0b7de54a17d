/*
 * observe.c - see observe.h.
 */
#include "agent/daemon/base/activity.h"
#include "agent/daemon/base/clock.h"
#include "agent/daemon/base/recent.h"
#include "lib/base/log.h"
#include "observe.h"

static void
observe_line(void *ctx, enum log_level level, const char *line)
{
	recent_note(ctx, level == LOG_LEVEL_ERROR ? "error" : "warning", line,
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

void
observe_end(struct msgraphd *daemon)
{
	log_watch(NULL, NULL);
	recent_free(&daemon->recent);
	activity_free(&daemon->activity);
}
