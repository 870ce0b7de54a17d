/*
 * outside_tree.h - finds things that begin with their key, a string.
 */
#ifndef MSGRAPHD_OUTSIDE_TREE_H
#define MSGRAPHD_OUTSIDE_TREE_H

/* Adds a thing to a tree, which starts as NULL. 0, or -1 out of memory. */
int outside_tree_add(void **tree, void *thing);

/* Returns the thing of a key, or NULL. */
void *outside_tree_find(void *const *tree, const char *key);

/* Takes a thing out. */
void outside_tree_remove(void **tree, const void *thing);

#endif
