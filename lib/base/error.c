/*
 * error.c - fills struct error; see error.h.
 *
 * Texts end up in Postfix's log, in bounces and in SMTP replies, and parts of
 * them come from outside. So they are made printable here, once, instead of at
 * every place that prints one.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "printable.h"

int
error_set(struct error *err, enum error_class class, const char *dsn,
    const char *fmt, ...)
{
	va_list ap;

	if (err == NULL)
		return -1;
	err->class = class;
	snprintf(err->dsn, sizeof(err->dsn), "%s", dsn);
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	printable_make(err->text, '?');
	return -1;
}

int
error_no_memory(struct error *err)
{
	return error_set(err, ERROR_TEMPORARY, "4.3.0", "out of memory");
}

int
error_prefix(struct error *err, const char *fmt, ...)
{
	char old[sizeof(err->text)];
	va_list ap;
	size_t used;

	if (err == NULL)
		return -1;
	memcpy(old, err->text, sizeof(old));
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	used = strlen(err->text);
	snprintf(err->text + used, sizeof(err->text) - used, ": %s", old);
	printable_make(err->text, '?');
	return -1;
}
