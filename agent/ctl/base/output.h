/*
 * output.h - what a command prints: tables of named columns, for a person as
 * text or for a program as JSON. Which of them is one switch, and a command
 * that emits rows need not know.
 */
#ifndef MSGRAPHCTL_OUTPUT_H
#define MSGRAPHCTL_OUTPUT_H

#include <stdio.h>

enum output_kind {
	OUTPUT_TEXT,
	OUTPUT_NUMBER, /* decimal digits, in JSON a number; empty: null */
	OUTPUT_STATUS, /* ok, warning ...: coloured on a terminal */
	OUTPUT_TIME, /* seconds since 1970; local time, in JSON UTC */
	OUTPUT_BELOW /* a long text; in a table "name: text" below the row */
};

/*
 * A column. Its name is the key in JSON, and in upper case the head of a table:
 * names are an interface that msgraphctl(8) lists, and stay.
 */
struct output_column {
	const char *name; /* NULL ends a list */
	enum output_kind kind;
};

/* A table that a command may print, for its help. NULL name ends a list. */
struct output_list {
	const char *name;
	const struct output_column *columns;
};

struct output;

/* Begins. NULL when out of memory. */
struct output *output_new(FILE *out, int is_json);

/*
 * Begins a table; the rows that follow are its own. In JSON it is an array of
 * objects under this name. The columns are borrowed until output_end().
 */
void output_table(struct output *output, const char *name,
    const struct output_column *columns);

/*
 * Adds a row: a value for each column, in their order, NULL or "" where there
 * is none. Values are copied; what is no printable UTF-8 in them becomes '?'.
 */
void output_row(struct output *output, const char *const *values);

/*
 * Prints what was added and frees *outputp, which becomes NULL. 0; or -1 when
 * memory ran out or the text could not be written.
 */
int output_end(struct output **outputp);

#endif
