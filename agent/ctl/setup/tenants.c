/*
 * tenants.c - see tenants.h.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "agent/ctl/base/file.h"
#include "lib/base/span.h"
#include "lib/conf/conf.h"
#include "tenants.h"

#define TENANTS_NAME "allowed_tenants"
#define TENANTS_SIZE_MAX 2000 /* a line of msgraph.conf has 2,046 at most */

int
tenants_read(const char *file, char **value, struct error *err)
{
	struct conf conf;
	int status = 0;

	*value = NULL;
	if (conf_load(&conf, file, err) == -1)
		return -1;
	if (conf.allowed_tenants != NULL &&
	    (*value = strdup(conf.allowed_tenants)) == NULL)
		status = error_no_memory(err);
	conf_free(&conf);
	return status;
}

int
tenants_want(const char *file, const char *const *tenants, size_t count,
    char **old, char **new, struct error *err)
{
	struct conf conf = {.allowed_tenants = NULL};
	struct buf list;
	size_t i, missing = 0;
	int status = 0;

	*new = NULL;
	if (file_is_there(file, err) == -1 ||
	    tenants_read(file, old, err) == -1)
		return -1;
	buf_init(&list, TENANTS_SIZE_MAX);
	if (*old != NULL)
		buf_add_string(&list, *old);
	for (i = 0; i < count; i++) {
		conf.allowed_tenants = list.len > 0 ? list.bytes : NULL;
		if (conf_allows_tenant(&conf, tenants[i]))
			continue;
		buf_printf(&list, "%s%s", list.len > 0 ? ", " : "", tenants[i]);
		missing++;
	}
	if (list.failed)
		status = error_set(err, ERROR_OURS, "4.3.5",
		    "%s: " TENANTS_NAME " would be too long", file);
	else if (missing > 0 && (*new = strdup(list.bytes)) == NULL)
		status = error_no_memory(err);
	buf_free(&list);
	if (status == -1)
		free(*old);
	return status;
}

/* --- the file --- */

/* Returns 1 for a line that sets it; with comment for "#allowed_tenants = ". */
static int
tenants_is_line(const char *line, int comment)
{
	while (isspace((unsigned char)*line) && *line != '\n')
		line++;
	if (comment && *line++ != '#')
		return 0;
	if (strncmp(line, TENANTS_NAME, strlen(TENANTS_NAME)) != 0)
		return 0;
	line += strlen(TENANTS_NAME);
	line += strspn(line, " \t");
	return *line == '=';
}

/*
 * Finds the last line that sets it, else the empty place where such a line
 * belongs: below the last comment of that form, or at the end.
 */
static struct span
tenants_place(const struct buf *text)
{
	const char *line = text->bytes, *end = text->bytes + text->len, *next;
	struct span place = {end, 0};
	int is_set = 0;

	for (; line < end; line = next) {
		next = strchrnul(line, '\n');
		next += *next == '\n';
		if (tenants_is_line(line, 0)) {
			place = span_between(line, next);
			is_set = 1;
		} else if (!is_set && tenants_is_line(line, 1)) {
			place = (struct span){next, 0};
		}
	}
	return place;
}

int
tenants_write(const char *file, const char *value, struct error *err)
{
	struct buf text, new;
	struct span place;
	int status = -1;

	buf_init(&text, FILE_SIZE_MAX);
	buf_init(&new, FILE_SIZE_MAX);
	if (file_read(file, &text, err) == -1)
		goto out;
	place = tenants_place(&text);
	buf_add(&new, text.bytes, (size_t)(place.p - text.bytes));
	if (value != NULL && new.len > 0 && new.bytes[new.len - 1] != '\n')
		buf_add_string(&new, "\n");
	if (value != NULL)
		buf_printf(&new, TENANTS_NAME " = %s\n", value);
	buf_add_string(&new, span_end(place));
	if (new.failed)
		error_no_memory(err);
	else
		status = file_replace(file, new.bytes, 0644, err);
out:
	buf_free(&text);
	buf_free(&new);
	return status;
}
