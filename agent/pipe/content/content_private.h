/*
 * content_private.h - what the files of content*.c share.
 */
#ifndef MSGRAPH_AGENT_CONTENT_PRIVATE_H
#define MSGRAPH_AGENT_CONTENT_PRIVATE_H

#include "agent/pipe/codec/transform.h"
#include "agent/pipe/edit/view.h"
#include "lib/mail/mime.h"
#include "content.h"

struct charsets;

struct content {
	const struct content_rules *rules; /* borrowed */
	struct scan found; /* in the whole message */
	struct view view; /* the message with all earlier edits */
	struct edits edits; /* of what the view shows */
	struct charsets *charsets; /* owned; NULL where nothing has 8 bits */
	const char *charset; /* of the part's 8-bit fields, or ""; borrowed */
	long long done; /* what is before needs nothing more */
	int protected; /* depth of a container to leave alone, or -1 */
};

/* What becomes of a body. */
struct body_plan {
	int change; /* 0: nothing, and nothing in it */
	enum transform_kind transform;
	const char *encoding; /* new Content-Transfer-Encoding, or NULL */
	const char *charset; /* to be put into Content-Type, or NULL */
	char inside[CHARSET_NAME_MAX + 1]; /* that the text itself names */
};

/* --- content.c --- */

/*
 * Starts an edit as edit_start() does, but takes in what lies between this edit
 * and the one before when there are many, so that no message needs more than
 * there may be.
 */
int content_start(
    struct content *, long long from, long long len, struct error *);

/* Returns 1 when a DKIM-Signature, which covers bytes, is among the fields. */
int content_is_signed(struct span fields);

/* --- content_body.c --- */

/* Decides what a leaf needs; reads its body for it. */
int content_plan(struct content *, const struct mime_part *, struct body_plan *,
    struct error *);

/* Writes the body anew. */
int content_transform(
    struct content *, struct mime_range, enum transform_kind, struct error *);

/* Makes line ends CRLF from done to here, where any is not, and moves done. */
int content_line_ends(struct content *, long long to, struct error *);

/* --- content_head.c --- */

/*
 * Returns 1 when every reader finds the charset of the part that we found in
 * its Content-Type: it stands there once, without other text, and each
 * parameter has its ';'.
 */
int content_head_is_unambiguous(const struct mime_part *);

/* Edits the fields of a part. */
int content_head(struct content *, const struct mime_part *,
    const struct body_plan *, struct error *);

/* Hides the client in a message of which nothing else may change. */
int content_head_client(
    struct content *, const struct mime_part *, struct error *);

/* --- content_charset.c --- */

/* Walks over all parts first. content_edit() frees what it leaves. */
int content_charsets_find(
    struct content *, struct mime_reader *, struct error *);

/* Sets charset; once for each part, in their order. */
void content_charset_enter(struct content *, const struct mime_part *);

/* Returns the charset of the message itself, or ""; after the first walk. */
const char *content_charset_of_message(const struct content *);

/*
 * Converts the value of a field whose charset has characters of several bytes,
 * and that is not UTF-8, to UTF-8, so that whoever reads the value next may go
 * by bytes: the second one of a character may be a '\\', '@' or '['. Returns 1;
 * 0 with nothing appended where the value may stay; -1 with *err set.
 */
int content_charset_convert(struct span value, const char *charset,
    struct buf *utf8, struct error *err);

/* --- content_received.c --- */

/* Finds the Received field that names our client. 1 with *value, or 0. */
int received_find(struct span fields, const char *queue_id, struct span *value);

/* Returns what is to be cut from its value: "from" up to "by", or nothing. */
struct span received_client(struct span value);

#endif
