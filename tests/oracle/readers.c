/*
 * readers.c - lets Python ask the readers of lib/ what they see.
 *
 *	readers address|header < inputs
 *
 * An input is a line of hex digits. The answer to each is one line: for every
 * mailbox "a:<key>" (ambiguous: "l:<key>"), for everything else its letter, "?"
 * for a list that is ambiguous at its end; or for every field "<name>:<value>",
 * then the body; texts in hex, joined by blanks.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/mail/address.h"
#include "lib/mail/header.h"
#include "hex.h"

static void
addresses(struct span value)
{
	static const char letters[] = {[ADDRESS_MAILBOX] = 'a',
	    [ADDRESS_GROUP] = 'g',
	    [ADDRESS_GROUP_END] = 'e',
	    [ADDRESS_BAD] = 'b'};
	char key[ADDRESS_KEY_SIZE];
	struct address_reader r;
	struct address a;

	address_init(&r, value.p, value.len);
	while (address_next(&r, &a)) {
		printf("%c", a.ambiguous ? 'l' : letters[a.kind]);
		if (a.kind == ADDRESS_MAILBOX) {
			printf(":");
			if (address_key(a.spec, key, sizeof(key)) != -1)
				hex_put(span_between(key, key + strlen(key)));
		}
		printf(" ");
	}
	printf(r.ambiguous ? "?\n" : "\n");
}

static void
fields(struct span message)
{
	struct header_reader r;
	struct header_field f;

	header_init(&r, message.p, message.len);
	while (header_next(&r, &f)) {
		hex_put(f.name);
		printf(":");
		hex_put(f.value);
		printf(" ");
	}
	hex_put(r.body);
	printf("\n");
}

int
main(int argc, char **argv)
{
	char *line = NULL;
	size_t size = 0;
	struct span input;

	while (argc == 2 && (input = hex_get(&line, &size)).p != NULL) {
		if (strcmp(argv[1], "address") == 0)
			addresses(input);
		else
			fields(input);
	}
	free(line);
	return argc == 2 ? 0 : 1;
}
