/*
 * conf_near.c - finds the setting that was meant by a mistyped name.
 *
 * The distance of two names is the number of letters that were left out, put
 * in, typed wrong, or typed before their predecessor (optimal string alignment
 * distance). Runs for unknown names only, over names of bounded length.
 */
#include <ctype.h>
#include <string.h>

#include "conf_private.h"

#define NEAR_NAME_MAX 40 /* bytes; a longer name is near to none */

static int
conf_near_letter(char c)
{
	return c == '-' ? '_' : tolower((unsigned char)c);
}

static size_t
conf_near_least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How far apart the names are; each has at most NEAR_NAME_MAX bytes. */
static size_t
conf_near_distance(const char *a, const char *b)
{
	/* the present row of the table, and the two before it */
	size_t rows[3][NEAR_NAME_MAX + 1] = {{0}};
	size_t *row = rows[0], *last = rows[1], *before = rows[2], *spare;
	size_t i, j, changed, len = strlen(b);

	for (j = 0; j <= len; j++)
		row[j] = j;
	for (i = 1; a[i - 1] != '\0'; i++) {
		spare = before;
		before = last;
		last = row;
		row = spare;
		row[0] = i;
		for (j = 1; j <= len; j++) {
			changed = conf_near_letter(a[i - 1]) !=
			    conf_near_letter(b[j - 1]);
			row[j] = conf_near_least(last[j - 1] + changed,
			    conf_near_least(last[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 &&
			    conf_near_letter(a[i - 1]) ==
				conf_near_letter(b[j - 2]) &&
			    conf_near_letter(a[i - 2]) ==
				conf_near_letter(b[j - 1]))
				row[j] =
				    conf_near_least(row[j], before[j - 2] + 1);
		}
	}
	return row[len];
}

const char *
conf_near(const char *name)
{
	const struct conf_option *row;
	const char *found = NULL;
	size_t i, distance, best = strlen(name) / 4 + 1;

	if (name[0] == '\0' || strlen(name) > NEAR_NAME_MAX)
		return NULL;
	for (i = 0; (row = conf_row(i)) != NULL; i++) {
		if (strlen(row->name) > NEAR_NAME_MAX)
			continue;
		distance = conf_near_distance(name, row->name);
		if (distance < best) {
			best = distance;
			found = row->name;
		}
	}
	return found;
}
