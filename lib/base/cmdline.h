/*
 * cmdline.h - options of a command line: one table a program, from which both
 * parser and help come.
 *
 * Prints nothing of its own accord while it reads: pipe(8) takes what
 * msgraph-agent prints first for its status.
 */
#ifndef MSGRAPH_CMDLINE_H
#define MSGRAPH_CMDLINE_H

#include <stdio.h>

#include "error.h"

struct cmdline_option {
	int key; /* its letter; above 255 where it has none; 0 ends a table */
	const char *name; /* behind "--", or NULL */
	const char *value; /* what help calls its value; NULL: it takes none */
	const char *help; /* one line */
};

struct cmdline {
	const char *program;
	const char
	    *usage; /* behind the name; a line with blanks first goes on */
	const struct cmdline_option *options; /* at most 16 */
	int operands; /* 1: others may follow the options */
};

/* Options that every program has; each is a row: {CMDLINE_HELP}. */
#define CMDLINE_HELP 'h', "help", NULL, "print this help and exit"
#define CMDLINE_VERSION 'V', "version", NULL, "print the version and exit"

/*
 * Reads the next option, from optind on, as getopt(3) does. Returns its key,
 * with *value set where it takes one (borrowed from argv); 0 at the end, with
 * optind at the first operand; or -1 with an error (class ERROR_OURS, 4.3.5)
 * that names the argument and the mistake in it, but no remedy.
 */
int cmdline_next(const struct cmdline *, int argc, char **argv,
    const char **value, struct error *err);

/*
 * Answers the key 'h' with a line for each usage and for each option, or 'V'
 * with name and version. Whether it could be written shows when out is flushed.
 */
void cmdline_answer(const struct cmdline *, int key, FILE *out);

/*
 * Writes one line on standard error that names the mistake and how to see the
 * options. Returns the exit status for it (64, EX_USAGE). Not for
 * msgraph-agent: pipe(8) would bounce the message.
 */
int cmdline_fail(const struct cmdline *, const struct error *err);

#endif
