/*
 * Fuzzes the reader of user names. The first byte of the input says which
 * delimiters are set. What is taken has the normal form, says the same when it
 * is read again in any of its forms, and does not depend on what follows it.
 * Each name is read with its entry, and as one that is looked up, too.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/local/identity.h"
#include "tests/unit/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_uuid(const char *s)
{
	size_t i;

	REQUIRE(strlen(s) == UUID_TEXT_SIZE - 1);
	for (i = 0; i < UUID_TEXT_SIZE - 1; i++) {
		if (i == 8 || i == 13 || i == 18 || i == 23)
			REQUIRE(s[i] == '-');
		else
			REQUIRE(strchr("0123456789abcdef", s[i]) != NULL);
	}
}

static void
check_same(const struct identity *id, const char *name)
{
	struct identity again;

	REQUIRE(identity_parse(name, strlen(name), IDENTITY_DELIMITERS_ANY,
		    &again, NULL) == 0);
	REQUIRE(identity_equal(id, &again));
}

static void
check_taken(const struct identity *id)
{
	char text[IDENTITY_TEXT_SIZE], name[IDENTITY_TEXT_SIZE + 8];

	check_uuid(id->tenant);
	check_uuid(id->client);
	REQUIRE(identity_text(id, text) == text);
	REQUIRE(strlen(text) == IDENTITY_TEXT_SIZE - 1);
	snprintf(name, sizeof(name), "%s:%s", id->tenant, id->client);
	check_same(id, name);
	snprintf(name, sizeof(name), "%s@%s.x@y", id->tenant, id->client);
	check_same(id, name);
}

static void
check_entry(const char *name, size_t size, const char *set)
{
	char entry[ENTRY_NAME_SIZE], again[ENTRY_NAME_SIZE];
	char canonical[IDENTITY_CANONICAL_SIZE];
	struct identity id, same;

	if (identity_parse_entry(name, size, set, &id, entry, NULL) == 0) {
		identity_canonical(&id, entry, canonical);
		/* read whatever the delimiters are */
		REQUIRE(identity_parse_entry(canonical, strlen(canonical), ":",
			    &same, again, NULL) == 0);
		REQUIRE(identity_equal(&id, &same));
		REQUIRE(strcmp(entry, again) == 0);
	} else
		REQUIRE(entry[0] == '\0');
	if (identity_parse_lookup(name, size, set, "lookup", entry) == 0 ||
	    entry[0] == '\0')
		return;
	REQUIRE(identity_parse_entry_name(entry, strlen(entry), again) == 0);
	REQUIRE(strcmp(entry, again) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const delimiters[] = {"@:|", "@", ":", "|"};
	const char *set, *name, *reason = NULL;
	struct identity id, any;

	if (size == 0)
		return 0;
	set = delimiters[data[0] % 4];
	name = (const char *)data + 1;
	size--;
	check_entry(name, size, set);
	if (identity_parse(name, size, set, &id, &reason) == -1) {
		REQUIRE(reason != NULL && reason[0] != '\0');
		return 0;
	}
	check_taken(&id);
	REQUIRE(memchr(name, '\0', size) == NULL);
	/* more delimiters take no less, and mean the same */
	REQUIRE(identity_parse(
		    name, size, IDENTITY_DELIMITERS_ANY, &any, NULL) == 0);
	REQUIRE(identity_equal(&id, &any));
	return 0;
}
