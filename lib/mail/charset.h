/*
 * charset.h - names of character sets, where their characters end, and which
 * charset bytes are taken to be in when none is named.
 *
 * Only charsets whose names stand in a table are known: a name comes from
 * anybody's mail, and is written into headers and given to iconv(3).
 */
#ifndef MSGRAPH_CHARSET_H
#define MSGRAPH_CHARSET_H

#include "lib/base/buf.h"
#include "lib/base/error.h"
#include "lib/base/span.h"

#define CHARSET_NAME_MAX 40

enum charset_kind {
	CHARSET_UNKNOWN, /* or one that nothing is converted from: UTF-7 */
	CHARSET_ASCII, /* or one that says nothing, as "unknown-8bit" */
	CHARSET_UTF8,
	CHARSET_SINGLE, /* one byte a character */
	CHARSET_DOUBLE, /* one or two: Big5, GBK, EUC-KR */
	CHARSET_SJIS,
	CHARSET_EUC_JP,
	CHARSET_GB18030
};

/* Returns the kind of the charset that has this name, in any letter case. */
enum charset_kind charset_kind(struct span name);

/*
 * Returns 1 when the name tells readers what 8-bit bytes mean: that of a
 * charset in the table, or one that other programs know. Returns 0 for one that
 * says ASCII or nothing, and for one that is made up, such as "iso-8859-99".
 */
int charset_is_name(struct span name);

/*
 * Returns the name of a charset in what a program wrote where one belongs,
 * which may be "'utf-8'", "<utf-8>" or "utf-8, format=flowed": the first run of
 * bytes that such names are made of. Empty where there is none.
 */
struct span charset_name_in(struct span text);

/* Returns how many bytes the character at text.p has: 1 to text.len (not 0). */
size_t charset_char(enum charset_kind, struct span text);

/*
 * Returns the charset of a header field's value: UTF-8 where it is that (RFC
 * 6532), whatever the body is in, else the declared one. charset_of() then
 * decides for each text in the field. The name lives as long as declared does.
 */
struct span charset_of_field(struct span value, struct span declared);

/*
 * Returns the charset of text with 8-bit bytes: the declared one, if it is a
 * known charset that can hold them; else UTF-8 if they are that, else
 * windows-1252. The name is a token and lives as long as declared does.
 */
struct span charset_of(struct span text, struct span declared);

/*
 * Appends text of a known charset other than UTF-8 as UTF-8, with U+FFFD for
 * each byte that is not of the charset, as where a device has cut a character
 * in two. Returns 1; 0 with nothing appended when nobody knows the charset, or
 * it is UTF-8 or ASCII; -1 with *err set as by charset_to_utf8().
 */
int charset_convert(
    struct span charset, struct span text, struct buf *out, struct error *err);

/*
 * Appends text as UTF-8. Text that is not of the charset, or of one that is not
 * in the table, is taken for UTF-8 if it is that, else for windows-1252: the
 * fault is the message's. Returns 0; or -1 with *err set, which is permanent
 * (5.6.0) only where out has a limit that the text passes. A machine that lacks
 * memory or descriptors (4.3.0), or the C library's module for the charset
 * (4.3.5), is a temporary error, and no other guess is made.
 */
int charset_to_utf8(
    struct span charset, struct span text, struct buf *out, struct error *err);

#endif
