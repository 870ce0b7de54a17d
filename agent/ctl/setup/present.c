/*
 * present.c - see present.h.
 *
 * Settings are read from the text of main.cf: postconf -n does not show those
 * of a transport that is not in master.cf (yet, or any more).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/ctl/base/file.h"
#include "present.h"
#include "tenants.h"

int
present_read(struct present *present, const char *folder, struct error *err)
{
	char path[4096];

	memset(present, 0, sizeof(*present));
	present->folder = folder;
	buf_init(&present->main, FILE_SIZE_MAX);
	snprintf(path, sizeof(path), "%s/main.cf", folder);
	if (file_read(path, &present->main, err) == 0 &&
	    postconf_read(
		&present->postconf, folder, POSTCONF_AS_WRITTEN, err) == 0)
		return 0;
	buf_free(&present->main);
	return -1;
}

void
present_free(struct present *present)
{
	postconf_free(&present->postconf);
	buf_free(&present->main);
}

/* --- main.cf --- */

/* Returns what stands behind "name =" at the start of a line, or NULL. */
static const char *
present_assigned(const char *line, const char *name)
{
	size_t len = strlen(name);

	if (strncmp(line, name, len) != 0)
		return NULL;
	line += len + strspn(line + len, " \t");
	return *line == '=' ? line + 1 + strspn(line + 1, " \t") : NULL;
}

/*
 * Appends the value of the last line that sets the name, with those that
 * continue it; *is_set says whether there is one.
 */
static void
present_main(const char *text, const char *name, struct buf *value, int *is_set)
{
	const char *line, *end, *from;
	int is_ours = 0;

	for (line = text; *line != '\0'; line = end + (*end == '\n')) {
		end = strchrnul(line, '\n');
		from = line + strspn(line, " \t\r");
		if (*from == '#' || from >= end)
			continue;
		if (from == line) {
			from = present_assigned(line, name);
			if ((is_ours = from != NULL) != 0) {
				buf_drop(value, value->len);
				*is_set = 1;
			}
		} else if (is_ours && value->len > 0) {
			buf_add_string(value, " ");
		}
		if (is_ours && from < end)
			buf_add(value, from, (size_t)(end - from));
		while (value->len > 0 &&
		    strchr(" \t\r", value->bytes[value->len - 1]) != NULL)
			value->bytes[--value->len] = '\0';
	}
}

static int
present_setting(const struct present *present, const char *name, char **value,
    struct error *err)
{
	struct buf text;
	int is_set = 0, failed;

	buf_init(&text, FILE_SIZE_MAX);
	present_main(present->main.bytes, name, &text, &is_set);
	if (is_set)
		*value = strdup(text.bytes != NULL ? text.bytes : "");
	failed = text.failed || (is_set && *value == NULL);
	buf_free(&text);
	return failed ? error_no_memory(err) : 0;
}

/* --- the others --- */

static int
present_copy(const char *text, char **value, struct error *err)
{
	if (text != NULL && (*value = strdup(text)) == NULL)
		return error_no_memory(err);
	return 0;
}

static int
present_folder(const char *path, char **value, struct error *err)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return present_copy("", value, err);
	return error_set(err, ERROR_OURS, "4.3.5",
	    "%s must be a folder: move away what has its name", path);
}

static int
present_file(const char *path, char **value, struct error *err)
{
	struct buf text;
	int status;

	buf_init(&text, FILE_SIZE_MAX);
	status = file_read(path, &text, err);
	if (status == 0)
		status = present_copy(text.bytes, value, err);
	buf_free(&text);
	return status;
}

static int
present_option(const struct present *present, const char *name, char **value,
    struct error *err)
{
	char service_name[512];
	const char *option = change_option(name, service_name);
	const struct postconf_service *service =
	    postconf_service(&present->postconf, service_name);

	return service == NULL
	    ? 0
	    : present_copy(postconf_option(service, option), value, err);
}

int
present_value(const struct present *present, enum change_kind kind,
    const char *name, char **value, struct error *err)
{
	const struct postconf_service *service;
	int is_file = kind == CHANGE_FOLDER || kind == CHANGE_FILE ||
	    kind == CHANGE_TENANTS;
	int is_there;

	*value = NULL;
	/* the way back must not wait for a msgraph.conf that is gone */
	if (is_file && (is_there = file_is_there(name, err)) != 1)
		return is_there;
	switch (kind) {
	case CHANGE_FOLDER:
		return present_folder(name, value, err);
	case CHANGE_FILE:
		return present_file(name, value, err);
	case CHANGE_SETTING:
		return present_setting(present, name, value, err);
	case CHANGE_SERVICE:
		service = postconf_service(&present->postconf, name);
		return present_copy(
		    service != NULL ? service->line : NULL, value, err);
	case CHANGE_OPTION:
		return present_option(present, name, value, err);
	case CHANGE_TENANTS:
		return tenants_read(name, value, err);
	default:
		return 0;
	}
}
