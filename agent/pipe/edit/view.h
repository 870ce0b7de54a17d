/*
 * view.h - the message as it is after some edits, and edits of that.
 *
 * An edit of the finished header or of a body starts from what earlier edits
 * made of the message, and must not overlap one of these. So edits come in
 * layers: a
 * view reads the message with one layer done, and the next layer is made over
 * what the view shows. view_apply() makes one layer of both.
 */
#ifndef MSGRAPH_AGENT_VIEW_H
#define MSGRAPH_AGENT_VIEW_H

#include <sys/types.h>

#include "lib/mail/mime.h"
#include "edit.h"

struct view {
	struct edits *below; /* borrowed: the layer that is done */

	/*
	 * What is shown, as a spool with the same descriptor. edits_init()
	 * takes it for the next layer. Until view_free(), nothing else may
	 * append to the spool.
	 */
	struct spool spool;
};

/*
 * Makes a view of the message as the edits below change it. 0, or -1 when the
 * message cannot be copied. view_free() takes what either leaves.
 */
int view_init(struct view *, struct edits *below, struct error *);
void view_free(struct view *);

/* Returns where the shown message is, for mime_new(). */
struct mime_source view_source(struct view *);

/* Reads what is shown, as pread(2); 0 at its end, -1 with errno. */
ssize_t view_read(void *view, void *bytes, size_t len, long long at);

/*
 * Makes the layer below do what both layers do, and takes the edits above for
 * that. The view is only good to be freed afterwards.
 */
void view_apply(struct view *, struct edits *above);

#endif
