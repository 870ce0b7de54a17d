/*
 * settings.h - the configuration in use, which a reload replaces while messages
 * are under way. A message holds a reference to the one that it began with.
 */
#ifndef MSGRAPH_SETTINGS_H
#define MSGRAPH_SETTINGS_H

#include "lib/base/error.h"
#include "lib/conf/conf.h"

struct settings {
	struct conf conf; /* does not change */
	unsigned int refs; /* guarded by settings.c */
};

/*
 * Reads the file and makes it the current configuration; for a reload an
 * unknown name is a warning (conf_load_running()). On -1 the current one
 * stays, and err->text names file and line.
 */
int settings_load(const char *file, int is_reload, struct error *err);

/* Returns the current one; never NULL after a load. Give it back. */
struct settings *settings_get(void);

/* Gives it back and sets *settingsp to NULL; takes NULL. */
void settings_put(struct settings **settingsp);

/* Drops the current one. For the end of the program, and for tests. */
void settings_clear(void);

#endif
