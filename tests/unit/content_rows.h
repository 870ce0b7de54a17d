/*
 * content_rows.h - tables of messages and what agent/pipe/content*.c makes of
 * them. A row is a message and what leaves; NULL where nothing may change. Each
 * result is passed a second time, which must change nothing.
 */
#ifndef TESTS_CONTENT_ROWS_H
#define TESTS_CONTENT_ROWS_H

#include "content_message.h"

#define UE "\xC3\xBC" /* in UTF-8 */
#define L1 "\xFC" /* the same in ISO 8859-1 */
#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define THOUSAND                                                        \
	HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED \
	    HUNDRED HUNDRED
#define SOFT75 TEN TEN TEN TEN TEN TEN TEN "01234="

#define MIME "MIME-Version: 1.0\r\n"
#define PLAIN MIME "Content-Type: text/plain; charset=utf-8\r\n"
#define EIGHT "Content-Transfer-Encoding: 8bit\r\n"
#define QP "Content-Transfer-Encoding: quoted-printable\r\n"
#define B64 "Content-Transfer-Encoding: base64\r\n"
#define MIXED MIME "Content-Type: multipart/mixed; boundary=b\r\n"

struct row {
	const char *in, *want;
};

static const struct content_rules rules = {.encode_8bit = 1};

static inline void
check(const struct row *row, const struct content_rules *with)
{
	struct buf once, again;
	struct error err;
	int edits;

	buf_init(&once, 1024 * 1024);
	buf_init(&again, 1024 * 1024);
	edits = content_pass(row->in, strlen(row->in), with, &once, &err);
	assert_int_not_equal(edits, -1);
	assert_string_equal(
	    once.bytes, row->want == NULL ? row->in : row->want);
	if (row->want == NULL)
		assert_int_equal(edits, 0);
	assert_int_equal(
	    content_pass(once.bytes, once.len, with, &again, &err), 0);
	assert_string_equal(again.bytes, once.bytes);
	buf_free(&once);
	buf_free(&again);
}

static inline void
check_all(
    const struct row *rows, size_t count, const struct content_rules *with)
{
	size_t i;

	for (i = 0; i < count; i++)
		check(&rows[i], with);
}

#define CHECK(rows) check_all(rows, sizeof(rows) / sizeof(rows[0]), &rules)

#endif
