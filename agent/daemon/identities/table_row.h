/*
 * table_row.h - one entry: a logical line of a file, or a row of a map outside.
 */
#ifndef MSGRAPHD_TABLE_ROW_H
#define MSGRAPHD_TABLE_ROW_H

#include "lib/base/error.h"
#include "entry.h"
#include "table_line.h"

/*
 * Reads a logical line: the name, and the attributes of *entry, whose file and
 * is_outside are set and whose line is set here. The entry points into the
 * line. 0; or -1 with *err, which begins with the place; table_entry_clear()
 * frees in any case.
 */
int table_row_read(
    struct entry *entry, struct table_line *line, struct error *err);

/*
 * Makes an entry of the row that a map outside has for a key, which is the name
 * of an entry or tenant@client. In the second case the entry has no name, and
 * its application is the key's. map is the map's name and borrowed. NULL with
 * *err, which begins with the map and the key.
 */
struct entry *table_row_new(
    const char *map, const char *key, const char *row, struct error *err);

/* Frees *entryp, of table_row_new(), and makes it NULL. Takes NULL. */
void table_row_free(struct entry **entryp);

/* The longest text of table_row_place(), with its NUL; a longer one is cut. */
#define TABLE_PLACE_SIZE 320

/*
 * Writes where an entry stands into text, "FILE:LINE" or a map; returns text.
 */
const char *table_row_place(
    const struct entry *entry, char text[TABLE_PLACE_SIZE]);

#endif
