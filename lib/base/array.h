/*
 * array.h - an array that grows one element at a time.
 */
#ifndef MSGRAPH_ARRAY_H
#define MSGRAPH_ARRAY_H

#include <stddef.h>

/*
 * Makes room for one more element of size bytes, where count of *room are used.
 * Room doubles, and the caller limits count. Returns the array, which may have
 * moved, and sets *room; out of memory NULL, with the old array as it was.
 */
void *array_room(void *array, size_t count, size_t *room, size_t size);

#endif
