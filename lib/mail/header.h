/*
 * header.h - walks the header fields at the start of a message (RFC 5322
 * section 2.2), as spans of the input. Allocates nothing, changes nothing,
 * looks at each byte a fixed number of times.
 *
 *	struct header_reader r;
 *	struct header_field f;
 *
 *	header_init(&r, bytes, len);
 *	while (header_next(&r, &f))
 *		if (span_is(f.name, "To"))
 *			...
 *	body = r.body;
 *
 * Lines end in CRLF or LF; a CR alone is an ordinary byte. The fields end at
 * the first empty line, at the end of the input, or at a line that is neither
 * a field nor the continuation of one: such a line is the first of the body,
 * which is how Postfix reads it too.
 */
#ifndef MSGRAPH_HEADER_H
#define MSGRAPH_HEADER_H

#include "lib/base/span.h"

struct header_field {
	struct span whole; /* all its lines, with the line end of the last */
	struct span name; /* without blanks before the colon */
	struct span value; /* all after the colon but the last line end */
	int folded; /* the value holds line ends */
};

enum header_end {
	HEADER_OPEN, /* there may be more fields */
	HEADER_EMPTY_LINE, /* what a well-formed message has */
	HEADER_INPUT_END, /* no empty line: no body, or cut off */
	HEADER_BAD_LINE /* body starts with a line that is no field */
};

struct header_reader {
	const char *next; /* the line that is read next */
	const char *limit;
	enum header_end end;
	/* Once end is no longer HEADER_OPEN: */
	struct span fields; /* all fields, without the empty line */
	struct span body; /* what follows the empty line */
};

/* Starts reading at the first field. */
void header_init(struct header_reader *, const char *bytes, size_t len);

/* Reads the next field. Returns 1, or 0 at the end with reader->end set. */
int header_next(struct header_reader *, struct header_field *);

/*
 * Reads the start of a line byte by byte: a name, and perhaps blanks before the
 * colon (RFC 5322 section 4.5). Starts as all zeros; len is the name's.
 */
struct header_name {
	size_t len;
	int blank;
};

enum header_name_state {
	HEADER_NAME_GOES_ON,
	HEADER_NAME_ENDS, /* at this colon: the line is a field */
	HEADER_NAME_NONE /* the line is no field */
};

/* Takes the next byte of the line in. */
enum header_name_state header_name_next(struct header_name *, char);

/*
 * Returns 1 when the value of a field, without its last line end, holds a CR or
 * LF that is no fold (a line end with a blank behind it). A careless reader
 * takes it for the end of a line, so that a client could smuggle in header
 * fields.
 */
int header_has_stray_line_end(struct span value);

/* Returns 1 when these bytes can be a field's name: printable ASCII but ':'. */
int header_name_valid(struct span name);

#endif
