/*
 * cmdline.c - see cmdline.h.
 *
 * getopt_long() does the reading and is kept quiet. The short options and the
 * long ones that it wants are made from the table at each call; a command line
 * is read once.
 */
#include <assert.h>
#include <ctype.h>
#include <getopt.h>
#include <limits.h>
#include <string.h>
#include <sysexits.h>

#include "cmdline.h"
#include "version.h"

#define CMDLINE_OPTIONS_MAX 16

/* The table in the two forms that getopt_long() takes. */
struct cmdline_forms {
	char letters[2 + 2 * CMDLINE_OPTIONS_MAX + 1];
	struct option names[CMDLINE_OPTIONS_MAX + 1];
};

/* Fills what is all zero. */
static void
cmdline_make_forms(const struct cmdline *c, struct cmdline_forms *forms)
{
	const struct cmdline_option *o;
	char *letter = forms->letters;
	struct option *name = forms->names;

	/* operands end the options; a value that is missing gives ':' */
	*letter++ = '+';
	*letter++ = ':';
	for (o = c->options; o->key != 0; o++) {
		assert(o - c->options < CMDLINE_OPTIONS_MAX);
		if (o->key <= UCHAR_MAX) {
			*letter++ = (char)o->key;
			if (o->value != NULL)
				*letter++ = ':';
		}
		if (o->name != NULL) {
			name->name = o->name;
			name->has_arg =
			    o->value != NULL ? required_argument : no_argument;
			name->val = o->key;
			name++;
		}
	}
}

static const struct cmdline_option *
cmdline_find(const struct cmdline *c, int key)
{
	const struct cmdline_option *o;

	for (o = c->options; o->key != 0; o++)
		if (o->key == key)
			return o;
	return NULL;
}

/*
 * Names what getopt_long() stumbled over. optopt is a letter that is unknown or
 * lacks its value, the key of a long option, or 0 for one that is unknown; a
 * letter of the table that lacks no value is a long option that has one.
 */
static int
cmdline_wrong(
    const struct cmdline *c, int found, const char *arg, struct error *err)
{
	int known = optopt != 0 && cmdline_find(c, optopt) != NULL;
	char name[64];

	if (optopt == 0 || optopt > UCHAR_MAX || (known && found != ':'))
		snprintf(
		    name, sizeof(name), "%.*s", (int)strcspn(arg, "="), arg);
	else
		snprintf(
		    name, sizeof(name), "-%c", isascii(optopt) ? optopt : '?');
	if (found == ':')
		return error_set(
		    err, ERROR_OURS, "4.3.5", "%s needs a value", name);
	return error_set(err, ERROR_OURS, "4.3.5",
	    known ? "%s takes no value" : "unknown option %s", name);
}

int
cmdline_next(const struct cmdline *c, int argc, char **argv, const char **value,
    struct error *err)
{
	struct cmdline_forms forms = {0};
	int key;

	cmdline_make_forms(c, &forms);
	opterr = 0;
	key = getopt_long(argc, argv, forms.letters, forms.names, NULL);
	if (key == '?' || key == ':')
		return cmdline_wrong(c, key, argv[optind - 1], err);
	if (key == -1 && optind < argc && !c->operands)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "unexpected argument \"%s\"", argv[optind]);
	*value = optarg;
	return key == -1 ? 0 : key;
}

/* --- output --- */

static void
cmdline_print_usage(const struct cmdline *c, FILE *out)
{
	const char *line, *end;

	for (line = c->usage; *line != '\0'; line = end + (*end != '\0')) {
		end = strchrnul(line, '\n');
		fprintf(out, "%s %s %.*s\n",
		    line == c->usage ? "usage:" : "      ",
		    line[0] == ' ' ? "    " : c->program, (int)(end - line),
		    line);
	}
}

/* "-c file" or "-h, --help" or "--queue-id=id", then the help. */
static void
cmdline_print_option(const struct cmdline_option *o, FILE *out)
{
	char text[80] = "", letter[4] = "";

	if (o->key <= UCHAR_MAX)
		snprintf(letter, sizeof(letter), "-%c", o->key);
	snprintf(text, sizeof(text), "%s%s%s%s%s%s", letter,
	    letter[0] != '\0' && o->name != NULL ? ", " : "",
	    o->name != NULL ? "--" : "", o->name != NULL ? o->name : "",
	    o->value == NULL	  ? ""
		: o->name != NULL ? "="
				  : " ",
	    o->value != NULL ? o->value : "");
	if (strlen(text) <= 15)
		fprintf(out, "  %-15s  %s\n", text, o->help);
	else
		fprintf(out, "  %s\n  %-15s  %s\n", text, "", o->help);
}

void
cmdline_answer(const struct cmdline *c, int key, FILE *out)
{
	const struct cmdline_option *o;

	if (key == 'V') {
		fprintf(out, "%s %s\n", c->program, MSGRAPH_VERSION);
	} else {
		cmdline_print_usage(c, out);
		for (o = c->options; o->key != 0; o++)
			cmdline_print_option(o, out);
	}
}

int
cmdline_fail(const struct cmdline *c, const struct error *err)
{
	fprintf(stderr, "%s: %s; \"%s -h\" lists the options\n", c->program,
	    err->text, c->program);
	return EX_USAGE;
}
