/*
 * table.c - see table.h. The form of the files is in table_line.c, an entry in
 * table_row.c, the attributes in table_entry.c, the look-ups in table_index.c.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/array.h"
#include "table.h"
#include "table_entry.h"
#include "table_file.h"
#include "table_index.h"
#include "table_line.h"
#include "table_row.h"
#include "table_value.h"

/* The text of a file, into which the entries point. */
struct table_text {
	struct table_text *next;
	char *file, *bytes;
	int is_outside; /* it comes from a map */
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
table_read_entry(struct table *table, const struct table_text *text,
    struct table_line *line, struct error *err)
{
	struct entry *entry = table_add(table, err);

	if (entry == NULL)
		return -1;
	entry->file = text->file;
	entry->is_outside = text->is_outside;
	return table_row_read(entry, line, err);
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
		return error_prefix(err, "%s:%u", text->file,
		    table_line_of(
			text->bytes, text->bytes + strlen(text->bytes)));
	}
	while (table_line_next(&lines, &line) == 1)
		if (table_read_entry(table, text, &line, err) == -1)
			return -1;
	return 0;
}

/* Returns a new text, of which the name alone is set. */
static struct table_text *
table_add_text(struct table *table, const char *file, struct error *err)
{
	struct table_text *text = calloc(1, sizeof(*text));

	if (text == NULL || (text->file = strdup(file)) == NULL) {
		free(text);
		error_no_memory(err);
		return NULL;
	}
	text->next = table->texts;
	table->texts = text;
	return text;
}

static int
table_read_file(
    struct table *table, const char *file, int may_lack, struct error *err)
{
	struct table_text *text = table_add_text(table, file, err);
	size_t len;
	int there;

	if (text == NULL ||
	    (there = table_file_read(file, &text->bytes, &len, err)) == -1)
		return -1;
	if (there)
		return table_read_text(table, text, len, err);
	return may_lack
	    ? 0
	    : error_set(err, ERROR_OURS, "4.3.5",
		  "%s: there is no such file, and identity_maps names it",
		  file);
}

/* What postmap(1) writes is in the form of a file, a line for each row. */
static int
table_read_dump(struct table *table, const char *item, struct table_dump *dump,
    struct error *err)
{
	struct table_text *text = table_add_text(table, item, err);

	if (text == NULL)
		return -1;
	text->is_outside = 1;
	text->bytes = dump->bytes;
	dump->bytes = NULL;
	return table_read_text(table, text, dump->len, err);
}

/* Root's files first: their entries come before others of the same name. */
static int
table_read_sources(struct table *table, const struct table_sources *sources,
    struct table_dump *dumps, int may_lack, struct error *err)
{
	const struct table_source *source;
	size_t i;

	for (i = 0; i < sources->count; i++) {
		source = &sources->all[i];
		if (source->kind == TABLE_FILE &&
		    table_read_file(table, source->item, may_lack, err) == -1)
			return -1;
	}
	for (i = 0; i < sources->count; i++) {
		source = &sources->all[i];
		if (source->kind == TABLE_WHOLE &&
		    table_read_dump(table, source->item, &dumps[i], err) == -1)
			return -1;
	}
	return 0;
}

static int
table_compare_names(const void *a, const void *b)
{
	const struct entry *x = *(struct entry *const *)a;
	const struct entry *y = *(struct entry *const *)b;
	int order = strcmp(x->name, y->name);

	return order != 0 ? order : (x > y) - (x < y);
}

/* Leaves out the entries from outside whose name an entry before them has. */
static int
table_drop_hidden(struct table *table, struct error *err)
{
	struct entry **sorted = malloc((table->count + 1) * sizeof(*sorted));
	size_t i, kept = 0;

	if (sorted == NULL)
		return error_no_memory(err);
	for (i = 0; i < table->count; i++)
		sorted[i] = &table->entries[i];
	qsort(sorted, table->count, sizeof(*sorted), table_compare_names);
	for (i = 1; i < table->count; i++)
		if (sorted[i]->is_outside &&
		    strcmp(sorted[i]->name, sorted[i - 1]->name) == 0)
			sorted[i]->is_hidden = 1;
	free(sorted);
	for (i = 0; i < table->count; i++)
		if (table->entries[i].is_hidden)
			table_entry_clear(&table->entries[i]);
		else
			table->entries[kept++] = table->entries[i];
	table->count = kept;
	return 0;
}

struct table *
table_read(const struct table_sources *sources, struct table_dump *dumps,
    int may_lack, struct error *err)
{
	struct table *table = calloc(1, sizeof(*table));

	if (table == NULL) {
		error_no_memory(err);
		return NULL;
	}
	if (table_read_sources(table, sources, dumps, may_lack, err) == -1 ||
	    (table_sources_count(sources, TABLE_WHOLE) > 0 &&
		table_drop_hidden(table, err) == -1) ||
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
