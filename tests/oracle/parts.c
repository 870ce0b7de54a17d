/*
 * parts.c - lets Python ask lib/mail/mime.c what it sees in a message.
 *
 *	parts < inputs
 *
 * An input is a line of hex digits. The answer is one line of words joined by
 * blanks: "(" and a type for what holds parts, ")" where it ends, and
 * "type:body:name:charset" for a leaf, all but the type in hex.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/mail/mime.h"
#include "hex.h"
#include "tests/unit/mime_text.h"

static void
leaf(const char *message, const struct mime_part *p)
{
	char name[4096];
	int len = mime_filename(p, name, sizeof(name), NULL);

	printf("%s/%s:", p->type, p->subtype);
	hex_put(span_between(message + p->body.from, message + p->body.to));
	printf(":");
	hex_put(span_between(name, name + len));
	printf(":");
	hex_put(span_between(p->charset, p->charset + strlen(p->charset)));
	printf(" ");
}

static void
parts(struct span message)
{
	struct mime_source source = {
	    read_span, &message, (long long)message.len};
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
			leaf(message.p, &p);
	}
	printf("\n");
	mime_free(&r);
}

int
main(void)
{
	char *line = NULL;
	size_t size = 0;
	struct span message;

	while ((message = hex_get(&line, &size)).p != NULL)
		parts(message);
	free(line);
	return 0;
}
