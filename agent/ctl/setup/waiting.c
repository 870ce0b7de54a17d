/*
 * waiting.c - see waiting.h.
 *
 * The transport of a message stands in its queue file alone, as the filter that
 * the route or a service has chosen, which postcat -e prints.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/ctl/base/run.h"
#include "waiting.h"

#define WAITING_AT_ONCE 50 /* messages for one postcat */
#define WAITING_QUEUE_MAX (256L * 1024 * 1024) /* a message takes 300 bytes */
#define WAITING_ID "\"queue_id\": \"" /* of postqueue -j, before each id */
#define WAITING_FILTER "content_filter: " /* of postcat -e */

struct waiting {
	const char *folder;
	const struct changes *changes;
	size_t count; /* of messages that wait */
	char first[64]; /* queue id of one */
	char transport[64]; /* of the same */
};

/* Counts in what postcat has printed: a headline and records for each. */
static void
waiting_count(struct waiting *w, const char *text)
{
	const char *line, *filter = NULL, *id = text;
	size_t len = strlen(WAITING_FILTER);

	for (line = text; *line != '\0'; line = strchrnul(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, "*** ENVELOPE", 12) == 0) {
			id = line;
			filter = NULL;
		} else if (strncmp(line, WAITING_FILTER, len) == 0) {
			filter = line + len; /* the last counts */
		} else if (strncmp(line, "*** MESSAGE FILE END", 20) == 0 &&
		    filter != NULL && changes_remove(w->changes, filter) &&
		    w->count++ == 0) {
			snprintf(w->transport, sizeof(w->transport), "%.*s",
			    (int)strcspn(filter, ":\n"), filter);
			id += strcspn(id, "\n");
			while (id > text && id[-1] != '/')
				id--;
			snprintf(w->first, sizeof(w->first), "%.*s",
			    (int)strcspn(id, " \n"), id);
		}
	}
}

/*
 * Looks into these messages. One that has left meanwhile makes postcat fail, so
 * then each is looked at by itself.
 */
static int
waiting_look(
    struct waiting *w, const char *const *ids, size_t count, struct error *err)
{
	const char *argv[WAITING_AT_ONCE + 6] = {
	    "postcat", "-c", w->folder, "-e", "-q"};
	struct buf out, ignored;
	int status;
	size_t i;

	for (i = 0; i < count; i++)
		argv[5 + i] = ids[i];
	buf_init(&out, RUN_OUTPUT_MAX);
	buf_init(&ignored, RUN_OUTPUT_MAX);
	status = run(argv, &out, &ignored, err);
	if (status == 0 && out.bytes != NULL)
		waiting_count(w, out.bytes);
	buf_free(&out);
	buf_free(&ignored);
	if (status > 0)
		for (i = 0; i < count && count > 1 && status != -1; i++)
			status = waiting_look(w, &ids[i], 1, err);
	return status == -1 ? -1 : 0;
}

static int
waiting_search(struct waiting *w, char *queue, struct error *err)
{
	const char *ids[WAITING_AT_ONCE];
	char *at = queue, *end;
	size_t count = 0;

	while (at != NULL && (at = strstr(at, WAITING_ID)) != NULL) {
		ids[count++] = at += strlen(WAITING_ID);
		for (end = at; isalnum((unsigned char)*end); end++)
			;
		at = *end != '\0' ? end + 1 : NULL;
		*end = '\0';
		if (count < WAITING_AT_ONCE)
			continue;
		if (waiting_look(w, ids, count, err) == -1)
			return -1;
		count = 0;
	}
	return count > 0 ? waiting_look(w, ids, count, err) : 0;
}

/* A Postfix that has never run has no queue, and postqueue fails. */
static int
waiting_has_queue(const struct postconf *postconf)
{
	const char *folder = postconf_value(postconf, "queue_directory");
	char path[4200];

	snprintf(
	    path, sizeof(path), "%s/deferred", folder != NULL ? folder : "");
	return access(path, F_OK) == 0;
}

int
waiting_check(const struct present *present, const struct changes *changes,
    struct error *err)
{
	const char *argv[] = {"postqueue", "-c", present->folder, "-j", NULL};
	struct waiting w = {.folder = present->folder, .changes = changes};
	struct buf queue, errors;
	int status;

	if (!waiting_has_queue(&present->postconf))
		return 0;
	buf_init(&queue, WAITING_QUEUE_MAX);
	buf_init(&errors, RUN_OUTPUT_MAX);
	status = run(argv, &queue, &errors, err);
	if (status > 0)
		status = run_failed("postqueue", status, &errors, err);
	else if (status == 0 && queue.bytes != NULL)
		status = waiting_search(&w, queue.bytes, err);
	buf_free(&queue);
	buf_free(&errors);
	if (status == -1)
		return error_prefix(err,
		    "cannot tell whether mail waits for a transport that would "
		    "be removed");
	if (w.count == 0)
		return 0;
	return error_set(err, ERROR_OURS, "4.3.5",
	    "mail waits for a transport that would be removed (%zu messages, "
	    "such as %s for %s); close the ports and let it go first: "
	    "postqueue -f, until postqueue -p shows none",
	    w.count, w.first, w.transport);
}
