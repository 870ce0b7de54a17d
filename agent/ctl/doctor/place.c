/*
 * place.c - see place.h.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "place.h"

void
place_of(const struct postconf *postfix, const struct postconf_service *service,
    const char *path, char place[PATH_MAX])
{
	if (path[0] == '/' && postfix_root(postfix, service) == NULL)
		snprintf(place, PATH_MAX, "%s", path);
	else
		snprintf(place, PATH_MAX, "%s/%s", postfix_queue(postfix),
		    path + strspn(path, "/"));
}

/* Looks at the folder of the path, whose name begins at slash. */
static int
place_stat(const char *path, const char *slash, struct stat *st)
{
	char folder[PATH_MAX];

	snprintf(folder, sizeof(folder), "%.*s/", (int)(slash - path), path);
	return stat(folder, st);
}

int
place_is_same(const char *a, const char *b)
{
	const char *slash_a = strrchr(a, '/'), *slash_b = strrchr(b, '/');
	struct stat st_a, st_b;

	if (slash_a == NULL || slash_b == NULL || strcmp(slash_a, slash_b) != 0)
		return 0;
	if (place_stat(a, slash_a, &st_a) == -1 ||
	    place_stat(b, slash_b, &st_b) == -1)
		return strcmp(a, b) == 0;
	return st_a.st_dev == st_b.st_dev && st_a.st_ino == st_b.st_ino;
}

const char *
place_in_queue(const struct postconf *postfix, const char *path)
{
	const char *tail = path;
	char below[PATH_MAX];

	for (; (tail = strchr(tail, '/')) != NULL; tail++) {
		snprintf(
		    below, sizeof(below), "%s%s", postfix_queue(postfix), tail);
		if (place_is_same(below, path))
			return tail + 1;
	}
	return NULL;
}

const char *
place_for(const struct postconf *postfix,
    const struct postconf_service *service, const char *path)
{
	return postfix_root(postfix, service) != NULL
	    ? place_in_queue(postfix, path)
	    : path;
}
