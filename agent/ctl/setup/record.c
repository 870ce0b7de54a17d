/*
 * record.c - see record.h.
 *
 * The file has a line for each change: kind, name, old and new, with tabs
 * between. "-" is none, and "=" stands before a text. In texts, tabs, line ends
 * and backslashes are written as \t, \n and \\.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/ctl/base/file.h"
#include "record.h"

#define RECORD_PENDING "pending"
#define RECORD_FIELDS 4

static const char record_head[] =
    "# Written by \"msgraphctl setup\", which takes back what stands here by\n"
    "# \"msgraphctl setup --undo\". Without this file it cannot.\n";

static const char *const record_kinds[CHANGE_KINDS] = {
    [CHANGE_FOLDER] = "folder",
    [CHANGE_FILE] = "file",
    [CHANGE_SETTING] = "setting",
    [CHANGE_SERVICE] = "service",
    [CHANGE_OPTION] = "option",
    [CHANGE_TENANTS] = "tenants",
};

static void
record_path(const char *folder, char path[4096])
{
	snprintf(path, 4096, "%s/%s", folder, RECORD_NAME);
}

/* --- reading --- */

/* Puts what \t, \n and \\ stand for in their place. */
static void
record_unescape(char *s)
{
	char *to = s;

	for (; *s != '\0'; s++)
		if (*s == '\\' && s[1] != '\0') {
			s++;
			*to++ = *s == 't' ? '\t' : *s == 'n' ? '\n' : *s;
		} else {
			*to++ = *s;
		}
	*to = '\0';
}

/* Reads "-" or "=text". 0, or -1 for another. */
static int
record_value(char *field, const char **value)
{
	*value = NULL;
	if (strcmp(field, "-") == 0)
		return 0;
	if (field[0] != '=')
		return -1;
	record_unescape(field);
	*value = field + 1;
	return 0;
}

/* Reads a change from its line. 0, or -1 where it is none. */
static int
record_line(struct record *record, char *line)
{
	char *fields[RECORD_FIELDS];
	const char *old, *new;
	size_t i, kind;

	for (i = 0; i < RECORD_FIELDS; i++)
		fields[i] = strsep(&line, "\t");
	if (fields[RECORD_FIELDS - 1] == NULL || line != NULL)
		return -1;
	for (kind = 0; kind < CHANGE_KINDS; kind++)
		if (strcmp(record_kinds[kind], fields[0]) == 0)
			break;
	if (kind == CHANGE_KINDS || record_value(fields[2], &old) == -1 ||
	    record_value(fields[3], &new) == -1)
		return -1;
	record_unescape(fields[1]);
	changes_add(
	    &record->changes, (enum change_kind)kind, 0, fields[1], old, new);
	return 0;
}

static int
record_parse(
    struct record *record, char *text, const char *path, struct error *err)
{
	size_t number = 0;
	char *line;

	while ((line = strsep(&text, "\n")) != NULL) {
		number++;
		if (line[0] == '\0' || line[0] == '#')
			continue;
		if (strcmp(line, RECORD_PENDING) == 0)
			record->is_pending = 1;
		else if (record_line(record, line) == -1)
			return error_set(err, ERROR_OURS, "4.3.5",
			    "%s:%zu: not a line of this file; repair it, or "
			    "move it away and undo the rest by hand",
			    path, number);
	}
	return record->changes.failed ? error_no_memory(err) : 0;
}

int
record_read(const char *folder, struct record *record, struct error *err)
{
	struct buf text;
	char path[4096];
	int status;

	record_path(folder, path);
	memset(record, 0, sizeof(*record));
	if ((status = file_is_there(path, err)) != 1)
		return status;
	buf_init(&text, FILE_SIZE_MAX);
	status = file_read(path, &text, err);
	if (status == 0)
		status = record_parse(record, text.bytes, path, err);
	buf_free(&text);
	if (status == -1)
		record_free(record);
	return status;
}

void
record_free(struct record *record)
{
	changes_free(&record->changes);
}

/* --- writing --- */

int
record_add(struct record *record, const struct changes *changes)
{
	const struct change *c, *last;

	for (c = changes->list; c < changes->list + changes->count; c++) {
		if (c->is_kept)
			continue;
		last = changes_find(&record->changes, c->kind, c->name);
		if (last == NULL || !change_is_same(last->old, c->old) ||
		    !change_is_same(last->new, c->new))
			changes_add(&record->changes, c->kind, 0, c->name,
			    c->old, c->new);
	}
	return record->changes.failed ? -1 : 0;
}

static void
record_escape(struct buf *out, const char *s)
{
	for (; *s != '\0'; s++)
		if (*s == '\\' || *s == '\t' || *s == '\n')
			buf_printf(out, "\\%c",
			    *s == '\t'	     ? 't'
				: *s == '\n' ? 'n'
					     : '\\');
		else
			buf_add(out, s, 1);
}

static void
record_put(struct buf *out, const struct change *c)
{
	const char *const values[] = {c->old, c->new};
	size_t i;

	buf_printf(out, "%s\t", record_kinds[c->kind]);
	record_escape(out, c->name);
	for (i = 0; i < 2; i++) {
		buf_add_string(out, values[i] == NULL ? "\t-" : "\t=");
		record_escape(out, values[i] == NULL ? "" : values[i]);
	}
	buf_add_string(out, "\n");
}

int
record_write(const char *folder, const struct record *record, struct error *err)
{
	struct buf text;
	char path[4096];
	int status = -1;
	size_t i;

	buf_init(&text, FILE_SIZE_MAX);
	record_path(folder, path);
	buf_add_string(&text, record_head);
	if (record->is_pending)
		buf_add_string(&text, RECORD_PENDING "\n");
	for (i = 0; i < record->changes.count; i++)
		record_put(&text, &record->changes.list[i]);
	if (text.failed)
		error_no_memory(err);
	else
		status = file_replace(path, text.bytes, 0600, err);
	buf_free(&text);
	return status;
}

int
record_remove(const char *folder, struct error *err)
{
	char path[4096];

	record_path(folder, path);
	if (unlink(path) == 0 || errno == ENOENT)
		return 0;
	return error_set(err, ERROR_OURS, "4.3.5", "cannot remove %s: %s", path,
	    strerror(errno));
}
