/*
 * Fuzzes the reader of the table of identities. What is refused says where; of
 * what is taken each entry is found by its name, application, logins and
 * clients, and lends no credential to more than it says.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/daemon/identities/table.h"
#include "agent/daemon/identities/table_row.h"
#include "tests/unit/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* --- credentials, of which the table knows nothing but that they are --- */

struct credential {
	char attribute[32];
};

struct credential *
credential_new(const char *attribute, const char *value, struct error *err)
{
	struct credential *credential;

	if (value[0] != '/') {
		error_set(err, ERROR_OURS, "4.3.5", "no path");
		return NULL;
	}
	credential = calloc(1, sizeof(*credential));
	REQUIRE(credential != NULL && strlen(attribute) < 32);
	strcpy(credential->attribute, attribute);
	return credential;
}

void
credential_free(struct credential **credentialp)
{
	free(*credentialp);
	*credentialp = NULL;
}

const char *
credential_attribute(const struct credential *credential)
{
	return credential->attribute;
}

/* --- what must hold --- */

static struct table *
read_table(const char *file, struct error *err)
{
	struct table_sources sources;
	struct table *table;

	REQUIRE(table_sources_read(&sources, file, err) == 0);
	table = table_read(&sources, NULL, 0, err);
	table_sources_clear(&sources);
	return table;
}

static struct table *
load(const void *bytes, size_t len)
{
	struct error err = {0};
	struct table *table;
	char path[64];
	int fd = memfd_create("table", MFD_CLOEXEC);

	REQUIRE(fd != -1 && fchmod(fd, 0600) == 0);
	REQUIRE(write(fd, bytes, len) == (ssize_t)len);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if ((table = read_table(path, &err)) == NULL) {
		REQUIRE(err.class == ERROR_OURS);
		REQUIRE(strcmp(err.dsn, "4.3.5") == 0);
		REQUIRE(strncmp(err.text, path, strlen(path)) == 0);
		REQUIRE(strncmp(err.text + strlen(path), ":0:", 3) != 0);
		REQUIRE(strpbrk(err.text, "\r\n") == NULL);
	}
	close(fd);
	return table;
}

static void
check_clients(const struct table *table, const struct entry *entry)
{
	struct table_client client = {
	    .daemon_name = entry->daemon_name,
	    .certificate_issuer = entry->certificate_issuer,
	    .certificate_subject = entry->certificate_subject,
	};
	char text[NETWORK_TEXT_SIZE];
	const struct entry *found;
	struct network first;
	size_t i;

	for (i = 0; i < entry->network_count; i++) {
		first = entry->networks[i];
		network_mask(&first, first.bits);
		REQUIRE(
		    memcmp(&first, &entry->networks[i], sizeof(first)) == 0);
		first.bits = NETWORK_BITS_MAX;
		client.address = network_text(&first, text);
		found = table_find_client(table, &client);
		REQUIRE(found != NULL);
		REQUIRE(found->credential != NULL);
	}
	if (entry->network_count == 0 && entry->certificate_subject != NULL)
		REQUIRE(table_find_client(table, &client) == entry);
	if (entry->daemon_name != NULL)
		REQUIRE(table_names_daemon(table, entry->daemon_name));
}

static void
check_application(const struct table *table, const struct entry *entry)
{
	const struct entry *e =
	    table_first_of(table, ENTRY_ALL, &entry->application);

	REQUIRE(table_has_tenant(table, entry->application.tenant));
	while (e != NULL && e != entry)
		e = table_next_of(table, ENTRY_ALL, e);
	REQUIRE(e == entry);
}

static void
check_lists(const struct table *table, const struct entry *entry)
{
	size_t i;

	for (i = 0; entry->senders != NULL && entry->senders[i] != NULL; i++)
		REQUIRE(table_covers(entry->senders, entry->senders[i]));
	for (i = 0; entry->logins != NULL && entry->logins[i] != NULL; i++)
		REQUIRE(table_find_login(table, entry->logins[i]) == entry);
	if (entry->from != NULL && entry->senders != NULL)
		REQUIRE(table_covers(entry->senders, entry->from));
}

static void
check_entry(const struct table *table, const struct entry *entry)
{
	int is_open =
	    entry->network_count > 0 || entry->certificate_subject != NULL;

	REQUIRE(table_find(table, entry->name) == entry);
	REQUIRE(table_at(table, table_place(table, entry)) == entry);
	REQUIRE(entry->line > 0);
	if (is_open || entry->logins != NULL)
		REQUIRE(entry->credential != NULL);
	else
		REQUIRE(entry->sign_in);
	if (is_open)
		REQUIRE(entry->from != NULL || entry->senders != NULL ||
		    entry->senders_any);
	check_clients(table, entry);
	check_application(table, entry);
	check_lists(table, entry);
}

/* The same text as a row of a map outside, which lends nothing. */
static void
check_row(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	struct error err = {0};
	struct entry *entry;

	REQUIRE(text != NULL);
	entry = table_row_new("map:x", "name", text, &err);
	if (entry != NULL) {
		REQUIRE(entry->credential == NULL && entry->logins == NULL);
		REQUIRE(entry->network_count == 0 && entry->sign_in);
		REQUIRE(entry->certificate == NULL);
		REQUIRE(entry->application.tenant[0] != '\0');
	} else {
		REQUIRE(strncmp(err.text, "map:x: entry \"name\": ", 21) == 0);
		REQUIRE(err.class == ERROR_OURS);
	}
	table_row_free(&entry);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct table *table = load(data, size);
	size_t i;

	check_row(data, size);
	if (table == NULL)
		return 0;
	for (i = 0; i < table_count(table); i++)
		check_entry(table, table_at(table, i));
	table_free(&table);
	return 0;
}
