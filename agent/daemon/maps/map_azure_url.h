/*
 * map_azure_url.h - what an item "azure-tables:..." of identity_maps says, and
 * the URLs of requests to the table.
 *
 * Microsoft: "Addressing Table Service Resources", "Querying Tables and
 * Entities".
 */
#ifndef MSGRAPHD_MAP_AZURE_URL_H
#define MSGRAPHD_MAP_AZURE_URL_H

#include "lib/base/buf.h"
#include "lib/base/error.h"
#include "lib/local/identity.h"

/* The longest URL: a filter, and the place of a page, which is some 3 KiB. */
#define MAP_AZURE_URL_SIZE 8192

/* The longest partition, with its NUL; Azure allows 1 KiB of UTF-16. */
#define MAP_AZURE_PARTITION_SIZE 513

struct map_azure_place {
	char url[512]; /* of the table, without keys: "https://host/table" */
	char table[64];
	char partition[MAP_AZURE_PARTITION_SIZE];
	char entry[ENTRY_NAME_SIZE]; /* whose credential is used */
};

/*
 * Reads https://ACCOUNT.table.core.windows.net/TABLE?partition=P&credential=E.
 * partition may be left out. 0, or -1 with *err (ERROR_OURS, 4.3.5).
 */
int map_azure_url_read(
    const char *text, struct map_azure_place *place, struct error *err);

/* Appends the URL of the one entity with this key. 0, or -1 without room. */
int map_azure_url_entity(
    const struct map_azure_place *place, const char *key, struct buf *out);

/*
 * Appends the URL of all entities of an application. The ids are found in lower
 * and in upper case. 0, or -1 without room.
 */
int map_azure_url_application(const struct map_azure_place *place,
    const struct identity *application, struct buf *out);

/* Appends the URL of the RowKeys of all entities. 0, or -1 without room. */
int map_azure_url_names(const struct map_azure_place *place, struct buf *out);

/*
 * Appends where the next page begins, as the last one's headers say; row may be
 * NULL. 0, or -1 without room.
 */
int map_azure_url_next(const char *partition, const char *row, struct buf *out);

/*
 * Returns 1 when an entity can have the key. Microsoft: "Understanding the
 * Table service data model", characters that are disallowed in key fields.
 */
int map_azure_url_is_key(const char *key);

#endif
