/*
 * table_folder.h - a folder for a test of tables of identities, and the file in
 * it. "T/C" in what is written stands for an application, "T/D" for another one
 * of the same tenant, "U/C" for one of another tenant.
 */
#ifndef TESTS_UNIT_TABLE_FOLDER_H
#define TESTS_UNIT_TABLE_FOLDER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/daemon/identities/table.h"
#include "lib/local/identity.h"

#define TENANT "11111111-2222-3333-4444-555555555555"
#define TENANT_2 "99999999-2222-3333-4444-555555555555"
#define CLIENT "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
#define CLIENT_2 "cccccccc-bbbb-cccc-dddd-eeeeeeeeeeee"

static const struct identity app = {TENANT, CLIENT};
static const struct identity app_2 = {TENANT, CLIENT_2};
static const struct identity app_3 = {TENANT_2, CLIENT};

static char table_folder[32];
static char table_path[64];

static inline int
table_folder_begin(void **state)
{
	(void)state;
	strcpy(table_folder, "/tmp/daemon_tableXXXXXX");
	if (mkdtemp(table_folder) == NULL)
		return -1;
	snprintf(table_path, sizeof(table_path), "%s/identities", table_folder);
	return 0;
}

static inline int
table_folder_end(void **state)
{
	(void)state;
	unlink(table_path);
	return rmdir(table_folder);
}

/* Reads files, a list as in identity_maps. */
static inline struct table *
read_files(const char *files, int may_lack, struct error *err)
{
	struct table_sources sources;
	struct table *table = NULL;

	if (table_sources_read(&sources, files, err) == 0)
		table = table_read(&sources, NULL, may_lack, err);
	table_sources_clear(&sources);
	return table;
}

/* Writes text with the applications filled in. */
static inline void
table_fill(FILE *out, const char *text)
{
	static const struct {
		const char *mark, *text;
	} marks[] = {
	    {"T/C", TENANT "/" CLIENT},
	    {"T/D", TENANT "/" CLIENT_2},
	    {"U/C", TENANT_2 "/" CLIENT},
	};
	size_t i;

	while (*text != '\0') {
		for (i = 0; i < 3; i++)
			if (strncmp(text, marks[i].mark, 3) == 0)
				break;
		fputs(i < 3 ? marks[i].text : "", out);
		if (i < 3)
			text += 3;
		else
			fputc(*text++, out);
	}
}

static inline void
table_write(const char *text)
{
	FILE *out;

	unlink(table_path);
	umask(022);
	out = fopen(table_path, "wx");
	if (out == NULL)
		abort();
	table_fill(out, text);
	if (fclose(out) != 0)
		abort();
}

#endif
