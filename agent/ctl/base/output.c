/*
 * output.c - see output.h. Both forms are made of one JSON document, which
 * keeps the order of what was added.
 */
#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/printable.h"
#include "output.h"

#define OUTPUT_TABLES_MAX 16
#define OUTPUT_COLUMNS_MAX 32
#define OUTPUT_GAP 2 /* blanks between columns */

struct output_part {
	const char *name;
	const struct output_column *columns;
	json_t *rows; /* in the document */
};

struct output {
	FILE *out;
	int is_json;
	int failed;
	json_t *document;
	struct output_part parts[OUTPUT_TABLES_MAX];
	size_t count;
};

static const struct {
	const char *status, *colour; /* ECMA-48 SGR */
} output_colours[] = {
    {"ok", "\033[32m"},
    {"warning", "\033[33m"},
    {"critical", "\033[31m"},
    {"unknown", "\033[35m"},
};

struct output *
output_new(FILE *out, int is_json)
{
	struct output *output = calloc(1, sizeof(*output));

	if (output == NULL)
		return NULL;
	output->out = out;
	output->is_json = is_json;
	output->document = json_object();
	if (output->document == NULL) {
		free(output);
		return NULL;
	}
	return output;
}

void
output_table(struct output *output, const char *name,
    const struct output_column *columns)
{
	struct output_part *part = &output->parts[output->count];

	if (output->count == OUTPUT_TABLES_MAX) {
		output->failed = 1;
		return;
	}
	part->name = name;
	part->columns = columns;
	part->rows = json_array();
	if (json_object_set_new(output->document, name, part->rows) == -1)
		output->failed = 1;
	else
		output->count++;
}

/*
 * Makes a text that shows as one line and is valid UTF-8. NULL without memory.
 */
static json_t *
output_text(const char *value)
{
	char *copy = strdup(value);
	json_t *text;

	if (copy == NULL)
		return NULL;
	printable_make(copy, '?');
	text = json_string(copy);
	free(copy);
	return text;
}

/* RFC 3339 in UTC for a program, and a person's own time for a person. */
static json_t *
output_time(const char *value, int is_json)
{
	const time_t time = (time_t)strtoll(value, NULL, 10);
	char text[32];
	struct tm tm;

	if (is_json)
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ",
		    gmtime_r(&time, &tm));
	else
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S",
		    localtime_r(&time, &tm));
	return json_string(text);
}

static json_t *
output_value(const struct output *output, const struct output_column *column,
    const char *value)
{
	if (value == NULL || value[0] == '\0')
		return column->kind == OUTPUT_NUMBER ||
			(column->kind == OUTPUT_TIME && output->is_json)
		    ? json_null()
		    : json_string("");
	if (column->kind == OUTPUT_TIME)
		return output_time(value, output->is_json);
	return column->kind == OUTPUT_NUMBER
	    ? json_integer(strtoll(value, NULL, 10))
	    : output_text(value);
}

void
output_row(struct output *output, const char *const *values)
{
	const struct output_column *c;
	json_t *row = json_object();
	size_t i;

	if (output->failed || output->count == 0 || row == NULL) {
		output->failed = 1;
		json_decref(row);
		return;
	}
	c = output->parts[output->count - 1].columns;
	for (i = 0; c[i].name != NULL; i++)
		if (json_object_set_new(row, c[i].name,
			output_value(output, &c[i], values[i])) == -1)
			output->failed = 1;
	if (json_array_append_new(output->parts[output->count - 1].rows, row) ==
	    -1)
		output->failed = 1;
}

/* --- as text --- */

/* The value as it is shown; number has room for one. */
static const char *
output_shown(const json_t *value, char number[32])
{
	if (json_is_integer(value)) {
		snprintf(
		    number, 32, "%lld", (long long)json_integer_value(value));
		return number;
	}
	return json_is_string(value) ? json_string_value(value) : "";
}

/*
 * Places on a terminal: characters, whose bytes after the first do not count.
 */
static size_t
output_width(const char *s)
{
	size_t width = 0;

	for (; *s != '\0'; s++)
		if (((unsigned char)*s & 0xc0) != 0x80)
			width++;
	return width;
}

