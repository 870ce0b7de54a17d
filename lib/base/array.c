/*
 * array.c - see array.h.
 */
#include <stdlib.h>

#include "array.h"

#define ARRAY_FIRST 16

void *
array_room(void *array, size_t count, size_t *room, size_t size)
{
	size_t more = *room == 0 ? ARRAY_FIRST : 2 * *room;
	void *grown;

	if (count < *room)
		return array;
	if ((grown = reallocarray(array, more, size)) != NULL)
		*room = more;
	return grown;
}
