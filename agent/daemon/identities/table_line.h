/*
 * table_line.h - the form of a table: logical lines, and words in them, as
 * master.cf has both.
 *
 * Both readers write into the text: what they hand out are strings in it.
 */
#ifndef MSGRAPHD_TABLE_LINE_H
#define MSGRAPHD_TABLE_LINE_H

#include "lib/base/error.h"

/* Where a reader stands. */
struct table_line {
	char *at; /* the text ends with a NUL, and has no other */
	unsigned int number; /* of the physical line, from 1 */
};

/*
 * Takes the next logical line off the lines: *line becomes it. A line that
 * starts with white space belongs to the one before; empty lines and lines
 * whose first character is '#' say nothing, wherever they stand. 1, or 0 at the
 * end.
 */
int table_line_next(struct table_line *lines, struct table_line *line);

/*
 * Takes the next word off a logical line, and passes over white space before
 * it. NULL at the end.
 */
char *table_line_word(struct table_line *line);

/* An attribute, and the physical line on which it begins. */
struct table_attribute {
	char *name, *value;
	unsigned int number;
};

/*
 * Takes the next attribute off a logical line: name=value, or { name = value },
 * where the value may hold blanks. 1 with both; 0 at the end; -1 with *err,
 * which shows nothing of what has no name, and with the number alone.
 */
int table_line_attribute(struct table_line *line,
    struct table_attribute *attribute, struct error *err);

#endif
