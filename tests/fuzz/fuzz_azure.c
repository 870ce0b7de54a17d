/*
 * Fuzzes the reader of answers of Azure Table storage. A row that is taken is
 * of the key that was asked for, stands on one line, and reads as attributes
 * with known names, each once: no column adds another. Only the service's own
 * word says that there is no row.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/daemon/identities/table_line.h"
#include "agent/daemon/maps/map_azure_answer.h"
#include "agent/daemon/maps/map_azure_row.h"
#include "tests/unit/require.h"

#define ATTRIBUTES_MAX 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Nothing that was taken can be read as anything else. */
static void
check_row(const struct buf *row)
{
	struct table_attribute attributes[ATTRIBUTES_MAX];
	char *text = strdup(row->bytes == NULL ? "" : row->bytes);
	struct table_line line = {text, 1};
	struct error err;
	size_t count = 0, i;

	REQUIRE(text != NULL && strlen(text) == row->len);
	REQUIRE(strpbrk(text, "\r\n") == NULL);
	while (count < ATTRIBUTES_MAX &&
	    table_line_attribute(&line, &attributes[count], &err) == 1) {
		REQUIRE(map_azure_row_is_attribute(attributes[count].name));
		REQUIRE(strpbrk(attributes[count].value, "{}") == NULL);
		for (i = 0; i < count; i++)
			REQUIRE(strcmp(attributes[i].name,
				    attributes[count].name) != 0);
		count++;
	}
	REQUIRE(*line.at == '\0');
	free(text);
}

/* What is said of the names of all rows stands on one line as well. */
static void
check_names(const struct http_answer *answer)
{
	struct map_azure_names names = {0};
	char text[MAP_AZURE_TEXT_SIZE];

	if (map_azure_answer_names(answer, &names, text) == MAP_AZURE_OK)
		map_azure_answer_describe(&names, text);
	REQUIRE(names.unfit <= names.count);
	REQUIRE(strpbrk(text, "\r\n") == NULL);
}

/* The first byte says which request it is an answer to, and its status. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct map_azure_place place = {.partition = "user"};
	struct http_answer answer = {0};
	struct map_azure_found found = {0};
	char text[MAP_AZURE_TEXT_SIZE], *body;
	enum map_azure_meaning meaning;

	if (size == 0)
		return 0;
	body = calloc(1, size);
	REQUIRE(body != NULL);
	memcpy(body, data + 1, size - 1);
	buf_init(&found.row, 4096);
	answer.status = data[0] & 1 ? 404 : 200;
	answer.body = body;
	answer.body_len = size - 1;
	meaning = map_azure_answer_read(
	    &answer, &place, data[0] & 2 ? NULL : "app1", &found, text);
	REQUIRE(strpbrk(text, "\r\n") == NULL);
	REQUIRE(meaning != MAP_AZURE_NONE || answer.status == 404);
	REQUIRE(meaning != MAP_AZURE_OK || answer.status == 200);
	if (meaning == MAP_AZURE_OK && found.is_there) {
		if (!(data[0] & 2))
			REQUIRE(strcmp(found.name, "app1") == 0);
		check_row(&found.row);
	}
	check_names(&answer);
	buf_free(&found.row);
	free(body);
	return 0;
}
