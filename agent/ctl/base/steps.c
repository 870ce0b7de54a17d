/*
 * steps.c - see steps.h.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/base/printable.h"
#include "steps.h"

#define STEPS_TEXT_MAX 1024

static const struct output_column steps_columns[] = {
    {"step", OUTPUT_TEXT},
    {"status", OUTPUT_STATUS},
    {"text", OUTPUT_TEXT},
    {NULL, OUTPUT_TEXT},
};

const struct output_list steps_tables[] = {
    {"steps", steps_columns},
    {NULL, NULL},
};

static const char *const steps_words[] = {
    "ok", "warning", "critical", "unknown"};

struct steps {
	struct output *output; /* NULL: for a person */
	enum steps_status worst;
};

struct steps *
steps_new(int is_json)
{
	struct steps *steps = calloc(1, sizeof(*steps));

	if (steps == NULL || !is_json)
		return steps;
	steps->output = output_new(stdout, 1);
	if (steps->output == NULL) {
		free(steps);
		return NULL;
	}
	output_table(steps->output, "steps", steps_columns);
	return steps;
}

/* Critical is worse than unknown, and both than a warning. */
static int
steps_rank(enum steps_status status)
{
	return status == STEPS_CRITICAL ? 3
	    : status == STEPS_UNKNOWN	? 2
					: (int)status;
}

void
steps_say(struct steps *steps, const char *name, enum steps_status status,
    const char *fmt, ...)
{
	char text[STEPS_TEXT_MAX];
	const char *values[] = {name, steps_words[status], text};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	printable_make(text, '?');
	if (steps_rank(status) > steps_rank(steps->worst))
		steps->worst = status;
	if (steps->output != NULL) {
		output_row(steps->output, values);
		return;
	}
	printf("%-12s  %-8s  %s\n", name, steps_words[status], text);
	fflush(stdout);
}

int
steps_end(struct steps **stepsp)
{
	struct steps *steps = *stepsp;
	int status = (int)steps->worst;

	*stepsp = NULL;
	if (steps->output != NULL && output_end(&steps->output) == -1)
		status = EX_IOERR;
	free(steps);
	return status;
}
