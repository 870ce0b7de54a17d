/*
 * near.h - the name that was meant by a mistyped one.
 */
#ifndef MSGRAPH_NEAR_H
#define MSGRAPH_NEAR_H

#include <stddef.h>

/*
 * Returns that of the names which was probably meant, NULL where none is near:
 * letter case and '-' for '_' do not count, and one letter in four may be
 * missing, wrong, too much, or have changed places with the next. at() returns
 * the name at a place, and NULL past the end.
 */
const char *near_name(const char *name, const char *(*at)(size_t place));

#endif
