/*
 * outside_tree.c - see outside_tree.h: tsearch(3), in a file of its own since
 * <search.h> has a struct entry too.
 */
#include <search.h>
#include <string.h>

#include "outside_tree.h"

static int
outside_tree_compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

int
outside_tree_add(void **tree, void *thing)
{
	return tsearch(thing, tree, outside_tree_compare) == NULL ? -1 : 0;
}

void *
outside_tree_find(void *const *tree, const char *key)
{
	void *const *found = tfind(key, tree, outside_tree_compare);

	return found == NULL ? NULL : *found;
}

void
outside_tree_remove(void **tree, const void *thing)
{
	tdelete(thing, tree, outside_tree_compare);
}
