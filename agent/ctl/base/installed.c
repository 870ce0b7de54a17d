/*
 * installed.c - see installed.h. The program is asked where it lies, since it
 * is built before "make install" says where to.
 */
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "installed.h"

/* Writes the folder of this program. */
static const char *
installed_folder(char path[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);

	if (n <= 0)
		return strcpy(path, "/usr/sbin");
	path[n] = '\0';
	return dirname(path);
}

const char *
installed_path(const char *below, char path[PATH_MAX])
{
	char folder[PATH_MAX];

	installed_folder(folder);
	snprintf(path, PATH_MAX, "%s/%s", dirname(folder), below);
	return path;
}

const char *
installed_program(const char *name, char path[PATH_MAX])
{
	char folder[PATH_MAX];

	snprintf(path, PATH_MAX, "%s/%s", installed_folder(folder), name);
	return access(path, X_OK) == 0 ? path : strcpy(path, name);
}
