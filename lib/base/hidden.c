/*
 * hidden.c - see hidden.h. Pure, for any thread.
 */
#include <errno.h>
#include <string.h>

#include "hidden.h"

/* What ProtectHome= of systemd.exec(5) names. */
static const char *const hidden_folders[] = {"/home/", "/root/", "/run/user/"};

#define HIDDEN_FOLDERS (sizeof(hidden_folders) / sizeof(hidden_folders[0]))

const char *
hidden_remedy(const char *file, int error)
{
	size_t i;

	for (i = 0; error == EACCES && i < HIDDEN_FOLDERS; i++)
		if (strncmp(file, hidden_folders[i],
			strlen(hidden_folders[i])) == 0)
			return "; move it, since the unit of the service hides "
			       "/home, /root and /run/user (ProtectHome=)";
	return "";
}
