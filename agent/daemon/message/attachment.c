/*
 * attachment.c - see attachment.h.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/array.h"
#include "attachment.h"

#define PREFIX "attachment"

void
attachments_free(struct attachments *all)
{
	size_t i;

	for (i = 0; i < all->count; i++) {
		free(all->list[i].name);
		free(all->list[i].type);
		free(all->list[i].id);
	}
	free(all->list);
	memset(all, 0, sizeof(*all));
}

static int
attachment_refuse(const char *name, struct error *err)
{
	return error_set(
	    err, ERROR_OURS, "4.3.0", "%s is malformed or one too many", name);
}

static int
attachment_add(struct attachments *all, const char *value, struct error *err)
{
	struct attachment *list;
	struct segment bytes;

	if (all->count == ATTACHMENTS_MAX ||
	    source_parse_segment(value, &bytes) == -1 ||
	    bytes.length > SOURCE_SIZE_MAX - all->size)
		return attachment_refuse(PREFIX, err);
	list = array_room(all->list, all->count, &all->room, sizeof(*list));
	if (list == NULL)
		return error_no_memory(err);
	all->list = list;
	memset(&all->list[all->count], 0, sizeof(*list));
	all->list[all->count++].bytes = bytes;
	all->size += bytes.length;
	return 0;
}

/* It goes into JSON, so UTF-8 is needed. */
static int
attachment_is_text(const char *value)
{
	json_t *json;

	if (value[0] == '\0' || strlen(value) > ATTACHMENT_TEXT_MAX ||
	    (json = json_string(value)) == NULL)
		return 0;
	json_decref(json);
	return 1;
}

static int
attachment_set_text(
    char **text, const char *name, const char *value, struct error *err)
{
	if (*text != NULL || !attachment_is_text(value))
		return attachment_refuse(name, err);
	if ((*text = strdup(value)) == NULL)
		return error_no_memory(err);
	return 0;
}

/* The rest of a line's name behind "attachment-". */
static int
attachment_set(struct attachment *a, const char *what, const char *name,
    const char *value, struct error *err)
{
	if (strcmp(what, "name") == 0)
		return attachment_set_text(&a->name, name, value, err);
	if (strcmp(what, "type") == 0)
		return attachment_set_text(&a->type, name, value, err);
	if (strcmp(what, "id") == 0)
		return attachment_set_text(&a->id, name, value, err);
	if (strcmp(what, "inline") == 0)
		a->is_inline = strcmp(value, "yes") == 0;
	return 0;
}

int
attachments_read(struct attachments *all, const char *name, const char *value,
    struct error *err)
{
	int result;

	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0)
		return 0;
	if (name[strlen(PREFIX)] == '\0')
		result = attachment_add(all, value, err);
	else if (name[strlen(PREFIX)] != '-')
		return 0;
	else if (all->count == 0)
		result = attachment_refuse(name, err);
	else
		result = attachment_set(&all->list[all->count - 1],
		    name + strlen(PREFIX "-"), name, value, err);
	return result == -1 ? -1 : 1;
}

int
attachments_check(const struct attachments *all, const struct source *source,
    struct error *err)
{
	const struct attachment *a;
	struct stat st;
	size_t i;

	if (all->count > 0 && fstat(source->fd, &st) == -1)
		return attachment_refuse(PREFIX, err);
	for (i = 0; i < all->count; i++) {
		a = &all->list[i];
		if (a->name == NULL || a->type == NULL)
			return error_set(err, ERROR_OURS, "4.3.0",
			    "an attachment lacks its name or type");
		if (a->bytes.offset + a->bytes.length > st.st_size)
			return error_set(err, ERROR_OURS, "4.3.0",
			    "an attachment lies outside the agent's spool "
			    "file");
	}
	return 0;
}
