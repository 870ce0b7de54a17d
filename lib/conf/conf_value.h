/*
 * conf_value.h - the kinds of values that settings have: how each is read,
 * checked and printed. For this folder alone; everybody else uses conf.h.
 */
#ifndef MSGRAPH_CONF_VALUE_H
#define MSGRAPH_CONF_VALUE_H

#include <stddef.h>
#include <stdio.h>

#include "lib/base/error.h"

#define CONF_DAY 86400L

enum conf_type {
	CONF_CHOICE, /* int: index into choices */
	CONF_DURATION, /* long: seconds; s, m, h or d behind the number */
	CONF_LOOPBACK, /* char *: http://127.0.0.1:port, or empty */
	CONF_MAPS, /* char *: absolute paths, between blanks or commas */
	CONF_MILTER, /* char *: a socket in libmilter's syntax */
	CONF_NUMBER, /* long */
	CONF_PATH, /* char *: absolute, or empty for none */
	CONF_PROXY, /* char *: [scheme://]host[:port], or empty for none */
	CONF_SIZE, /* long: bytes; k or m behind the number */
	CONF_SOCKET, /* char *: absolute, fits a socket address */
	CONF_TENANTS, /* char *: tenant ids as CONF_MAPS, or "any" */
	CONF_URL, /* char *: https://host[:port], or empty */
	CONF_WORD /* char *: as the name of an entry of the table */
};

struct conf_option {
	const char *name;
	enum conf_type type;
	size_t offset;
	const char *fallback; /* the default, as a file would say it */
	long min, max; /* of durations in seconds, of sizes in bytes */
	const char *const *choices;
	const char *unit; /* what a number counts; other kinds have their own */
	const char *help; /* one sentence of at most 76 bytes: what it is for */
};

/*
 * Stores the value in its run-time form in *member, which is of the type that
 * the option's kind asks for; a text that was there is freed. 0, or -1 with
 * err->text saying what the value must be.
 */
int conf_value_read(const struct conf_option *o, void *member,
    const char *value, struct error *err);

/* Writes the value as it would stand in a file, without line end. */
void conf_value_print(
    const struct conf_option *o, const void *member, FILE *out);

/* Describes the values that are allowed in one line: "duration, 1s to 5m". */
void conf_value_describe(const struct conf_option *o, FILE *out);

/* Returns 1 when reading the text would give the value in *member. */
int conf_value_is(
    const struct conf_option *o, const void *member, const char *text);

/* Returns 1 when *member is a char * that is owned. */
int conf_value_is_text(const struct conf_option *o);

#endif
