/*
 * change.c - see change.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/ctl/base/postconf.h"
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

#define CHANGE_SHOWN 400 /* bytes of a value at most, without what is counted */
#define CHANGE_TEXT 4096

/*
 * Writes a line of master.cf with the number of its options in their place, and
 * with its arguments where there is another line to compare it with.
 */
static void
change_line(const char *line, int is_compared, char text[CHANGE_TEXT])
{
	size_t len, used = 0, words, options = 0;
	int are_options = 1;

	for (words = 0; (len = postconf_next(&line)) > 0; line += len) {
		if (words++ >= POSTCONF_FIELDS) {
			are_options = are_options && line[0] == '-';
			if (are_options && line[1] == 'o') {
				options++;
				line += 2;
				len = len == 2 ? postconf_next(&line) : len - 2;
				continue;
			}
			if (!is_compared)
				continue;
		}
		if (used + len + 32 >= CHANGE_TEXT)
			break;
		used += (size_t)sprintf(
		    text + used, "%s%.*s", used > 0 ? " " : "", (int)len, line);
	}
	sprintf(text + used, options == 0 ? "" : ", %zu option%s", options,
	    options == 1 ? "" : "s");
}

/* The value as it is shown. --print and postconf show all. */
static const char *
change_value(const struct change *c, const char *value, char text[CHANGE_TEXT])
{
	if (value == NULL || c->kind == CHANGE_FOLDER)
		return "";
	if (c->kind == CHANGE_FILE) {
		snprintf(text, CHANGE_TEXT, "%zu bytes", strlen(value));
		return text;
	}
	if (c->kind != CHANGE_SERVICE)
		return value;
	change_line(value, c->old != NULL && c->new != NULL, text);
	return text;
}

/* Of two long texts, leaves the words from the first on that differs. */
static void
change_differ(char *old, char *new)
{
	size_t i, word = 0;

	for (i = 0; old[i] == new[i] && old[i] != '\0'; i++)
		if (old[i] == ' ')
			word = i;
	if (word > 3 && old[i] != new[i]) {
		memmove(old + 3, old + word, strlen(old + word) + 1);
		memmove(new + 3, new + word, strlen(new + word) + 1);
		memcpy(old, "...", 3);
		memcpy(new, "...", 3);
	}
}

static void
change_row(struct output *output, const struct change *c, const char *folder)
{
	static const char *const files[CHANGE_KINDS] = {
	    [CHANGE_SETTING] = "main.cf",
	    [CHANGE_SERVICE] = "master.cf",
	    [CHANGE_OPTION] = "master.cf"};
	char old[CHANGE_TEXT], new[CHANGE_TEXT], path[512];
	const char *values[] = {change_action(c), c->name, c->name,
	    change_value(c, c->old, old), change_value(c, c->new, new)};

	if (values[3] == old && values[4] == new) {
		change_differ(old, new);
		old[CHANGE_SHOWN] = new[CHANGE_SHOWN] = '\0';
	}
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
