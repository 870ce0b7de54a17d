/*
 * large_private.h - what the files of large*.c share.
 */
#ifndef MSGRAPH_AGENT_LARGE_PRIVATE_H
#define MSGRAPH_AGENT_LARGE_PRIVATE_H

#include "agent/pipe/edit/view.h"
#include "lib/mail/mime.h"
#include "large.h"

/* So many of the largest parts are looked at: what msgraphd takes. */
#define LARGE_PARTS_MAX 1000

/* Taking out less is worth no request. */
#define LARGE_PART_MIN 4096

/* Of a name or Content-ID, with its NUL; msgraphd takes as many. */
#define LARGE_TEXT_MAX 1024
#define LARGE_TYPE_MAX 256

/* What stands where the only part of a multipart was: an empty text. */
#define LARGE_STUB "Content-Type: text/plain; charset=us-ascii\r\n\r\n"

struct large_part {
	struct mime_range header, body;
	/* boundary line, header, body and the line end after it, if any */
	struct mime_range whole;
	enum mime_encoding encoding;
	long
	    container; /* which multipart it stands in; -1: it is the message */
	unsigned long siblings; /* parts in that, with this one */
	int tried, taken;
	long long at, len; /* decoded, in the spool file */
	char name[LARGE_TEXT_MAX], type[LARGE_TYPE_MAX], id[LARGE_TEXT_MAX];
	int is_inline;
};

/* What must stay, for who reads the bounce. */
struct large_rest {
	long long too_many; /* bytes of the parts that LARGE_PARTS_MAX left */
	long long len; /* of the largest other leaf */
	char what[2 * LARGE_TYPE_MAX];
	const char *why; /* constant text; NULL: there is none */
};

/*
 * Fills large with the parts that may be taken out (LARGE_PARTS_MAX of them at
 * most), in the order of the message, and *rest. 0, or -1.
 */
int large_find(
    struct view *, struct large *, struct large_rest *, struct error *);

/* Notes a part that stays, if it is the largest so far. */
void large_stays(struct large_rest *, const struct large_part *,
    const char *type, const char *why);

/*
 * Finds where the line end starts that ends at this place; or the place itself.
 * -1 with *err set when the message cannot be read.
 */
long long large_back_line_end(struct view *, long long at, struct error *);

/*
 * Fills in what a part is called; the name stays empty where it has none. 0; or
 * -1 with *err set when the machine cannot convert the name.
 */
int large_describe(const struct mime_part *, int in_related,
    struct large_part *, struct error *);

/* Gives a part without a name one. */
void large_name(struct large_part *);

#endif
