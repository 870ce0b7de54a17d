/*
 * admin_rows.c - see admin_rows.h.
 */
#include <stdio.h>
#include <string.h>

#include "admin_rows.h"

#define ADMIN_ROWS_COLUMNS_MAX 32

/* The line of the record that a column shows. */
static const char *
admin_rows_line(const struct admin_record *record, const char *column)
{
	char name[64];
	size_t i;

	snprintf(name, sizeof(name), "%s", column);
	for (i = 0; name[i] != '\0'; i++)
		if (name[i] == '_')
			name[i] = '-';
	return admin_value(record, name);
}

static void
admin_rows_add(struct output *output, const struct output_column *columns,
    const struct admin_record *record, admin_rows_value value)
{
	const char *values[ADMIN_ROWS_COLUMNS_MAX];
	size_t i;

	for (i = 0; i < ADMIN_ROWS_COLUMNS_MAX && columns[i].name != NULL;
	     i++) {
		values[i] =
		    value == NULL ? NULL : value(record, columns[i].name);
		if (values[i] == NULL)
			values[i] = admin_rows_line(record, columns[i].name);
	}
	output_row(output, values);
}

void
admin_rows(struct output *output, const struct output_list *table,
    const struct admin_reply *reply, const char *kind, admin_rows_filter filter,
    admin_rows_value value)
{
	const struct admin_record *record = NULL;

	output_table(output, table->name, table->columns);
	while ((record = admin_next(reply, record)) != NULL)
		if (strcmp(admin_value(record, "record"), kind) == 0 &&
		    (filter == NULL || filter(record)))
			admin_rows_add(output, table->columns, record, value);
}
