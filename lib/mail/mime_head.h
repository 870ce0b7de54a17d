/*
 * mime_head.h - reads the fields that say what a part is. For mime.c alone.
 */
#ifndef MSGRAPH_MIME_HEAD_H
#define MSGRAPH_MIME_HEAD_H

#include "mime.h"

struct mime_boundary {
	char text[MIME_BOUNDARY_MAX + 1];
	size_t len;
};

/*
 * Reads part->fields and sets kind, opaque and what follows fields in struct
 * mime_part; *boundary where kind is MIME_KIND_MULTIPART. Inside a
 * multipart/digest (in_digest), a part without Content-Type is a message.
 */
void mime_head(struct mime_part *, int in_digest, struct mime_boundary *);

#endif
