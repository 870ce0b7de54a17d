/*
 * map_azure_url.c - see map_azure_url.h.
 *
 * What stands between quotes has each of its quotes doubled (OData), and is
 * escaped after that, so nothing that is in a key ends the literal or begins
 * another part of the URL.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "agent/daemon/net/http.h"
#include "lib/base/codec.h"
#include "lib/base/printable.h"
#include "map_azure_url.h"

#define MAP_AZURE_FORM                                 \
	"https://ACCOUNT.table.core.windows.net/TABLE" \
	"?partition=KEY&credential=ENTRY"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* --- reading --- */

static int
map_azure_url_wrong(struct error *err, const char *what)
{
	return error_set(
	    err, ERROR_OURS, "4.3.5", "%s; it must be " MAP_AZURE_FORM, what);
}

/* Reads a partition of len bytes, escaped as in a URL. 0, or -1. */
static int
map_azure_url_read_partition(
    struct map_azure_place *place, const char *text, size_t len)
{
	const char *limit = text + len;
	size_t used = 0;
	int byte;

	while (text < limit && used < sizeof(place->partition) - 1) {
		byte = (unsigned char)*text++;
		if (byte == '%') {
			byte = codec_hex_pair(text, limit);
			text += 2;
		}
		if (byte <= 0)
			return -1;
		place->partition[used++] = (char)byte;
	}
	place->partition[used] = '\0';
	return text == limit && used > 0 &&
		map_azure_url_is_key(place->partition)
	    ? 0
	    : -1;
}

/* Reads "name=value" of len bytes. */
static int
map_azure_url_read_option(struct map_azure_place *place, const char *text,
    size_t len, struct error *err)
{
	static const char partition[] = "partition=";
	static const char credential[] = "credential=";
	size_t skip;

	if (strncmp(text, partition, strlen(partition)) == 0) {
		skip = strlen(partition);
		if (len >= skip &&
		    map_azure_url_read_partition(
			place, text + skip, len - skip) == 0)
			return 0;
		return map_azure_url_wrong(
		    err, "no partition can have this name");
	}
	if (strncmp(text, credential, strlen(credential)) == 0) {
		skip = strlen(credential);
		if (len > skip &&
		    identity_parse_entry_name(
			text + skip, len - skip, place->entry) == 0)
			return 0;
		return map_azure_url_wrong(
		    err, "behind \"credential=\" stands no entry's name");
	}
	return map_azure_url_wrong(
	    err, "an option is neither partition nor credential");
}

static int
map_azure_url_read_options(
    struct map_azure_place *place, const char *text, struct error *err)
{
	size_t len;

	while (*text != '\0') {
		len = strcspn(text, "&");
		if (map_azure_url_read_option(place, text, len, err) == -1)
			return -1;
		text += len;
		text += *text == '&';
	}
	if (place->entry[0] == '\0')
		return map_azure_url_wrong(err,
		    "credential is missing, the entry whose credential opens "
		    "the table");
	return 0;
}

int
map_azure_url_read(
    const char *text, struct map_azure_place *place, struct error *err)
{
	static const char scheme[] = "https://";
	const char *host = text + strlen(scheme), *table;
	size_t len, table_len;

	memset(place, 0, sizeof(*place));
	snprintf(place->partition, sizeof(place->partition), "user");
	if (strncmp(text, scheme, strlen(scheme)) != 0)
		return map_azure_url_wrong(err, "https:// is missing");
	len = strspn(host, LETTERS DIGITS "-.:");
	if (len == 0 || host[len] != '/')
		return map_azure_url_wrong(err, "no host, or no table");
	table = host + len + 1;
	table_len = strspn(table, LETTERS DIGITS);
	if (table_len < 3 || table_len >= sizeof(place->table) ||
	    isdigit((unsigned char)table[0]) || table[table_len] != '?')
		return map_azure_url_wrong(err,
		    "a table's name has 3 to 63 letters and digits, and "
		    "options follow it behind a '?'");
	len = (size_t)(table + table_len - text);
	if (len >= sizeof(place->url))
		return map_azure_url_wrong(err, "the URL is too long");
	snprintf(place->url, sizeof(place->url), "%.*s", (int)len, text);
	snprintf(
	    place->table, sizeof(place->table), "%.*s", (int)table_len, table);
	return map_azure_url_read_options(place, table + table_len + 1, err);
}

int
map_azure_url_is_key(const char *key)
{
	size_t i;

	for (i = 0; key[i] != '\0'; i++)
		if (printable_is_control(key[i]) ||
		    strchr("/\\#?", key[i]) != NULL)
			return 0;
	return i <= MAP_AZURE_PARTITION_SIZE - 1;
}

/* --- writing --- */

/* Appends a literal: 'o''neil', escaped but for the quotes around it. */
static int
map_azure_url_add_literal(struct buf *out, const char *text)
{
	size_t len;

	buf_add_string(out, "'");
	while (*text != '\0') {
		len = strcspn(text, "'");
		http_add_escaped(out, text, len);
		text += len;
		if (*text == '\'') {
			buf_add_string(out, "%27%27");
			text++;
		}
	}
	return buf_add_string(out, "'");
}

int
map_azure_url_entity(
    const struct map_azure_place *place, const char *key, struct buf *out)
{
	buf_printf(out, "%s(PartitionKey=", place->url);
	map_azure_url_add_literal(out, place->partition);
	buf_add_string(out, ",RowKey=");
	map_azure_url_add_literal(out, key);
	buf_add_string(out, ")");
	return out->failed ? -1 : 0;
}

/* Appends "(tenant_id eq '..' and client_id eq '..')". */
static void
map_azure_url_add_ids(struct buf *out, const char *tenant, const char *client)
{
	buf_printf(out,
	    "(tenant_id%%20eq%%20'%s'%%20and%%20client_id%%20eq%%20"
	    "'%s')",
	    tenant, client);
}

int
map_azure_url_application(const struct map_azure_place *place,
    const struct identity *application, struct buf *out)
{
	struct identity upper = *application;
	size_t i;

	for (i = 0; i < UUID_TEXT_SIZE; i++) {
		upper.tenant[i] = (char)toupper((unsigned char)upper.tenant[i]);
		upper.client[i] = (char)toupper((unsigned char)upper.client[i]);
	}
	buf_printf(out, "%s()?$filter=PartitionKey%%20eq%%20", place->url);
	map_azure_url_add_literal(out, place->partition);
	buf_add_string(out, "%20and%20(");
	map_azure_url_add_ids(out, application->tenant, application->client);
	buf_add_string(out, "%20or%20");
	map_azure_url_add_ids(out, upper.tenant, upper.client);
	buf_printf(out, "%%20or%%20application%%20eq%%20'%s%%2F%s')",
	    application->tenant, application->client);
	return out->failed ? -1 : 0;
}

int
map_azure_url_names(const struct map_azure_place *place, struct buf *out)
{
	buf_printf(out, "%s()?$filter=PartitionKey%%20eq%%20", place->url);
	map_azure_url_add_literal(out, place->partition);
	return buf_add_string(out, "&$select=RowKey");
}

int
map_azure_url_next(const char *partition, const char *row, struct buf *out)
{
	buf_add_string(out, "&NextPartitionKey=");
	http_add_escaped(out, partition, strlen(partition));
	if (row != NULL) {
		buf_add_string(out, "&NextRowKey=");
		http_add_escaped(out, row, strlen(row));
	}
	return out->failed ? -1 : 0;
}
