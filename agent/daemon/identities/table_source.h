/*
 * table_source.h - the items of the setting identity_maps: files, maps that are
 * read whole, and maps that are asked key by key.
 */
#ifndef MSGRAPHD_TABLE_SOURCE_H
#define MSGRAPHD_TABLE_SOURCE_H

#include <stddef.h>

#include "lib/base/error.h"

enum table_source_kind {
	TABLE_FILE, /* a path: one of root's files */
	TABLE_WHOLE, /* lmdb:, hash:, texthash: read by postmap(1) */
	TABLE_ASKED /* any other type: agent/daemon/maps */
};

struct table_source {
	enum table_source_kind kind;
	const char *item; /* as written */
	char *file; /* changes when the source does; NULL: asked */
};

struct table_sources {
	struct table_source *all;
	size_t count;
	char **items; /* what item points into */
};

/*
 * Reads a setting; NULL is as empty. 0; or -1 with *err.
 * table_sources_clear() frees in any case.
 */
int table_sources_read(
    struct table_sources *sources, const char *setting, struct error *err);

/* Returns the number of sources of a kind. */
size_t table_sources_count(
    const struct table_sources *sources, enum table_source_kind kind);

/* Frees what the struct owns; takes all zeros. */
void table_sources_clear(struct table_sources *sources);

#endif
