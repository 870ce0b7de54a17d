/*
 * map_azure_answer.c - see map_azure_answer.h.
 *
 * "There is no such row" is said by two codes alone: a 404 of a proxy, or of a
 * table that is gone, must not turn a client's right name into a wrong one.
 * What an answer holds is compared with what was asked for, so that somebody
 * else's row is never taken.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/printable.h"
#include "map_azure_answer.h"
#include "map_azure_row.h"

#define ANY ""

/* Refusals; the first row that fits counts. */
static const struct map_azure_answer_code {
	long status; /* 0: any */
	const char *code;
	enum map_azure_meaning meaning;
	const char *remedy;
} map_azure_answer_codes[] = {
    {404, "ResourceNotFound", MAP_AZURE_NONE, NULL},
    {404, "EntityNotFound", MAP_AZURE_NONE, NULL},
    {404, "TableNotFound", MAP_AZURE_BAD,
	"make the table, or mend its name in identity_maps"},
    {401, ANY, MAP_AZURE_TOKEN,
	"the credential's application must be of the tenant of the storage "
	"account"},
    {403, "AuthorizationPermissionMismatch", MAP_AZURE_BAD,
	"give the credential's application the role Storage Table Data Reader "
	"on the table; it counts some minutes later"},
    {403, "AuthorizationFailure", MAP_AZURE_BAD,
	"the firewall of the storage account must let this host in"},
    {403, "AuthenticationFailed", MAP_AZURE_BAD, "is this host's clock right?"},
    {403, "AccountIsDisabled", MAP_AZURE_BAD,
	"the storage account is turned off"},
    {403, ANY, MAP_AZURE_BAD,
	"look at roles and firewall of the storage account"},
    {429, ANY, MAP_AZURE_BUSY, NULL},
    {503, ANY, MAP_AZURE_BUSY, NULL},
    {0, ANY, MAP_AZURE_BAD, NULL},
};

/* Reads the error's code, which is made of letters. "" when there is none. */
static const char *
map_azure_answer_code(const json_t *json)
{
	const json_t *error = json_object_get(json, "odata.error");
	const char *code = json_string_value(json_object_get(error, "code"));
	size_t i;

	if (code == NULL)
		return "";
	for (i = 0; code[i] != '\0'; i++)
		if (!printable_is_visible(code[i]) || i == 64)
			return "";
	return code;
}

static enum map_azure_meaning
map_azure_answer_refusal(long status, const char *code, char *text)
{
	const struct map_azure_answer_code *row = map_azure_answer_codes;

	while ((row->status != 0 && row->status != status) ||
	    (row->code[0] != '\0' && strcmp(row->code, code) != 0))
		row++;
	snprintf(text, MAP_AZURE_TEXT_SIZE, "HTTP %ld%s%s%s%s", status,
	    code[0] == '\0' ? "" : " ", code, row->remedy == NULL ? "" : ": ",
	    row->remedy == NULL ? "" : row->remedy);
	return row->meaning;
}

/* --- entities --- */

static enum map_azure_meaning
map_azure_answer_bad(char *text, const char *what)
{
	snprintf(text, MAP_AZURE_TEXT_SIZE, "the answer is %s", what);
	return MAP_AZURE_BAD;
}

static enum map_azure_meaning
map_azure_answer_mistake(char *text, const char *name, const char *what)
{
	snprintf(text, MAP_AZURE_TEXT_SIZE, "row %.60s: %s", name, what);
	printable_make(text, '?');
	return MAP_AZURE_MISTAKE;
}

/* Returns 1 when a column holds exactly this text. */
static int
map_azure_answer_is(const json_t *entity, const char *column, const char *text)
{
	const char *value = json_string_value(json_object_get(entity, column));

	return value != NULL && strcmp(value, text) == 0;
}

/* Takes a row in, the first one or one that says the same. */
static enum map_azure_meaning
map_azure_answer_keep(struct map_azure_found *found, const struct buf *row,
    const char *name, char *text)
{
	char what[128];

	if (!found->is_there) {
		found->is_there = 1;
		snprintf(found->name, sizeof(found->name), "%s", name);
		if (row->len > 0 &&
		    buf_add(&found->row, row->bytes, row->len) == -1)
			return map_azure_answer_bad(
			    text, "lost: out of memory");
		return MAP_AZURE_OK;
	}
	if (row->len == found->row.len &&
	    (row->len == 0 ||
		memcmp(row->bytes, found->row.bytes, row->len) == 0))
		return MAP_AZURE_OK;
	snprintf(what, sizeof(what),
	    "row %.60s is of the same application and says something else",
	    found->name);
	return map_azure_answer_mistake(text, name, what);
}

