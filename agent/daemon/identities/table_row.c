/*
 * table_row.c - see table_row.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table_entry.h"
#include "table_row.h"

/* An entry that owns the text which it points into. */
struct table_row {
	struct entry entry; /* comes first: table_row_free() has no more */
	char text[];
};

/* Says where in front of what is wrong; number is a line of a file. */
static int
table_row_wrong(
    const struct entry *entry, unsigned int number, struct error *err)
{
	if (entry->is_outside)
		return error_prefix(
		    err, "%s: entry \"%s\"", entry->file, entry->name);
	return error_prefix(err, "%s:%u", entry->file, number);
}

static int
table_row_read_name(struct entry *entry, const char *name, struct error *err)
{
	if (identity_parse_entry_name(name, strlen(name), entry->name) == 0)
		return 0;
	return error_set(err, ERROR_OURS, "4.3.5",
	    "a line begins with the name of an entry, of 1 to %d letters a to "
	    "z, digits, '_' and '-'",
	    ENTRY_NAME_SIZE - 1);
}

/* 0; or -1 with *err, and *number the line of what is wrong. */
static int
table_row_read_attributes(struct entry *entry, struct table_line *line,
    unsigned int *number, struct error *err)
{
	struct table_attribute attribute;
	int more;

	while ((more = table_line_attribute(line, &attribute, err)) == 1)
		if (table_entry_set(
			entry, attribute.name, attribute.value, err) == -1)
			break;
	if (more != 0)
		*number = attribute.number;
	return more == 0 ? 0 : -1;
}

int
table_row_read(struct entry *entry, struct table_line *line, struct error *err)
{
	unsigned int number = line->number;

	entry->line = entry->is_outside ? 0 : number;
	if (line->at[0] == ' ' || line->at[0] == '\t') {
		error_set(err, ERROR_OURS, "4.3.5",
		    "the line begins with a blank, and there is no entry "
		    "before that it could continue");
		return table_row_wrong(entry, number, err);
	}
	if (table_row_read_name(entry, table_line_word(line), err) == -1 ||
	    table_row_read_attributes(entry, line, &number, err) == -1 ||
	    table_entry_check(entry, err) == -1)
		return table_row_wrong(entry, number, err);
	return 0;
}

/* --- one row --- */

/*
 * The key says which application it is; a row that says so too must say the
 * same.
 */
static int
table_row_read_key(struct entry *entry, const char *key, struct error *err)
{
	struct identity application;
	const char *written = entry->values[0];

	if (identity_parse(key, strlen(key), "@", &application, NULL) == -1)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "the key is neither a name nor tenant@client");
	if (written == NULL)
		return table_entry_set(entry, "application", key, err);
	if (identity_equal(&entry->application, &application))
		return 0;
	return error_set(
	    err, ERROR_OURS, "4.3.5", "application is another than the key's");
}

static int
table_row_fill(
    struct table_row *row, const char *key, char *text, struct error *err)
{
	struct entry *entry = &row->entry;
	struct table_line line = {text, 1};
	unsigned int number;

	if (table_row_read_attributes(entry, &line, &number, err) == -1)
		return -1;
	if (identity_parse_entry_name(key, strlen(key), entry->name) == -1 &&
	    table_row_read_key(entry, key, err) == -1)
		return -1;
	return table_entry_check(entry, err);
}

struct entry *
table_row_new(
    const char *map, const char *key, const char *row, struct error *err)
{
	size_t key_size = strlen(key) + 1, row_size = strlen(row) + 1;
	struct table_row *made = calloc(1, sizeof(*made) + key_size + row_size);
	struct entry *entry;

	if (made == NULL) {
		error_no_memory(err);
		return NULL;
	}
	entry = &made->entry;
	entry->file = map;
	entry->is_outside = 1;
	memcpy(made->text, key, key_size);
	memcpy(made->text + key_size, row, row_size);
	if (table_row_fill(made, made->text, made->text + key_size, err) == 0)
		return entry;
	error_prefix(err, "%s: entry \"%s\"", map, key);
	table_row_free(&entry);
	return NULL;
}

void
table_row_free(struct entry **entryp)
{
	struct entry *entry = *entryp;

	*entryp = NULL;
	if (entry == NULL)
		return;
	table_entry_clear(entry);
	free(entry);
}

const char *
table_row_place(const struct entry *entry, char text[TABLE_PLACE_SIZE])
{
	if (entry->is_outside)
		snprintf(text, TABLE_PLACE_SIZE, "%s", entry->file);
	else
		snprintf(
		    text, TABLE_PLACE_SIZE, "%s:%u", entry->file, entry->line);
	return text;
}
