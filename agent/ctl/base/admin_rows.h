/*
 * admin_rows.h - prints records of msgraphd (admin_ask.h) as rows of a table.
 */
#ifndef MSGRAPHCTL_ADMIN_ROWS_H
#define MSGRAPHCTL_ADMIN_ROWS_H

#include "admin_ask.h"
#include "output.h"

/*
 * Returns the value of a column that is no line of the record, NULL for one
 * that is.
 */
typedef const char *(*admin_rows_value)(
    const struct admin_record *record, const char *column);

/* Returns 1 where the record becomes a row. */
typedef int (*admin_rows_filter)(const struct admin_record *record);

/*
 * Begins a table and adds a row for each record of the kind that the filter
 * takes (NULL: any). A column has the value of the line of its name, with '-'
 * for '_', or what value says (NULL: nothing else).
 */
void admin_rows(struct output *output, const struct output_list *table,
    const struct admin_reply *reply, const char *kind, admin_rows_filter filter,
    admin_rows_value value);

#endif