static void
output_measure(const struct output_part *part, size_t *widths)
{
	const json_t *row;
	char number[32];
	size_t i, c, width;

	for (c = 0; part->columns[c].name != NULL; c++)
		widths[c] = strlen(part->columns[c].name);
	json_array_foreach(part->rows, i, row)
	{
		for (c = 0; part->columns[c].name != NULL; c++) {
			width = output_width(output_shown(
			    json_object_get(row, part->columns[c].name),
			    number));
			if (width > widths[c])
				widths[c] = width;
		}
	}
}

/* Those below a row are the last of their table. */
static int
output_is_last(const struct output_column *column)
{
	return column[1].name == NULL || column[1].kind == OUTPUT_BELOW;
}

static const char *
output_colour(const struct output *output, const struct output_column *column,
    const char *shown)
{
	size_t i;

	if (column->kind != OUTPUT_STATUS || !isatty(fileno(output->out)))
		return NULL;
	for (i = 0; i < sizeof(output_colours) / sizeof(output_colours[0]); i++)
		if (strcmp(output_colours[i].status, shown) == 0)
			return output_colours[i].colour;
	return NULL;
}

/* A cell, filled up with blanks unless it is the last of its line. */
static void
output_cell(const struct output *output, const struct output_column *column,
    const char *shown, size_t width)
{
	const char *colour = output_colour(output, column, shown);
	int last = output_is_last(column);

	fprintf(output->out, "%s%s%s%*s", colour != NULL ? colour : "", shown,
	    colour != NULL ? "\033[0m" : "",
	    last ? 0 : (int)(width - output_width(shown) + OUTPUT_GAP), "");
	if (last)
		putc('\n', output->out);
}

static void
output_head(const struct output *output, const struct output_part *part,
    const size_t *widths)
{
	char name[64];
	size_t c, i;

	for (c = 0; part->columns[c].name != NULL; c++) {
		snprintf(name, sizeof(name), "%s", part->columns[c].name);
		for (i = 0; name[i] != '\0'; i++)
			name[i] = (char)toupper((unsigned char)name[i]);
		fprintf(output->out, "%s", name);
		if (output_is_last(&part->columns[c])) {
			putc('\n', output->out);
			return;
		}
		fprintf(output->out, "%*s",
		    (int)(widths[c] - strlen(name) + OUTPUT_GAP), "");
	}
}

static void
output_print_row(const struct output *output, const struct output_part *part,
    const json_t *row, const size_t *widths)
{
	const struct output_column *columns = part->columns;
	size_t c, before = 0;
	const char *shown;
	char number[32];

	for (c = 0; columns[c].name != NULL; c++) {
		shown =
		    output_shown(json_object_get(row, columns[c].name), number);
		if (columns[c].kind == OUTPUT_BELOW && shown[0] != '\0')
			fprintf(output->out, "%*s%s: %s\n", (int)before, "",
			    columns[c].name, shown);
		if (columns[c].kind == OUTPUT_BELOW)
			continue;
		output_cell(output, &columns[c], shown, widths[c]);
		if (!output_is_last(&columns[c]))
			before += widths[c] + OUTPUT_GAP;
	}
}

static void
output_print_part(const struct output *output, const struct output_part *part)
{
	size_t widths[OUTPUT_COLUMNS_MAX], i;

	output_measure(part, widths);
	output_head(output, part, widths);
	for (i = 0; i < json_array_size(part->rows); i++)
		output_print_row(
		    output, part, json_array_get(part->rows, i), widths);
}

/* A table without rows is left out. */
static void
output_print(const struct output *output)
{
	size_t i, shown = 0;

	for (i = 0; i < output->count; i++) {
		if (json_array_size(output->parts[i].rows) == 0)
			continue;
		if (shown++ > 0)
			putc('\n', output->out);
		output_print_part(output, &output->parts[i]);
	}
}

int
output_end(struct output **outputp)
{
	struct output *output = *outputp;
	int failed;

	*outputp = NULL;
	if (output == NULL)
		return -1;
	if (!output->failed && output->is_json) {
		if (json_dumpf(output->document, output->out, JSON_INDENT(2)) ==
		    -1)
			output->failed = 1;
		putc('\n', output->out);
	} else if (!output->failed) {
		output_print(output);
	}
	failed =
	    output->failed || fflush(output->out) != 0 || ferror(output->out);
	json_decref(output->document);
	free(output);
	return failed ? -1 : 0;
}
