/*
 * own_entries.h - two entries of one application with credentials of their own,
 * and those who want a token of it.
 */
#ifndef TESTS_UNIT_OWN_ENTRIES_H
#define TESTS_UNIT_OWN_ENTRIES_H

#include <sys/stat.h>

#include "account_clients.h"
#include "agent/daemon/entra/entra.h"
#include "pem_file.h"

#define ENTRIES 2

/* A stand-in of the table: two entries of one application. */
static struct {
	const char *name;
	char file[64];
	struct credential *credential; /* NULL: none */
} entries[ENTRIES] = {{.name = "one"}, {.name = "two"}};

static const struct identity app = {"tenant", "client"};

static const struct credential *
find(void *ctx, const struct identity *id, const char *entry,
    char name[ENTRY_NAME_SIZE])
{
	size_t i;

	(void)ctx;
	for (i = 0; i < ENTRIES; i++)
		if (identity_equal(id, &app) && entries[i].credential != NULL &&
		    (entry[0] == '\0' || strcmp(entry, entries[i].name) == 0)) {
			strcpy(name, entries[i].name);
			return entries[i].credential;
		}
	return NULL;
}

static const struct credentials table = {.find = find};

/* Writes an entry's file; 0400. */
static void
write_file(size_t i, const char *text)
{
	FILE *out;

	unlink(entries[i].file);
	out = fopen(entries[i].file, "wx");
	if (strcmp(credential_attribute(entries[i].credential),
		"certificate_file") == 0)
		pem_write(out, text);
	else
		fputs(text, out);
	fclose(out);
	chmod(entries[i].file, 0400);
}

static void
give(size_t i, const char *attribute, const char *text)
{
	credential_free(&entries[i].credential);
	entries[i].credential =
	    credential_new(attribute, entries[i].file, NULL);
	write_file(i, text);
}

/* A delivery of an entry wants a token. */
static struct client *
deliver(int n, const char *entry)
{
	clients[n].result = WAITS;
	clients[n].waiter =
	    account_token(accounts, &app, entry, NULL, on_done, &clients[n]);
	assert_non_null(clients[n].waiter);
	run();
	return &clients[n];
}

static inline struct client *
sign_in(int n, const char *text)
{
	struct secret *secret = secret_new(text, strlen(text));

	clients[n].result = WAITS;
	clients[n].waiter =
	    account_verify(accounts, &app, &secret, on_done, &clients[n]);
	assert_non_null(clients[n].waiter);
	run();
	return &clients[n];
}

/* Whether the last request shows this. */
static inline int
asks_with(const char *words)
{
	return fake_count > 0 && !fake_calls[fake_count - 1].ended &&
	    strstr(fake_calls[fake_count - 1].body, words) != NULL;
}

static void
answer(long status, const char *body)
{
	reply(fake_count - 1, status, body);
}

static inline int
is_in_state(void)
{
	struct state_credential c;
	int found = state_get(st, &app, &c, NULL);

	if (found == 1)
		state_credential_clear(&c);
	return found;
}

static int
begin(void **state)
{
	size_t i;

	if (accounts_begin(state) == -1)
		return -1;
	for (i = 0; i < ENTRIES; i++)
		in_folder(entries[i].name, entries[i].file);
	accounts_use_credentials(accounts, &table);
	return 0;
}

static int
end(void **state)
{
	size_t i;

	for (i = 0; i < ENTRIES; i++) {
		unlink(entries[i].file);
		credential_free(&entries[i].credential);
	}
	return accounts_end(state);
}

#endif
