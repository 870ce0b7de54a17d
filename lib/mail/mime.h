/*
 * mime.h - walks the MIME structure of a message (RFC 2045, 2046) and hands out
 * its parts as ranges of the message's bytes. Reads the message in pieces,
 * changes nothing, and needs the same memory for any message.
 *
 *	struct mime_reader *r = mime_new(&source);
 *	struct mime_part p;
 *
 *	while ((event = mime_next(r, &p, &err)) == MIME_LEAF ||
 *	    event == MIME_OPEN || event == MIME_CLOSE)
 *		...
 *	mime_free(&r);
 *
 * A part that holds parts gives MIME_OPEN, then all that is in it, then
 * MIME_CLOSE; any other gives MIME_LEAF. The bytes between the ranges are empty
 * lines after headers, boundary lines, and the text before the first and after
 * the last of them.
 *
 * How odd messages are read:
 *	- Lines end in CRLF or LF, in bodies also in CR, since content.c
 *	  makes line ends of all three. header.h reads the fields.
 *	- A boundary line is "--", the boundary, perhaps "--", blanks, and the
 *	  line's end. That of an outer multipart ends the inner ones that were
 *	  not ended; after "--boundary--" only outer ones count. A multipart
 *	  that is never ended ends with what it is in.
 *	- Without an empty line the body starts at the first line that is no
 *	  field, or at the boundary line.
 *	- A multipart without boundary is a leaf; one whose boundary never comes
 *	  has no parts. A part is a leaf too if it is deeper than
 *	  MIME_DEPTH_MAX, has a header over MIME_HEADER_MAX, or is a
 *	  message/rfc822 in base64 or quoted-printable, which RFC 2045 section
 *	  6.4 forbids. Such parts are marked opaque.
 *	- Content-Type counts without MIME-Version, the first one where there
 *	  are several. One that cannot be read is text/plain (RFC 2045
 *	  section 5.2).
 */
#ifndef MSGRAPH_MIME_H
#define MSGRAPH_MIME_H

#include <sys/types.h>

#include "lib/base/error.h"
#include "lib/base/span.h"
#include "charset.h"
#include "header.h"

/* As deep as Postfix reads (mime_nesting_limit). */
#define MIME_DEPTH_MAX 100

/* RFC 2046 allows 70. */
#define MIME_BOUNDARY_MAX 256

/*
 * Bytes of one part's header: more than the agent accepts from a client, and a
 * Bcc.
 */
#define MIME_HEADER_MAX (2 * 1024 * 1024)

#define MIME_TYPE_MAX 80

/* Where the message is. */
struct mime_source {
	/* as pread(2); -1 with errno set */
	ssize_t (*read)(void *context, void *bytes, size_t len, long long at);
	void *context; /* borrowed */
	long long size; /* of the message */
};

/* Bytes of the message: from up to, and without, to. */
struct mime_range {
	long long from, to;
};

enum mime_event { MIME_ERROR = -1, MIME_END, MIME_LEAF, MIME_OPEN, MIME_CLOSE };

enum mime_kind { MIME_KIND_LEAF, MIME_KIND_MULTIPART, MIME_KIND_MESSAGE };

enum mime_encoding {
	MIME_UNDECLARED,
	MIME_7BIT,
	MIME_8BIT,
	MIME_BINARY,
	MIME_QUOTED_PRINTABLE,
	MIME_BASE64,
	MIME_OTHER /* a name that is none of these */
};

/* The containers that a part stands in, at any depth. */
#define MIME_IN_SIGNED 0x1 /* multipart/signed */
#define MIME_IN_ENCRYPTED 0x2 /* multipart/encrypted */
#define MIME_IN_MESSAGE 0x4 /* message/rfc822 */

struct mime_part {
	enum mime_kind kind;
	int depth; /* 0: the message itself */
	unsigned int inside; /* MIME_IN_... */
	int is_message; /* its header is that of a message, not of a part */
	int opaque; /* see above: what is in it was not read */

	struct mime_range header; /* its fields, without the empty line */
	struct mime_range body; /* to is known at MIME_LEAF and MIME_CLOSE */

	/*
	 * The rest is not set at MIME_CLOSE. The fields are the reader's and
	 * good until the next mime_next(), and so are spans into them.
	 */
	struct span fields;
	enum header_end header_end; /* HEADER_OPEN: over MIME_HEADER_MAX */

	/* "text/plain" where the header does not say; in lower case */
	char type[MIME_TYPE_MAX], subtype[MIME_TYPE_MAX];
	int type_read; /* there is a Content-Type, and it can be read */
	enum mime_encoding encoding;
	struct span encoding_name; /* a token; empty where none can be read */
	struct span content_type; /* values of the fields; empty if absent */
	struct span disposition;
	struct span content_id; /* without blanks and <> */
	char charset[CHARSET_NAME_MAX + 1]; /* "" where it is not said */
};

struct mime_reader;

/* Returns NULL without memory. Copies the source and borrows its context. */
struct mime_reader *mime_new(const struct mime_source *);
void mime_free(struct mime_reader **);

/*
 * Reads up to the next event. MIME_ERROR, with *err set, when the source fails
 * or out of memory.
 */
enum mime_event mime_next(
    struct mime_reader *, struct mime_part *, struct error *err);

/*
 * Returns 1 when the part is of this type, and of this subtype or any if NULL.
 */
int mime_is(const struct mime_part *, const char *type, const char *subtype);

/* Returns 1 for S/MIME: application/pkcs7-mime or its older name. */
int mime_is_pkcs7(const struct mime_part *);

/* Returns 1 when Content-Disposition says this: "attachment", "inline". */
int mime_disposition_is(const struct mime_part *, const char *disposition);

/*
 * Writes the file name that the part has, as UTF-8 with a NUL: filename of
 * Content-Disposition, else name of Content-Type; RFC 2231 in all forms, and
 * encoded words where they should not be. Control characters and a Windows
 * path are dropped.
 * Returns its length, 0 where there is none; a longer one is cut as by
 * mime_name_fit(). Returns -1 with *err set and an empty name where the machine
 * cannot convert it: see charset_to_utf8().
 */
int mime_filename(
    const struct mime_part *, char *name, size_t size, struct error *err);

/*
 * Returns the file name without the path that Windows programs put before it:
 * what follows the last backslash, one at the end not counted.
 */
struct span mime_name_base(struct span name, enum charset_kind);

/*
 * Writes a file name (UTF-8) and a NUL into size bytes, 1 at least. A name that
 * is too long loses characters before its extension, which tells programs the
 * kind of the file. Returns the length.
 */
size_t mime_name_fit(char *name, size_t size, struct span utf8);

#endif
