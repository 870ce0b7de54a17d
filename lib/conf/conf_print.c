/*
 * conf_print.c - what -t, -n and the log show of a configuration; see conf.h.
 *
 * Both print lines that msgraph.conf takes, so that the output is a file that
 * means the same.
 */
#include <errno.h>
#include <string.h>

#include "lib/base/version.h"
#include "conf_private.h"

static const void *
conf_print_member(const struct conf *conf, const struct conf_option *row)
{
	return (const char *)conf + row->offset;
}

static void
conf_print_setting(
    const struct conf *conf, const struct conf_option *row, FILE *out)
{
	fprintf(out, "%s = ", row->name);
	conf_value_print(row, conf_print_member(conf, row), out);
	fprintf(out, "\n");
}

void
conf_print(const struct conf *conf, FILE *out)
{
	const struct conf_option *row;
	const char *fallback;
	size_t i;

	for (i = 0; (row = conf_row(i)) != NULL; i++) {
		fallback = conf_row_default(row, conf->cloud);
		fprintf(out, "%s# %s\n# ", i == 0 ? "" : "\n", row->help);
		conf_value_describe(row, out);
		fprintf(out, "; default %s\n",
		    fallback[0] == '\0' ? "empty" : fallback);
		conf_print_setting(conf, row, out);
	}
}

void
conf_print_changed(
    const struct conf *conf, const char *program, const char *file, FILE *out)
{
	const struct conf_option *row;
	size_t i;

	fprintf(out, "# %s %s, %s\n", program, MSGRAPH_VERSION, file);
	for (i = 0; (row = conf_row(i)) != NULL; i++)
		if (!conf_value_is(row, conf_print_member(conf, row),
			conf_row_default(row, conf->cloud)))
			conf_print_setting(conf, row, out);
}

const char *
conf_open_remedy(int error)
{
	if (error != EACCES)
		return "";
	return "; it holds no secret: chmod it to 0644, and its folder must be "
	       "open to group msgraph";
}

void
conf_warn(const struct conf *conf, void (*say)(const char *text))
{
	const char *text = conf->warnings.bytes;
	size_t at;

	for (at = 0; at < conf->warnings.len; at += strlen(text + at) + 1)
		say(text + at);
}

static void
conf_print_warning(const char *text)
{
	fprintf(stderr, "warning: %s\n", text);
}

void
conf_answer(
    const struct conf *conf, int key, const char *program, const char *file)
{
	conf_warn(conf, conf_print_warning);
	if (key == 'n')
		conf_print_changed(conf, program, file, stdout);
	else
		conf_print(conf, stdout);
}
