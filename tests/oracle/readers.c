/*
 * readers.c - lets Python ask the readers of lib/ what they see.
 *
 *	readers address|header < inputs
 *
 * An input is a line of hex digits. The answer to each is one line: for every
 * mailbox "a:<key>" (loose: "l:<key>"), for every other element its letter, for
 * every field "<name>:<value>", and then the body; texts in hex, joined by
 * blanks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "header.h"

static void
put(struct span s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		printf("%02x", (unsigned char)s.p[i]);
}

static void
addresses(const char *value, size_t len)
{
	static const char letters[] = {[ADDRESS_MAILBOX] = 'a',
	    [ADDRESS_GROUP] = 'g',
	    [ADDRESS_GROUP_END] = 'e',
	    [ADDRESS_BAD] = 'b'};
	char key[ADDRESS_KEY_SIZE];
	struct address_reader r;
	struct address a;

	address_init(&r, value, len);
	while (address_next(&r, &a)) {
		printf("%c", a.loose ? 'l' : letters[a.kind]);
		if (a.kind == ADDRESS_MAILBOX) {
			printf(":");
			if (address_key(a.spec, key, sizeof(key)) != -1)
				put(span_between(key, key + strlen(key)));
		}
		printf(" ");
	}
	printf("\n");
}

static void
fields(const char *message, size_t len)
{
	struct header_reader r;
	struct header_field f;

	header_init(&r, message, len);
	while (header_next(&r, &f)) {
		put(f.name);
		printf(":");
		put(f.value);
		printf(" ");
	}
	put(r.body);
	printf("\n");
}

static int
digit(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

int
main(int argc, char **argv)
{
	char *line = NULL;
	size_t size = 0, i, len;
	ssize_t n;

	while (argc == 2 && (n = getline(&line, &size, stdin)) > 0) {
		len = (size_t)(n - 1) / 2;
		for (i = 0; i < len; i++)
			line[i] = (char)(digit(line[2 * i]) << 4 |
			    digit(line[2 * i + 1]));
		if (strcmp(argv[1], "address") == 0)
			addresses(line, len);
		else
			fields(line, len);
	}
	free(line);
	return argc == 2 ? 0 : 1;
}
