/*
 * param.h - the parameters of Content-Type and Content-Disposition, as spans of
 * the field's value (RFC 2045 section 5.1, RFC 2231). Changes nothing.
 *
 *	struct param_reader r;
 *	struct param p;
 *
 *	param_init(&r, value);
 *	while (param_next(&r, &p))
 *		if (span_is(p.name, "charset"))
 *			...
 *
 * Read beyond the grammar: bytes above 127 in a value without quotes; blanks in
 * one that is a file name or a boundary, while others end at a blank, as in
 * Thunderbird; a quoted string without end, which ends with the field; text
 * between a value and the next ';', which is passed over; no ';' before a
 * parameter; in a file name, quotes that end nothing and backslashes of a
 * Windows path.
 */
#ifndef MSGRAPH_PARAM_H
#define MSGRAPH_PARAM_H

#include "lib/base/span.h"

struct param {
	struct span whole; /* from the name's first byte to the value's last */
	struct span name; /* "filename" of "filename*0*" */
	struct span value; /* as it stands, with its quotes; may be empty */
	int section; /* 0 of "filename*0*"; -1 where there is none */
	int extended; /* an asterisk at the end: charset and %XX */
	int is_file_name; /* "filename" or "name" */
	int separated; /* a ';' stands before it, as it must */
};

struct param_reader {
	const char *next;
	const char *limit;
	const char *name_end; /* before it nothing ends a file name in quotes */
};

/* Starts reading behind the type or disposition. */
void param_init(struct param_reader *, struct span value);

/* Reads the next parameter. Returns 1, or 0 at the end. */
int param_next(struct param_reader *, struct param *);

/*
 * Reads "type/subtype". Returns 0, or -1 with both empty where there is none.
 */
int param_type(struct span value, struct span *type, struct span *subtype);

/*
 * Returns the first word of a value, behind blanks and comments, up to a blank,
 * comment, quote or ';': a disposition, an encoding. Empty if there is none.
 */
struct span param_word(struct span value);

/*
 * Writes the meaning of a value, and a NUL: quotes, backslashes and line ends
 * are taken away, and a CR alone becomes a blank. Returns its length, or -1
 * when it does not fit.
 */
int param_text(const struct param *, char *text, size_t size);

/*
 * Finds a parameter, joins its sections, decodes %XX, and writes the bytes and
 * a NUL; *charset (size CHARSET_NAME_MAX + 1, or NULL) is what they are in, ""
 * where that is not said. The first of a name wins, the form with an asterisk
 * over the plain one where starred says so. Returns the length; -1 when there
 * is none or it does not fit.
 */
int param_find(struct span value, const char *name, int starred, char *text,
    size_t size, char *charset);

#endif
