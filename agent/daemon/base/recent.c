/*
 * recent.c - see recent.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "reason.h"
#include "recent.h"

struct recent {
	struct recent_event events[RECENT_MAX];
	unsigned long number;
};

static const struct {
	const char *reason, *remedy;
} remedies[] = {
    {REASON_THROTTLED,
	"nothing: mail goes once the time is over. Where it happens often, let "
	"clients send less at a time, or from more mailboxes"},
    {REASON_CREDENTIAL,
	"make a new secret in Entra and sign in with it; for an entry with a "
	"credential of its own, put the new one into its file"},
    {REASON_IDENTITY,
	"name the application in the table of identities, or its tenant in "
	"allowed_tenants; mend the table where it cannot be read"},
    {REASON_PERMISSION,
	"let the application send as this mailbox: msgraphctl entra-script "
	"prints the commands for Exchange"},
    {REASON_MAILBOX,
	"check that the mailbox exists in Exchange Online and is not full"},
    {REASON_RECIPIENT, "check the addresses of the recipients"},
    {REASON_SIZE, "let the client send smaller messages, or links"},
    {REASON_CONTENT, "look at the message: Exchange does not take its form"},
    {REASON_ENDPOINT,
	"nothing, if it is short: mail waits. Else check DNS, proxy and "
	"firewall, and Microsoft's service health"},
    {REASON_CONFIGURATION, "do what the text says, on this host"},
    {REASON_UNKNOWN, "nothing: it is tried again"},
};

const char *
recent_remedy(const char *reason)
{
	size_t i, len;

	for (i = 0; i < sizeof(remedies) / sizeof(remedies[0]); i++) {
		len = strlen(remedies[i].reason);
		if (strncmp(reason, remedies[i].reason, len) == 0 &&
		    (reason[len] == '\0' || strchr(", ", reason[len]) != NULL))
			return remedies[i].remedy;
	}
	return "";
}

struct recent *
recent_new(void)
{
	return calloc(1, sizeof(struct recent));
}

void
recent_free(struct recent **recentp)
{
	free(*recentp);
	*recentp = NULL;
}

/* The row of the event, else the one to put it in. */
static struct recent_event *
recent_row(struct recent *recent, const char *what, const char *key)
{
	struct recent_event *row = NULL, *event = recent->events;
	size_t i;

	for (i = 0; i < RECENT_MAX; i++, event++) {
		if (event->count > 0 && strcmp(event->what, what) == 0 &&
		    strncmp(event->key, key, sizeof(event->key) - 1) == 0)
			return event;
		if (row == NULL || event->number < row->number)
			row = event;
	}
	memset(row, 0, sizeof(*row));
	return row;
}

void
recent_note(struct recent *recent, const char *what, const char *key,
    const char *reason, const char *text)
{
	struct recent_event *event;

	if (recent == NULL)
		return;
	event = recent_row(recent, what, key);
	if (event->count++ == 0)
		event->first = clock_wall();
	event->last = clock_wall();
	event->number = ++recent->number;
	event->what = what;
	snprintf(event->key, sizeof(event->key), "%s", key);
	snprintf(event->text, sizeof(event->text), "%s", text);
	if (reason == NULL && (reason = strstr(text, "reason=")) != NULL)
		reason += strlen("reason=");
	event->remedy = reason == NULL ? "" : recent_remedy(reason);
}

const struct recent_event *
recent_before(const struct recent *recent, unsigned long number)
{
	const struct recent_event *event, *found = NULL;
	size_t i;

	for (i = 0; recent != NULL && i < RECENT_MAX; i++) {
		event = &recent->events[i];
		if (event->count > 0 &&
		    (number == 0 || event->number < number) &&
		    (found == NULL || event->number > found->number))
			found = event;
	}
	return found;
}
