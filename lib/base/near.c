/*
 * near.c - see near.h. Pure functions.
 *
 * The distance of two names is the number of letters that were left out, put
 * in, typed wrong, or typed before their predecessor (optimal string alignment
 * distance). Runs for unknown names only, over names of bounded length.
 */
#include <ctype.h>
#include <string.h>

#include "near.h"

#define NEAR_NAME_MAX 40 /* bytes; a longer name is near to none */

static int
near_letter(char c)
{
	return c == '-' ? '_' : tolower((unsigned char)c);
}

static size_t
near_least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How far apart the names are; each has at most NEAR_NAME_MAX bytes. */
static size_t
near_distance(const char *a, const char *b)
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
			changed =
			    near_letter(a[i - 1]) != near_letter(b[j - 1]);
			row[j] = near_least(last[j - 1] + changed,
			    near_least(last[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 &&
			    near_letter(a[i - 1]) == near_letter(b[j - 2]) &&
			    near_letter(a[i - 2]) == near_letter(b[j - 1]))
				row[j] = near_least(row[j], before[j - 2] + 1);
		}
	}
	return row[len];
}

const char *
near_name(const char *name, const char *(*at)(size_t place))
{
	const char *other, *found = NULL;
	size_t i, distance, best = strlen(name) / 4 + 1;

	if (name[0] == '\0' || strlen(name) > NEAR_NAME_MAX)
		return NULL;
	for (i = 0; (other = at(i)) != NULL; i++) {
		if (strlen(other) > NEAR_NAME_MAX)
			continue;
		distance = near_distance(name, other);
		if (distance < best) {
			best = distance;
			found = other;
		}
	}
	return found;
}