static enum map_azure_meaning
map_azure_answer_entity(const json_t *entity,
    const struct map_azure_place *place, const char *key,
    struct map_azure_found *found, char *text)
{
	const char *name = json_string_value(json_object_get(entity, "RowKey"));
	enum map_azure_meaning meaning;
	struct error err;
	struct buf row;

	if (name == NULL || (key != NULL && strcmp(name, key) != 0) ||
	    !map_azure_answer_is(entity, "PartitionKey", place->partition))
		return map_azure_answer_bad(
		    text, "not the row that was asked for");
	buf_init(&row, found->row.limit);
	meaning = map_azure_row(entity, &row, &err) == 0
	    ? map_azure_answer_keep(found, &row, name, text)
	    : map_azure_answer_mistake(text, name, err.text);
	buf_free(&row);
	return meaning;
}

static enum map_azure_meaning
map_azure_answer_list(const json_t *json, const struct map_azure_place *place,
    struct map_azure_found *found, char *text)
{
	const json_t *list = json_object_get(json, "value"), *entity;
	enum map_azure_meaning meaning = MAP_AZURE_OK;
	size_t i;

	if (!json_is_array(list))
		return map_azure_answer_bad(text, "no list of rows");
	json_array_foreach(list, i, entity)
	{
		meaning =
		    map_azure_answer_entity(entity, place, NULL, found, text);
		if (meaning != MAP_AZURE_OK)
			break;
	}
	return meaning;
}

/* Returns the JSON of a page or row. NULL with *meaning and text. */
static json_t *
map_azure_answer_open(const struct http_answer *answer,
    enum map_azure_meaning *meaning, char *text)
{
	json_t *json;

	text[0] = '\0';
	/* an answer that was cut has a status as well */
	if (answer->status == 0 || answer->transport[0] != '\0') {
		snprintf(text, MAP_AZURE_TEXT_SIZE, "%s", answer->transport);
		*meaning = MAP_AZURE_BAD;
		return NULL;
	}
	json = json_loadb(
	    answer->body, answer->body_len, JSON_REJECT_DUPLICATES, NULL);
	if (answer->status == 200 && json_is_object(json))
		return json;
	*meaning = answer->status == 200
	    ? map_azure_answer_bad(text, "no JSON")
	    : map_azure_answer_refusal(
		  answer->status, map_azure_answer_code(json), text);
	json_decref(json);
	return NULL;
}

enum map_azure_meaning
map_azure_answer_read(const struct http_answer *answer,
    const struct map_azure_place *place, const char *key,
    struct map_azure_found *found, char text[MAP_AZURE_TEXT_SIZE])
{
	enum map_azure_meaning meaning;
	json_t *json = map_azure_answer_open(answer, &meaning, text);

	if (json == NULL)
		return meaning;
	meaning = key != NULL
	    ? map_azure_answer_entity(json, place, key, found, text)
	    : map_azure_answer_list(json, place, found, text);
	json_decref(json);
	return meaning;
}

/* --- names --- */

/* Returns 1 when somebody can be looked for under this name. */
static int
map_azure_answer_is_key(const char *name)
{
	char entry[ENTRY_NAME_SIZE];
	struct identity application;

	if (identity_parse_entry_name(name, strlen(name), entry) == 0)
		return strcmp(entry, name) == 0;
	return identity_parse(name, strlen(name), "@", &application, NULL) == 0;
}

enum map_azure_meaning
map_azure_answer_names(const struct http_answer *answer,
    struct map_azure_names *names, char text[MAP_AZURE_TEXT_SIZE])
{
	enum map_azure_meaning meaning;
	json_t *json = map_azure_answer_open(answer, &meaning, text);
	const json_t *list = json_object_get(json, "value"), *entity;
	const char *name;
	size_t i;

	if (json == NULL)
		return meaning;
	meaning = json_is_array(list)
	    ? MAP_AZURE_OK
	    : map_azure_answer_bad(text, "no list of rows");
	json_array_foreach(list, i, entity)
	{
		name = json_string_value(json_object_get(entity, "RowKey"));
		names->count++;
		if (name != NULL && map_azure_answer_is_key(name))
			continue;
		if (names->unfit++ == 0)
			snprintf(names->first, sizeof(names->first), "%s",
			    name == NULL ? "" : name);
	}
	json_decref(json);
	return meaning;
}

void
map_azure_answer_describe(
    const struct map_azure_names *names, char text[MAP_AZURE_TEXT_SIZE])
{
	text[0] = '\0';
	if (names->unfit == 0)
		return;
	snprintf(text, MAP_AZURE_TEXT_SIZE,
	    "%zu of %zu rows have a RowKey that no name finds, such as \"%s\"; "
	    "it needs small letters a to z, digits, '_' and '-'",
	    names->unfit, names->count, names->first);
	printable_make(text, '?');
}
