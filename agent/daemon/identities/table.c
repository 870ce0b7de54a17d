/*
 * table.c - see table.h. The form of the files is in table_line.c, the
 * attributes in table_entry.c, the look-ups in table_index.c.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/array.h"
#include "table.h"
#include "table_entry.h"
#include "table_file.h"
#include "table_index.h"
#include "table_line.h"
#include "table_value.h"

/* The text of a file, into which the entries point. */
struct table_text {
	struct table_text *next;
	char *file, *bytes;
};

struct table {
	struct entry *entries;
	size_t count, room;
	struct table_index index;
	struct table_text *texts;
};

/* --- reading --- */

/* Returns a new entry, all zeros; those before may move. */
static struct entry *
table_add(struct table *table, struct error *err)
{
	struct entry *entries = array_room(
	    table->entries, table->count, &table->room, sizeof(*entries));

	if (entries == NULL) {
		error_no_memory(err);
		return NULL;
	}
	table->entries = entries;
	memset(&table->entries[table->count], 0, sizeof(*table->entries));
	return &table->entries[table->count++];
}

static int
table_at_line(struct error *err, const char *file, unsigned int number)
{
	return error_prefix(err, "%s:%u", file, number);
}

static int
table_read_name(struct entry *entry, const char *name, struct error *err)
{
	if (identity_parse_entry_name(name, strlen(name), entry->name) == 0)
		return 0;
	return error_set(err, ERROR_OURS, "4.3.5",
	    "a line begins with the name of an entry, of 1 to %d letters a to "
	    "z, digits, '_' and '-'",
	    ENTRY_NAME_SIZE - 1);
}

static int
table_read_entry(struct table *table, const char *file, struct table_line *line,
    struct error *err)
{
	struct entry *entry = table_add(table, err);
	struct table_attribute attribute;
	int more;

	if (entry == NULL)
		return -1;
	entry->file = file;
	entry->line = line->number;
	if (line->at[0] == ' ' || line->at[0] == '\t') {
		error_set(err, ERROR_OURS, "4.3.5",
		    "the line begins with a blank, and there is no entry "
		    "before that it could continue");
		return table_at_line(err, file, entry->line);
	}
	if (table_read_name(entry, table_line_word(line), err) == -1)
		return table_at_line(err, file, entry->line);
	while ((more = table_line_attribute(line, &attribute, err)) == 1)
		if (table_entry_set(
			entry, attribute.name, attribute.value, err) == -1)
			break;
	if (more != 0)
		return table_at_line(err, file, attribute.number);
	if (table_entry_check(entry, err) == -1)
		return table_at_line(err, file, entry->line);
	return 0;
}

static unsigned int
table_line_of(const char *bytes, const char *p)
{
	unsigned int number = 1;

	for (; bytes < p; bytes++)
		number += *bytes == '\n';
	return number;
}

static int
table_read_text(
    struct table *table, struct table_text *text, size_t len, struct error *err)
{
	struct table_line lines = {text->bytes, 1}, line;

	if (strlen(text->bytes) != len) {
		error_set(err, ERROR_OURS, "4.3.5", "the line holds a NUL");
		return table_at_line(err, text->file,
		    table_line_of(
			text->bytes, text->bytes + strlen(text->bytes)));
	}
	while (table_line_next(&lines, &line) == 1)
		if (table_read_entry(table, text->file, &line, err) == -1)
			return -1;
	return 0;
}

static int
table_read_file(
    struct table *table, const char *file, int may_lack, struct error *err)
{
	struct table_text *text = calloc(1, sizeof(*text));
	size_t len;
	int there;

	if (text == NULL || (text->file = strdup(file)) == NULL) {
		free(text);
		return error_no_memory(err);
	}
	text->next = table->texts;
	table->texts = text;
	if ((there = table_file_read(file, &text->bytes, &len, err)) == -1)
		return -1;
	if (there)
		return table_read_text(table, text, len, err);
	return may_lack
	    ? 0
	    : error_set(err, ERROR_OURS, "4.3.5",
		  "%s: there is no such file, and identity_maps names it",
		  file);
}

static int
table_read_files(
    struct table *table, const char *files, int may_lack, struct error *err)
{
	char **list;
	size_t i;
	int result = 0;

	if (files == NULL || files[strspn(files, ", \t")] == '\0')
		return 0;
	if (table_value_list(files, &list, err) == -1)
		return -1;
	for (i = 0; result == 0 && list[i] != NULL; i++)
		result = table_read_file(table, list[i], may_lack, err);
	free(list);
	return result;
}

struct table *
table_read(const char *files, int may_lack, struct error *err)
{
	struct table *table = calloc(1, sizeof(*table));

	if (table == NULL) {
		error_no_memory(err);
		return NULL;
	}
	if (table_read_files(table, files, may_lack, err) == -1 ||
	    table_index_make(
		&table->index, table->entries, table->count, err) == -1)
		table_free(&table);
	return table;
}

void
table_free(struct table **tablep)
{
	struct table *table = *tablep;
	struct table_text *text;
	size_t i;

	*tablep = NULL;
	if (table == NULL)
		return;
	table_index_clear(&table->index);
	for (i = 0; i < table->count; i++)
		table_entry_clear(&table->entries[i]);
	free(table->entries);
	while ((text = table->texts) != NULL) {
		table->texts = text->next;
		free(text->bytes);
		free(text->file);
		free(text);
	}
	free(table);
}

/* --- looking --- */

size_t
table_count(const struct table *table)
{
	return table->count;
}

const struct entry *
table_at(const struct table *table, size_t place)
{
	return &table->entries[place];
}

size_t
table_place(const struct table *table, const struct entry *entry)
{
	return (size_t)(entry - table->entries);
}

const struct entry *
table_find(const struct table *table, const char *name)
{
	return table_index_find(&table->index, name);
}

const struct entry *
table_first_of(const struct table *table, enum entry_group group,
    const struct identity *application)
{
	return table_index_first_of(&table->index, group, application);
}

const struct entry *
table_next_of(const struct table *table, enum entry_group group,
    const struct entry *entry)
{
	return table_index_next_of(&table->index, group, entry);
}

int
table_has_tenant(const struct table *table, const char *tenant)
{
	return table_index_has_tenant(&table->index, tenant);
}

const struct entry *
table_find_login(const struct table *table, const char *user)
{
	return table_index_find_login(&table->index, user);
}

const struct entry *
table_find_client(const struct table *table, const struct table_client *client)
{
	return table_clients_find(&table->index.clients, client);
}

int
table_names_daemon(const struct table *table, const char *daemon_name)
{
	return table_clients_names_daemon(&table->index.clients, daemon_name);
}

int
table_covers(char *const *list, const char *address)
{
	return table_value_covers(list, address);
}
