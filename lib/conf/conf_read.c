/*
 * conf_read.c - reads msgraph.conf; see conf.h.
 *
 * What a name or a value means is the table's to say (conf.c), and what a line
 * looks like conf_line.c's. Here is what becomes of a mistake, which depends on
 * who reads: a start, a reload, or the agent in search of its copy.
 */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "conf_private.h"

#define WARNINGS_MAX (8 * 1024) /* bytes in all; what is more is dropped */

static int
conf_set_option(struct conf *conf, const struct conf_option *o,
    const char *value, struct error *err)
{
	return conf_value_read(o, (char *)conf + o->offset, value, err);
}

/* The index of the setting of this name, or that behind the last. */
static size_t
conf_find_option(const char *name)
{
	size_t i;

	for (i = 0; conf_row(i) != NULL; i++)
		if (strcmp(conf_row(i)->name, name) == 0)
			break;
	return i;
}

/* One reading of a file. */
struct reader {
	struct conf *conf;
	const char *file;
	const struct conf_old *old; /* names that were; ends with a NULL name */
	enum { STRICT, RUNNING, TOLERANT } mode; /* as the conf_load_... say */
	int number; /* of the line */
	int seen[CONF_ROWS_MAX]; /* on which line each stood, 0: not yet */
};

/* Keeps a warning about the present line; it must not stop a program. */
static void conf_reader_warn(struct reader *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
conf_reader_warn(struct reader *r, const char *fmt, ...)
{
	struct error text;
	char raw[sizeof(text.text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	error_set(
	    &text, ERROR_OURS, "4.3.5", "%s:%d: %s", r->file, r->number, raw);
	buf_add(&r->conf->warnings, text.text, strlen(text.text) + 1);
}

/*
 * The one place that says what an unknown name means. It may be the name of a
 * newer release, in a file that several hosts share, so it stops a start, where
 * somebody looks on, and not what runs.
 */
static int
conf_unknown_setting(struct reader *r, const char *name, struct error *err)
{
	const char *near = conf_near(name);
	struct error text;

	if (near != NULL)
		error_set(&text, ERROR_OURS, "4.3.5",
		    "unknown setting \"%s\"; did you mean \"%s\"?", name, near);
	else
		error_set(&text, ERROR_OURS, "4.3.5",
		    "unknown setting \"%s\"; see msgraph.conf(5)", name);
	if (r->mode != RUNNING)
		return error_set(err, text.class, text.dsn, "%s", text.text);
	conf_reader_warn(r,
	    "%s (not counted now, but an error for the next start)", text.text);
	return 0;
}

/*
 * An update must not stop mail, so a former name is taken for the present one;
 * where both stand in the file, the present one counts.
 */
static int
conf_old_setting(struct reader *r, const struct conf_old *old,
    const char *value, struct error *err)
{
	size_t i;

	if (old->now == NULL) {
		conf_reader_warn(r,
		    "\"%s\" is no setting any more: %s; remove the line",
		    old->name, old->why);
		return 0;
	}
	i = conf_find_option(old->now);
	assert(conf_row(i) != NULL);
	if (r->seen[i] != 0) {
		conf_reader_warn(r,
		    "\"%s\" is called \"%s\" now, which line %d sets; "
		    "remove the line",
		    old->name, old->now, r->seen[i]);
		return 0;
	}
	if (conf_set_option(r->conf, conf_row(i), value, err) == -1)
		return error_prefix(err, "%s", old->name);
	conf_reader_warn(r, "\"%s\" is called \"%s\" now; change the name",
	    old->name, old->now);
	return 0;
}

static int
conf_read_setting(
    struct reader *r, const char *name, const char *value, struct error *err)
{
	const struct conf_old *old = r->old;
	size_t i = conf_find_option(name);

	if (conf_row(i) == NULL) {
		while (old->name != NULL && strcmp(old->name, name) != 0)
			old++;
		return old->name == NULL ? conf_unknown_setting(r, name, err)
					 : conf_old_setting(r, old, value, err);
	}
	if (r->seen[i] != 0)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "\"%s\" was set on line %d already; keep one of the two",
		    name, r->seen[i]);
	r->seen[i] = r->number;
	if (conf_set_option(r->conf, conf_row(i), value, err) == -1)
		return error_prefix(err, "%s", name);
	return 0;
}

static int
conf_read_line(struct reader *r, char line[CONF_LINE_SIZE], struct error *err)
{
	char *name, *value;

	if (conf_line_split(line, &name, &value, err) == -1)
		return -1;
	return name == NULL ? 0 : conf_read_setting(r, name, value, err);
}

static int
conf_read_lines(struct reader *r, FILE *in, struct error *err)
{
	char line[CONF_LINE_SIZE];

	for (;;) {
		memset(line, '\n', sizeof(line)); /* for conf_line_split() */
		if (fgets(line, sizeof(line), in) == NULL)
			break;
		r->number++;
		if (conf_read_line(r, line, err) == -1 && r->mode != TOLERANT)
			return error_prefix(err, "%s:%d", r->file, r->number);
	}
	if (ferror(in))
		return error_set(err, ERROR_OURS, "4.3.5", "read %s: %s",
		    r->file, strerror(errno));
	return 0;
}

static int
conf_set_defaults(struct conf *conf, struct error *err)
{
	const struct conf_option *row;
	size_t i;

	for (i = 0; (row = conf_row(i)) != NULL; i++)
		if (conf_set_option(conf, row, row->fallback, err) == -1)
			return error_prefix(err, "default of %s", row->name);
	return 0;
}

/* What depends on the cloud is set once that is known. */
static int
conf_set_cloud_defaults(struct conf *conf, struct error *err)
{
	const struct conf_option *row;
	const char *fallback;
	char **text;
	size_t i;

	for (i = 0; (row = conf_row(i)) != NULL; i++) {
		fallback = conf_row_default(row, conf->cloud);
		text = (char **)((char *)conf + row->offset);
		if (fallback == row->fallback || *text != NULL)
			continue;
		if ((*text = strdup(fallback)) == NULL)
			return error_no_memory(err);
	}
	return 0;
}

static int
conf_load_file(struct reader *r, FILE *in, struct error *err)
{
	struct conf *conf = r->conf;

	buf_init(&conf->warnings, WARNINGS_MAX);
	if (conf_set_defaults(conf, err) == -1 ||
	    conf_read_lines(r, in, err) == -1)
		return -1;
	return conf_set_cloud_defaults(conf, err);
}

static int
conf_load_reader(struct reader *r, FILE *in, struct error *err)
{
	int result;

	memset(r->conf, 0, sizeof(*r->conf));
	result = conf_load_file(r, in, err);
	if (result == -1)
		conf_free(r->conf);
	return result;
}

static int
conf_load_named(struct reader *r, struct error *err)
{
	FILE *in;
	int result;

	memset(r->conf, 0, sizeof(*r->conf));
	if ((in = fopen(r->file, "re")) == NULL)
		return error_set(err, ERROR_OURS, "4.3.5", "open %s: %s%s",
		    r->file, strerror(errno), conf_open_remedy(errno));
	result = conf_load_reader(r, in, err);
	fclose(in);
	return result;
}

int
conf_load_old(struct conf *conf, const char *file, const struct conf_old *old,
    struct error *err)
{
	struct reader reader = {.conf = conf, .file = file, .old = old};

	return conf_load_named(&reader, err);
}

int
conf_load_open(struct conf *conf, FILE *in, const char *name, struct error *err)
{
	struct reader reader = {
	    .conf = conf, .file = name, .old = conf_old_names};

	return conf_load_reader(&reader, in, err);
}

int
conf_load(struct conf *conf, const char *file, struct error *err)
{
	return conf_load_old(conf, file, conf_old_names, err);
}

int
conf_load_running(struct conf *conf, const char *file, struct error *err)
{
	struct reader reader = {
	    .conf = conf, .file = file, .mode = RUNNING, .old = conf_old_names};

	return conf_load_named(&reader, err);
}

int
conf_load_tolerant(struct conf *conf, const char *file, struct error *err)
{
	struct reader reader = {.conf = conf,
	    .file = file,
	    .mode = TOLERANT,
	    .old = conf_old_names};

	if (conf_load_named(&reader, err) == 0)
		return 0;
	return strcmp(file, CONF_DEFAULT_FILE) == 0
	    ? conf_set_defaults(conf, err)
	    : -1;
}
