/*
 * parts.c - lets Python ask lib/mime.c what it sees in a message.
 *
 *	parts < inputs
 *
 * An input is a line of hex digits. The answer is one line of words joined by
 * blanks: "(" and a type for what holds parts, ")" where it ends, and
 * "type:body:name:charset" for a leaf, all but the type in hex.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mime.h"

static void
put(const char *bytes, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		printf("%02x", (unsigned char)bytes[i]);
}

static ssize_t
read_span(void *context, void *bytes, size_t len, long long at)
{
	const struct span *s = context;

	if (len > s->len - (size_t)at)
		len = s->len - (size_t)at;
	memcpy(bytes, s->p + at, len);
	return (ssize_t)len;
}

static void
leaf(const char *message, const struct mime_part *p)
{
	char name[4096];
	size_t len = mime_filename(p, name, sizeof(name));

	printf("%s/%s:", p->type, p->subtype);
	put(message + p->body.from, (size_t)(p->body.to - p->body.from));
	printf(":");
	put(name, len);
	printf(":");
	put(p->charset, strlen(p->charset));
	printf(" ");
}

static void
parts(const char *message, size_t len)
{
	struct span s = span_between(message, message + len);
	struct mime_source source = {read_span, &s, (long long)len};
	struct mime_reader *r = mime_new(&source);
	enum mime_event event;
	struct mime_part p;
	struct error err;

	if (r == NULL)
		abort();
	while ((event = mime_next(r, &p, &err)) > MIME_END) {
		if (event == MIME_CLOSE)
			printf(") ");
		else if (event == MIME_OPEN)
			printf("( %s/%s ", p.type, p.subtype);
		else
			leaf(message, &p);
	}
	printf("\n");
	mime_free(&r);
}

int
main(void)
{
	char *line = NULL;
	size_t size = 0, i;
	unsigned int byte;
	ssize_t n;

	while ((n = getline(&line, &size, stdin)) > 0) {
		for (i = 0; 2 * i + 1 < (size_t)n; i++) {
			if (sscanf(line + 2 * i, "%2x", &byte) != 1)
				break;
			line[i] = (char)byte;
		}
		parts(line, i);
	}
	free(line);
	return 0;
}
