/*
 * map_azure_row.h - an entity of Azure Table storage as the row of an entry.
 */
#ifndef MSGRAPHD_MAP_AZURE_ROW_H
#define MSGRAPHD_MAP_AZURE_ROW_H

#include <jansson.h>

#include "lib/base/buf.h"
#include "lib/base/error.h"

/*
 * Appends the attributes that the columns of an entity give, as identities(5)
 * writes them, on one line and without a name. A column of another name, one
 * without a value and one with an empty text say nothing. 0; or -1 with *err
 * (ERROR_OURS, 4.3.5), which names the column and shows nothing of what it
 * holds. Pure.
 */
int map_azure_row(const json_t *entity, struct buf *row, struct error *err);

/* Returns 1 when a column of this name is an attribute of an entry. */
int map_azure_row_is_attribute(const char *column);

#endif
