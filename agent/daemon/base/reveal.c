/*
 * reveal.c - see reveal.h. Pure.
 *
 * A form is a way to write the secret down. Its characters are computed when
 * they are compared, so that there is no copy of the secret to wipe. In base64
 * the characters of a byte depend on its place in the encoded text. So there
 * are three forms, each without the first and last character that neighbours of
 * the secret have a share in.
 */
#include <ctype.h>
#include <string.h>

#include "lib/base/codec.h"
#include "reveal.h"

/* More than a log line or an answer takes. */
#define TEXT_MAX 1024
#define PART_MIN 6
#define PART_MAX 16

/* Three characters are hashed to one of so many bits; no part is shorter. */
#define KEY_CHARS 3
#define KEY_SHIFT 6
#define KEYS (1u << KEY_CHARS * KEY_SHIFT)

enum form { FORM_PLAIN, FORM_HEX, FORM_BASE64_0, FORM_BASE64_1, FORM_BASE64_2 };

/* Bytes of the secret that are too many to be shown. */
static size_t
reveal_part_of(const struct secret *secret)
{
	size_t part = secret->len / 6;

	if (part < PART_MIN)
		part = PART_MIN;
	if (part > PART_MAX)
		part = PART_MAX;
	return part < secret->len ? part : secret->len;
}

/* The characters of base64 that the secret alone decides about. */
static size_t
reveal_base64_first(enum form form)
{
	return ((form - FORM_BASE64_0) * 8 + 5) / 6;
}

/* How many characters so many of the secret's bytes have. */
static size_t
reveal_form_len(enum form form, size_t bytes)
{
	switch (form) {
	case FORM_PLAIN:
		return bytes;
	case FORM_HEX:
		return 2 * bytes;
	default:
		return (form - FORM_BASE64_0 + bytes) * 8 / 6 -
		    reveal_base64_first(form);
	}
}

static int
reveal_base64_char(const struct secret *secret, enum form form, size_t i)
{
	size_t bit =
	    6 * (reveal_base64_first(form) + i) - 8 * (form - FORM_BASE64_0);
	unsigned int two = (unsigned char)secret->bytes[bit / 8] << 8;

	if (bit / 8 + 1 < secret->len)
		two |= (unsigned char)secret->bytes[bit / 8 + 1];
	return codec_base64_char(two >> (10 - bit % 8));
}

static int
reveal_form_char(const struct secret *secret, enum form form, size_t i)
{
	switch (form) {
	case FORM_PLAIN:
		return (unsigned char)secret->bytes[i];
	case FORM_HEX:
		return codec_hex_digit((unsigned char)secret->bytes[i / 2] >>
		    (i % 2 == 0 ? 4 : 0));
	default:
		return reveal_base64_char(secret, form, i);
	}
}

/* Makes alike what encodings and letter case change: "+" is a form's blank. */
static int
reveal_fold(int c)
{
	if (c == ' ' || c == '-')
		return '+';
	if (c == '_')
		return '/';
	return c < 0x80 ? tolower(c) : c;
}

/* --- the text that is searched --- */

/*
 * A text, and which three characters stand next to each other somewhere in it,
 * as bits by a hash of the three: hardly a place of a long secret (a token, an
 * assertion) is compared with the text at all.
 */
struct reveal_text {
	char bytes[TEXT_MAX];
	size_t len;
	unsigned char has[KEYS / 8];
};

/* Moves a key on by one character; of three the first falls out. */
static unsigned int
reveal_key(unsigned int key, int c)
{
	return (key << KEY_SHIFT ^ (unsigned int)reveal_fold(c)) & (KEYS - 1);
}

static void
reveal_note_keys(struct reveal_text *text)
{
	unsigned int key = 0;
	size_t i;

	memset(text->has, 0, sizeof(text->has));
	for (i = 0; i < text->len; i++) {
		key = reveal_key(key, (unsigned char)text->bytes[i]);
		if (i + 1 >= KEY_CHARS)
			text->has[key / 8] |= (unsigned char)(1 << key % 8);
	}
}

/* 1 when text starts with these want characters of the form. */
static int
reveal_starts_with(const char *text, const struct secret *secret,
    enum form form, size_t from, size_t want)
{
	size_t i;

	for (i = 0; i < want; i++)
		if (reveal_fold((unsigned char)text[i]) !=
		    reveal_fold(reveal_form_char(secret, form, from + i)))
			return 0;
	return 1;
}

/* 1 when these want characters of the form stand somewhere in the text. */
static int
reveal_is_in(const struct reveal_text *text, const struct secret *secret,
    enum form form, size_t from, size_t want)
{
	size_t at;

	for (at = 0; at + want <= text->len; at++)
		if (reveal_starts_with(
			text->bytes + at, secret, form, from, want))
			return 1;
	return 0;
}

static int
reveal_has_form(
    const struct secret *secret, enum form form, const struct reveal_text *text)
{
	size_t all = reveal_form_len(form, secret->len);
	/* the same for each place of the part in what is encoded: the least */
	size_t want = form < FORM_BASE64_0
	    ? reveal_form_len(form, reveal_part_of(secret))
	    : reveal_form_len(FORM_BASE64_1, reveal_part_of(secret));
	unsigned int key = 0;
	size_t i;

	if (want > all)
		want = all;
	for (i = 0; i < all; i++) {
		key = reveal_key(key, reveal_form_char(secret, form, i));
		if (i + 1 < KEY_CHARS || i + 1 - KEY_CHARS + want > all ||
		    (text->has[key / 8] >> key % 8 & 1) == 0)
			continue;
		if (reveal_is_in(text, secret, form, i + 1 - KEY_CHARS, want))
			return 1;
	}
	return 0;
}

/* Undoes percent-encoding in place; returns the new length. */
static size_t
reveal_decode(char *text, size_t len)
{
	size_t i, out = 0;
	int byte;

	for (i = 0; i < len; i++) {
		byte = text[i] == '%' ? codec_hex_pair(text + i + 1, text + len)
				      : -1;
		text[out++] = byte == -1 ? text[i] : (char)byte;
		i += byte == -1 ? 0 : 2;
	}
	return out;
}

int
reveals(const struct secret *secret, const char *text, size_t len)
{
	struct reveal_text copy;
	size_t before;
	int form, found = 0;

	if (secret->len < REVEAL_SECRET_MIN)
		return 0;
	if (len > sizeof(copy.bytes))
		return 1;
	memcpy(copy.bytes, text, len);
	copy.len = len;
	do {
		reveal_note_keys(&copy);
		for (form = FORM_PLAIN; form <= FORM_BASE64_2 && !found; form++)
			found = reveal_has_form(secret, (enum form)form, &copy);
		before = copy.len;
		copy.len = reveal_decode(copy.bytes, copy.len);
	} while (!found && copy.len < before);
	secret_wipe(&copy, sizeof(copy));
	return found;
}
