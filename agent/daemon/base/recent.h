/*
 * recent.h - keeps the last warnings, errors, deferrals and bounces, for
 * msgraphctl: what the log says too, with what to do about it.
 *
 * The same event again counts up one row. There are RECENT_MAX rows, and the
 * one that is silent longest goes first. Nothing here is secret: the log has
 * it.
 */
#ifndef MSGRAPHD_RECENT_H
#define MSGRAPHD_RECENT_H

#include <stddef.h>

#define RECENT_MAX 64
#define RECENT_TEXT_SIZE 640

/* Times are on clock_wall(). */
struct recent_event {
	long long first, last;
	unsigned long count; /* 0: an empty row */
	unsigned long number; /* rises with each event; larger is later */
	const char *what; /* "error", "warning", "deferred", "bounced" */
	char key[256]; /* tells events apart */
	char text[RECENT_TEXT_SIZE];
	const char *remedy; /* a constant; "" where the text has it */
};

struct recent;

/* Makes an empty one. NULL when out of memory. */
struct recent *recent_new(void);

/* Frees *recentp and makes it NULL. Takes NULL. */
void recent_free(struct recent **recentp);

/*
 * Notes an event of a kind (a constant). Events of one kind and key are the
 * same; the last text stays. reason is a word of reason.h, or NULL where it
 * stands in the text as "reason=". Takes a NULL recent.
 */
void recent_note(struct recent *recent, const char *what, const char *key,
    const char *reason, const char *text);

/*
 * Returns the latest event (number 0), or the latest before the one of that
 * number; NULL when there is none. The event is valid until the next note.
 */
const struct recent_event *recent_before(
    const struct recent *recent, unsigned long number);

/* Returns what to do about a reason (reason.h); "" for none or another word. */
const char *recent_remedy(const char *reason);

#endif
