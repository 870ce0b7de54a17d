/*
 * graph_refused.c - see graph_refused.h.
 *
 * Bytes are compared and nothing is parsed. An address has to stand by itself:
 * the bytes before and after it cannot be parts of an address. An apostrophe
 * can, so it counts as a quote only where a blank or the like is on its other
 * side.
 */
#include <jansson.h>
#include <string.h>

#include "graph_refused.h"

#define TEXT_MAX 8192

static int
graph_refused_is_address_byte(char c)
{
	return (unsigned char)c >= 0x80 || (c >= 'a' && c <= 'z') ||
	    (c >= '0' && c <= '9') ||
	    (c != '\0' && strchr("!#$%&'*+-./=?@^_`{|}~", c) != NULL);
}

/* text[at] is the first byte of what may be an address. */
static int
graph_refused_starts(const char *text, size_t at)
{
	if (at == 0 || !graph_refused_is_address_byte(text[at - 1]))
		return 1;
	return text[at - 1] == '\'' &&
	    (at == 1 || !graph_refused_is_address_byte(text[at - 2]));
}

/* text[at] is the first byte behind it. */
static int
graph_refused_ends(const char *text, size_t at)
{
	while (text[at] == '\'' || text[at] == '.')
		at++;
	return !graph_refused_is_address_byte(text[at]);
}

/* The longest that stands at this place; count when none does. */
static size_t
graph_refused_find(const char *text, size_t at,
    const struct request_recipient *each, size_t count)
{
	size_t i, len, longest = 0, found = count;

	for (i = 0; i < count; i++) {
		len = strlen(each[i].address);
		if (len > longest &&
		    strncmp(text + at, each[i].address, len) == 0 &&
		    graph_refused_ends(text, at + len)) {
			longest = len;
			found = i;
		}
	}
	return found;
}

static void
graph_refused_search(const char *text, const struct request_recipient *each,
    size_t count, unsigned char *named)
{
	size_t at, i, found;

	for (at = 0; text[at] != '\0'; at++) {
		if (!graph_refused_starts(text, at))
			continue;
		found = graph_refused_find(text, at, each, count);
		if (found == count)
			continue;
		/* the agent may have the same address twice */
		for (i = 0; i < count; i++)
			if (strcmp(each[i].address, each[found].address) == 0)
				named[i] = 1;
		at += strlen(each[found].address) - 1;
	}
}

static void
graph_refused_lower(char *to, size_t size, const char *from)
{
	size_t i;

	for (i = 0; i + 1 < size && from[i] != '\0'; i++)
		to[i] = from[i] >= 'A' && from[i] <= 'Z'
		    ? (char)(from[i] - 'A' + 'a')
		    : from[i];
	to[i] = '\0';
}

void
graph_read_refused(const struct http_answer *answer,
    const struct request_recipient *each, size_t count, unsigned char *named)
{
	const char *message;
	char text[TEXT_MAX];
	json_t *json;

	json = json_loadb(answer->body, answer->body_len, 0, NULL);
	message = json_string_value(
	    json_object_get(json_object_get(json, "error"), "message"));
	if (message != NULL) {
		graph_refused_lower(text, sizeof(text), message);
		graph_refused_search(text, each, count, named);
	}
	json_decref(json);
}
