/*
 * codec.h - hexadecimal and base64 (RFC 4648 sections 4 and 8).
 */
#ifndef MSGRAPH_CODEC_H
#define MSGRAPH_CODEC_H

#include <stddef.h>

/* Returns what a hexadecimal digit of either case stands for, or -1. */
int codec_hex(char c);

/* Returns the byte that the two digits at p stand for; -1 when there are none. */
int codec_hex_pair(const char *p, const char *limit);

/* Returns the digit in lower case that stands for a value from 0 to 15. */
char codec_hex_digit(unsigned int value);

/* Writes a byte as two digits in upper case, as mail has them (=XX, %XX). */
void codec_hex_put(char byte, char out[2]);

/* Writes len bytes as 2 * len digits in lower case and a NUL; returns text. */
char *codec_hex_encode(const void *bytes, size_t len, char *text);

/* Reads exactly 2 * len digits and the NUL. Returns 0 or -1. */
int codec_hex_decode(const char *text, void *bytes, size_t len);

/* Returns what a character of base64 stands for; -1 for any other, and '='. */
int codec_base64(char c);

/* Returns the character of base64 that stands for a value from 0 to 63. */
char codec_base64_char(unsigned int value);

/* Encodes 1 to 3 bytes as 4 characters. */
void codec_base64_put(const char *in, size_t len, char out[4]);

/* Returns how many characters so many bytes are, without line ends. */
static inline long long
codec_base64_size(long long len)
{
	return (len + 2) / 3 * 4;
}

/* Base64 that is decoded character by character. Starts as all zeros. */
struct codec_base64 {
	unsigned int bits, count; /* of a quantum */
};

/*
 * Takes a character in and returns how many bytes that gave. A '=' ends a
 * quantum, and another may start behind it, as some programs write. What is not
 * of the alphabet is passed over.
 */
size_t codec_base64_get(struct codec_base64 *, char c, char out[3]);

/* Ends the last quantum; one character alone holds nothing. */
size_t codec_base64_end(struct codec_base64 *, char out[3]);

#endif
