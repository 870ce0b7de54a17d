/*
 * attachment.h - the parts of a large message that the agent took out of it:
 * names, types, and where their decoded bytes lie in the spool file.
 *
 * The daemon attaches them to a draft as they are, and knows no more of MIME
 * than these words. A message without attachments here goes in one request.
 */
#ifndef MSGRAPHD_ATTACHMENT_H
#define MSGRAPHD_ATTACHMENT_H

#include <stddef.h>

#include "lib/base/error.h"
#include "source.h"

#define ATTACHMENTS_MAX 1000
#define ATTACHMENT_TEXT_MAX 1024 /* bytes of a name, type or Content-ID */

struct attachment {
	struct segment bytes; /* of the spool file */
	char *name, *type; /* owned, UTF-8 */
	char *id; /* owned, UTF-8: Content-ID without <>; NULL: none */
	int is_inline;
};

struct attachments {
	struct attachment *list; /* owned */
	size_t count, room;
	long long size; /* of all together */
};

/* Frees the list, and leaves it empty. */
void attachments_free(struct attachments *);

/*
 * Reads a line of the agent's request. 1 when the line is about an attachment,
 * 0 when it is about something else, -1 with *err.
 */
int attachments_read(struct attachments *, const char *name, const char *value,
    struct error *err);

/*
 * Checks that each has a name and a type, and lies inside the spool file.
 */
int attachments_check(
    const struct attachments *, const struct source *, struct error *err);

#endif
