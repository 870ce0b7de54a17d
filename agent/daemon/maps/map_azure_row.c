/*
 * map_azure_row.c - see map_azure_row.h.
 *
 * A column that has the name of an attribute goes into the row, also one that a
 * row from outside may not carry: the reader of the row refuses it then,
 * instead of sending mail as if it were not there. Three columns have the names
 * that the container relay gave them. A table that was filled from CSV has
 * empty texts where nothing is meant.
 */
#include <string.h>

#include "lib/base/printable.h"
#include "map_azure_row.h"

/* All attributes of identities(5); tests/unit/daemon_map_azure.c compares. */
static const char *const map_azure_row_attributes[] = {"application",
    "secret_file", "certificate_file", "federated_token_file",
    "managed_identity", "clients", "daemon_name", "client_certificate",
    "logins", "sign_in", "from", "senders", "recipients", "rate_limit",
    "fallback_mailbox", "transport", "disabled", "expires", "expect", NULL};

int
map_azure_row_is_attribute(const char *column)
{
	const char *const *name = map_azure_row_attributes;

	while (*name != NULL && strcmp(*name, column) != 0)
		name++;
	return *name != NULL;
}

static int
map_azure_row_wrong(struct error *err, const char *column, const char *what)
{
	return error_set(
	    err, ERROR_OURS, "4.3.5", "the column %s %s", column, what);
}

/* Returns 1 when a column says nothing. */
static int
map_azure_row_is_empty(const json_t *value)
{
	return value == NULL || json_is_null(value) ||
	    (json_is_string(value) && json_string_length(value) == 0);
}

/* Appends a text that fits between braces, and that no line ends in. */
static int
map_azure_row_add_text(
    struct buf *row, const char *column, const json_t *value, struct error *err)
{
	const char *text = json_string_value(value);
	size_t i, len = json_string_length(value);

	for (i = 0; i < len; i++)
		if (printable_is_control(text[i]) || text[i] == '{' ||
		    text[i] == '}')
			return map_azure_row_wrong(err, column,
			    "holds a brace or a control character");
	buf_add(row, text, len);
	return 0;
}

/* Appends a value as the text that identities(5) has for it. */
static int
map_azure_row_add_value(
    struct buf *row, const char *column, const json_t *value, struct error *err)
{
	if (json_is_string(value))
		return map_azure_row_add_text(row, column, value, err);
	if (json_is_boolean(value))
		buf_add_string(row, json_is_true(value) ? "yes" : "no");
	else if (json_is_integer(value))
		buf_printf(
		    row, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else
		return map_azure_row_wrong(
		    err, column, "is neither text, number nor Boolean");
	return 0;
}

static void
map_azure_row_begin(struct buf *row, const char *attribute)
{
	buf_printf(row, "%s{ %s = ", row->len == 0 ? "" : " ", attribute);
}

static void
map_azure_row_end(struct buf *row)
{
	buf_add_string(row, " }");
}

static int
map_azure_row_add(struct buf *row, const char *attribute, const char *column,
    const json_t *value, struct error *err)
{
	map_azure_row_begin(row, attribute);
	if (map_azure_row_add_value(row, column, value, err) == -1)
		return -1;
	map_azure_row_end(row);
	return 0;
}

/* Makes "application" of tenant_id and client_id. */
static int
map_azure_row_add_ids(struct buf *row, const json_t *entity, struct error *err)
{
	const json_t *tenant = json_object_get(entity, "tenant_id");
	const json_t *client = json_object_get(entity, "client_id");

	if (map_azure_row_is_empty(tenant) && map_azure_row_is_empty(client))
		return 0;
	if (map_azure_row_is_empty(tenant))
		return map_azure_row_wrong(
		    err, "tenant_id", "is empty, and client_id is not");
	if (map_azure_row_is_empty(client))
		return map_azure_row_wrong(
		    err, "client_id", "is empty, and tenant_id is not");
	if (!map_azure_row_is_empty(json_object_get(entity, "application")))
		return map_azure_row_wrong(err, "application",
		    "stands beside tenant_id and client_id; keep the one or "
		    "the others");
	map_azure_row_begin(row, "application");
	if (map_azure_row_add_value(row, "tenant_id", tenant, err) == -1)
		return -1;
	buf_add_string(row, "/");
	if (map_azure_row_add_value(row, "client_id", client, err) == -1)
		return -1;
	map_azure_row_end(row);
	return 0;
}

/* The container relay took an address in any letter case. */
static int
map_azure_row_add_from_email(
    struct buf *row, const json_t *entity, struct error *err)
{
	const json_t *from = json_object_get(entity, "from_email");
	size_t i, begin = row->len;

	if (map_azure_row_is_empty(from))
		return 0;
	if (!map_azure_row_is_empty(json_object_get(entity, "from")))
		return map_azure_row_wrong(
		    err, "from", "stands beside from_email; keep one of them");
	if (map_azure_row_add(row, "from", "from_email", from, err) == -1)
		return -1;
	for (i = begin; i < row->len; i++)
		if (row->bytes[i] >= 'A' && row->bytes[i] <= 'Z')
			row->bytes[i] = (char)(row->bytes[i] - 'A' + 'a');
	return 0;
}

int
map_azure_row(const json_t *entity, struct buf *row, struct error *err)
{
	const char *const *name;
	const json_t *value;

	if (map_azure_row_add_ids(row, entity, err) == -1 ||
	    map_azure_row_add_from_email(row, entity, err) == -1)
		return -1;
	for (name = map_azure_row_attributes; *name != NULL; name++) {
		value = json_object_get(entity, *name);
		if (!map_azure_row_is_empty(value) &&
		    map_azure_row_add(row, *name, *name, value, err) == -1)
			return -1;
	}
	if (row->failed == BUF_NO_MEMORY)
		return error_no_memory(err);
	return row->failed ? error_set(err, ERROR_OURS, "4.3.5",
				 "the columns are longer than %zu bytes "
				 "together",
				 row->limit)
			   : 0;
}
