/*
 * address.h - walks an address list (RFC 5322 section 3.4) in the value of a
 * header field, as spans of the input. Takes the value alone, folded with CRLF
 * or LF or not at all. Allocates nothing, changes nothing, one pass.
 *
 *	struct address_reader r;
 *	struct address a;
 *	char key[ADDRESS_KEY_SIZE];
 *
 *	address_init(&r, value, len);
 *	while (address_next(&r, &a))
 *		if (a.kind == ADDRESS_MAILBOX &&
 *		    address_key(a.spec, key, sizeof(key)) != -1)
 *			...
 *
 * What is read beyond the strict grammar: the obsolete forms (routes, comments
 * and blanks around dots, empty members, unquoted dots in names), bytes above
 * 127 wherever an atom may stand (RFC 6532, and raw Latin-1), any unquoted text
 * but , ; : before a '<' as display name, because printers send
 * "scan@example.com <scan@example.com>", a phrase behind a '>', which is the
 * name where none stands before, words before an address without <> where the
 * last of them is an encoded word, dots in any place of a local part, a dot
 * after the domain, and ';' where a comma should be. Encoded words (RFC 2047)
 * are atoms and left as they are, and so is one in a phrase that has commas or
 * semicolons in it.
 *
 * Where that goes beyond the grammar of RFC 5322, obsolete forms and bytes
 * above 127 aside, an address is ambiguous. So is one with an encoded word that
 * holds a quote, bracket or backslash, or ends behind a separator: some readers
 * take the word first and find other addresses in the rest. Of a list that has
 * an ambiguous or a bad address, or whose reader ends ambiguous, other readers
 * were seen to read less, in front of it too. A caller that must be sure that
 * Exchange sees the same addresses counts on none of it.
 *
 * All else is ADDRESS_BAD with the bytes up to the next separator. Nothing bad
 * becomes a mailbox on a guess: a caller that knows the envelope loses nothing
 * by passing over it.
 */
#ifndef MSGRAPH_ADDRESS_H
#define MSGRAPH_ADDRESS_H

#include "lib/base/span.h"

enum address_kind {
	ADDRESS_MAILBOX, /* spec, local and domain are set */
	ADDRESS_GROUP, /* "name:", its members follow */
	ADDRESS_GROUP_END, /* its ';'. A list may end without */
	ADDRESS_BAD /* cannot be read; reason says why */
};

struct address {
	enum address_kind kind;
	int in_group; /* between a group's name and its end */
	int ambiguous; /* a mailbox, but not by the grammar */

	/*
	 * The slots of a list tile its value: each starts where the one before
	 * ended, with any blanks, comments and commas that stood there, and
	 * holds its own separator. Behind the last one are blanks, comments
	 * and commas.
	 */
	struct span slot;
	struct span text; /* slot without separator and blanks around */
	char separator; /* ',' ';' or 0: the list or group ends here */

	struct span name; /* display name as it stands, or empty; of an
			     ambiguous one perhaps behind the address */
	struct span comment; /* last "(...)" outside <>, or empty */
	struct span angle; /* "<...>" with both brackets, or empty */
	struct span spec; /* local@domain as it stands; no route */
	struct span local; /* may hold quotes, comments, folds */
	struct span domain; /* a name or "[...]"; the same */

	const char *reason; /* constant text; NULL unless ADDRESS_BAD */
};

struct address_reader {
	const char *next;
	const char *limit;
	const char *word_end; /* the next "?=", or NULL for none */
	int in_group;
	int ambiguous; /* so is all that follows, if only blanks */
};

/* Begins to read a list of addresses, of which the reader keeps no copy. */
void address_init(struct address_reader *, const char *value, size_t len);

/*
 * Reads the next address of the list into *address and returns 1; 0 at the end.
 */
int address_next(struct address_reader *, struct address *address);

/* Returns 1 when an encoded word may start in the text and end behind it. */
int address_word_is_open(struct span text);

/* Room for any address that can be delivered (RFC 5321 section 4.5.3.1). */
#define ADDRESS_KEY_SIZE 1024

/*
 * Writes the form in which two addresses are compared, and its NUL: comments,
 * blanks, needless quotes, a dot after the domain and a pair of apostrophes
 * around it all ('a@example.org') removed, letters in lower case (in the local
 * part too, as Exchange has it), a domain with letters beyond ASCII as
 * A-labels. Takes a spec of a list as well as an address of the envelope.
 * Returns the length without the NUL; -1 when spec is not one local@domain or
 * the result does not fit. The key is for comparing. It is a deliverable
 * address too, unless Unicode in the local part was lower-cased.
 */
int address_key(struct span spec, char *key, size_t size);

/* Returns 1 without a byte above 127. */
int address_is_ascii(struct span);

/*
 * Returns 1 when every reader finds this one mailbox, and nothing else, in the
 * text.
 */
int address_is_unambiguous(struct span text);

/*
 * Writes the key of an address that may be written into a header, since every
 * reader finds it there and Graph may know it: as address_key(), but -1 too for
 * one that is not ASCII or is ambiguous, or has an empty local part.
 * ADDRESS_KEY_SIZE must be the size of key.
 */
int address_header_key(struct span spec, char *key);

/*
 * Writes an address of the envelope, with brackets or without, in canonical
 * form: its key. What cannot be read as one address has none, and is written as
 * text that no list of addresses or domains covers: without '@', blanks and
 * what cannot be printed become '?', and it is cut where it is too long.
 */
void address_canonical(const char *text, char key[ADDRESS_KEY_SIZE]);

/* Returns 1 when both are addresses and their keys are equal. */
int address_equal(struct span a, struct span b);

#endif
