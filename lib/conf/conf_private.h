/*
 * conf_private.h - what the files of this folder share. Others use conf.h.
 */
#ifndef MSGRAPH_CONF_PRIVATE_H
#define MSGRAPH_CONF_PRIVATE_H

#include "conf.h"
#include "conf_value.h"

/* A name that a setting had once. */
struct conf_old {
	const char *name; /* NULL ends a table */
	const char *now; /* the present name, or NULL: the setting is gone */
	const char *why; /* where it is gone: what there is instead */
};

#define CONF_ROWS_MAX 64 /* of the table of settings */
#define CONF_LINE_SIZE 2048 /* of a buffer, line end and NUL included */

/*
 * Splits a line at its '='. 0 with name and value, which point into the line;
 * or with *name NULL where the line says nothing. -1 with err->text, which
 * shows none of the line. The buffer was filled with line ends before fgets(3).
 */
int conf_line_split(
    char line[CONF_LINE_SIZE], char **name, char **value, struct error *err);

/*
 * Lists every former name of a setting. An entry stays for good: it costs
 * nothing.
 */
extern const struct conf_old conf_old_names[];

/* Reads as conf_load() does, with another table of former names, for tests. */
int conf_load_old(struct conf *conf, const char *file,
    const struct conf_old *old, struct error *err);

/*
 * Reads as conf_load() does from a stream that the caller closes. The name is
 * for the error's text alone.
 */
int conf_load_open(
    struct conf *conf, FILE *in, const char *name, struct error *err);

/* Returns a row of the table of settings, NULL past its end. */
const struct conf_option *conf_row(size_t i);

/*
 * Returns the default of a setting as a file would say it. Those of the
 * endpoints depend on the cloud (enum conf_cloud).
 */
const char *conf_row_default(const struct conf_option *row, int cloud);

/*
 * Returns the setting that was probably meant by name, NULL where none is
 * near: letter case and '-' for '_' do not count, and one letter in four may be
 * missing, wrong, too much, or have changed places with the next.
 */
const char *conf_near(const char *name);

#endif
