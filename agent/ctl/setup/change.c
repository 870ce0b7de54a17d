/*
 * change.c - see change.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/array.h"
#include "change.h"

static const struct output_column change_columns[] = {
    {"action", OUTPUT_TEXT}, /* add, change, remove, keep */
    {"file", OUTPUT_TEXT},
    {"name", OUTPUT_TEXT},
    {"old", OUTPUT_TEXT},
    {"new", OUTPUT_TEXT},
    {NULL, OUTPUT_TEXT},
};

const struct output_list change_tables[] = {
    {"changes", change_columns},
    {NULL, NULL},
};

static char *
change_copy(struct changes *changes, const char *text)
{
	char *copy = text != NULL ? strdup(text) : NULL;

	if (text != NULL && copy == NULL)
		changes->failed = 1;
	return copy;
}

void
changes_add(struct changes *changes, enum change_kind kind, int is_kept,
    const char *name, const char *old, const char *new)
{
	struct change *c = array_room(
	    changes->list, changes->count, &changes->room, sizeof(*c));

	if (c == NULL) {
		changes->failed = 1;
		return;
	}
	changes->list = c;
	c = &changes->list[changes->count++];
	c->kind = kind;
	c->is_kept = is_kept;
	c->name = change_copy(changes, name);
	c->old = change_copy(changes, old);
	c->new = change_copy(changes, new);
}

struct change *
changes_find(
    const struct changes *changes, enum change_kind kind, const char *name)
{
	size_t i;

	for (i = changes->count; i > 0; i--)
		if (changes->list[i - 1].kind == kind &&
		    strcmp(changes->list[i - 1].name, name) == 0)
			return &changes->list[i - 1];
	return NULL;
}

int
change_is_same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

const char *
change_option(const char *name, char service[512])
{
	const char *end = strrchr(name, '/');

	snprintf(
	    service, 512, "%.*s", end != NULL ? (int)(end - name) : 0, name);
	return end != NULL ? end + 1 : name;
}

int
changes_remove(const struct changes *changes, const char *value)
{
	const struct change *c;
	char name[512];

	snprintf(
	    name, sizeof(name), "%.*s/unix", (int)strcspn(value, ":\n"), value);
	c = changes_find(changes, CHANGE_SERVICE, name);
	return c != NULL && c->new == NULL;
}

size_t
changes_effective(const struct changes *changes)
{
	size_t i, n = 0;

	for (i = 0; i < changes->count; i++)
		if (!changes->list[i].is_kept)
			n++;
	return n;
}

void
changes_free(struct changes *changes)
{
	size_t i;

	for (i = 0; i < changes->count; i++) {
		free(changes->list[i].name);
		free(changes->list[i].old);
		free(changes->list[i].new);
	}
	free(changes->list);
	memset(changes, 0, sizeof(*changes));
}

/* --- as a table --- */

static const char *
change_action(const struct change *c)
{
	if (c->is_kept)
		return "keep";
	if (c->new == NULL)
		return "remove";
	return c->old == NULL ? "add" : "change";
}

/*
 * The value as it is shown. A line of master.cf is too long for a table: of its
 * options there is the number. --print and postconf show all.
 */
static const char *
change_value(const struct change *c, const char *value, char text[512])
{
	const char *from, *end;
	size_t len = 0, options = 0;

	if (value == NULL || c->kind == CHANGE_FOLDER)
		return "";
	if (c->kind == CHANGE_FILE) {
		snprintf(text, 512, "%zu bytes", strlen(value));
		return text;
	}
	if (c->kind != CHANGE_SERVICE)
		return value;
	for (from = value; (from = strstr(from, " -o ")) != NULL; from += 3)
		options++;
	end = options == 0 ? value + strlen(value) : strstr(value, " -o ");
	for (from = value; from < end && len < 400; from++)
		if (*from != ' ' || from[1] != ' ')
			text[len++] = *from;
	snprintf(text + len, 512 - len, options == 0 ? "" : ", %zu options",
	    options);
	return text;
}

static void
change_row(struct output *output, const struct change *c, const char *folder)
{
	static const char *const files[CHANGE_KINDS] = {
	    [CHANGE_SETTING] = "main.cf",
	    [CHANGE_SERVICE] = "master.cf",
	    [CHANGE_OPTION] = "master.cf"};
	char old[512], new[512], path[512];
	const char *values[] = {change_action(c), c->name, c->name,
	    change_value(c, c->old, old), change_value(c, c->new, new)};

	if (files[c->kind] != NULL) {
		snprintf(path, sizeof(path), "%s/%s", folder, files[c->kind]);
		values[1] = path;
	} else {
		values[2] = c->kind == CHANGE_TENANTS ? "allowed_tenants" : "";
	}
	output_row(output, values);
}

int
changes_print(const struct changes *changes, const char *folder, int is_json)
{
	struct output *output = output_new(stdout, is_json);
	size_t i;

	if (output == NULL)
		return -1;
	output_table(output, change_tables[0].name, change_tables[0].columns);
	for (i = 0; i < changes->count; i++)
		change_row(output, &changes->list[i], folder);
	return output_end(&output);
}
