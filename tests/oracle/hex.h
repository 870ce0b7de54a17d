/* hex.h - how tests/oracle/readers.py and the programs beside it talk. */
#ifndef TESTS_ORACLE_HEX_H
#define TESTS_ORACLE_HEX_H

#include <stdio.h>

#include "lib/base/span.h"

static inline void
hex_put(struct span s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		printf("%02x", (unsigned char)s.p[i]);
}

static inline int
hex_digit(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* The bytes that a line stands for, in its place; NULL at the end. */
static inline struct span
hex_get(char **line, size_t *size)
{
	ssize_t n = getline(line, size, stdin);
	size_t i, len = n > 0 ? (size_t)(n - 1) / 2 : 0;

	for (i = 0; i < len; i++)
		(*line)[i] = (char)(hex_digit((*line)[2 * i]) << 4 |
		    hex_digit((*line)[2 * i + 1]));
	return n > 0 ? span_between(*line, *line + len)
		     : span_between(NULL, NULL);
}

#endif
