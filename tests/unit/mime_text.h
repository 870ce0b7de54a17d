/*
 * mime_text.h - a message in memory as a source of lib/mail/mime.c.
 */
#ifndef TESTS_MIME_TEXT_H
#define TESTS_MIME_TEXT_H

#include <string.h>

#include "lib/mail/mime.h"

struct text {
	const char *bytes;
	size_t len;
	size_t at_once; /* bytes a read gives at most */
};

static inline ssize_t
read_text(void *context, void *bytes, size_t len, long long at)
{
	const struct text *t = context;
	size_t rest = t->len - (size_t)at;

	if (len > rest)
		len = rest;
	if (len > t->at_once)
		len = t->at_once;
	memcpy(bytes, t->bytes + at, len);
	return (ssize_t)len;
}

/* The same of a struct span, whatever is asked for. */
static inline ssize_t
read_span(void *context, void *bytes, size_t len, long long at)
{
	const struct span *s = context;

	if (len > s->len - (size_t)at)
		len = s->len - (size_t)at;
	memcpy(bytes, s->p + at, len);
	return (ssize_t)len;
}

#endif
