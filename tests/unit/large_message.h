/*
 * large_message.h - a message in, and what agent/pipe/large*.c leaves of it and
 * takes out of it.
 *
 * In the messages \1 to \4 stand for files of 4,500, 6,000, 9,000 and 12,000
 * bytes in base64, \5 for a line of 5,000 digits, and \6 for one of padding
 * that holds nothing.
 */
#ifndef TESTS_LARGE_MESSAGE_H
#define TESTS_LARGE_MESSAGE_H

#include "agent_message.h"

#include "lib/base/codec.h"
#include "agent/pipe/large/large.h"

#define LARGE_MESSAGE_MAX (16 * 1024 * 1024)

static const size_t large_file_sizes[] = {0, 4500, 6000, 9000, 12000};

static inline char
large_file_byte(size_t file, size_t i)
{
	return (char)(i * (7 + file) + (i >> 8));
}

static inline void
large_add_file(struct buf *out, size_t file)
{
	char in[57], quantum[4];
	size_t at, i, n;

	for (at = 0; at < large_file_sizes[file]; at += n) {
		n = large_file_sizes[file] - at;
		if (n > sizeof(in))
			n = sizeof(in);
		for (i = 0; i < n; i++)
			in[i] = large_file_byte(file, at + i);
		for (i = 0; i < n; i += 3) {
			codec_base64_put(
			    in + i, n - i < 3 ? n - i : 3, quantum);
			buf_add(out, quantum, 4);
		}
		buf_add_string(
		    out, at + n < large_file_sizes[file] ? "\r\n" : "");
	}
}

static inline void
large_add_padding(struct buf *out)
{
	int i;

	for (i = 0; i < 5000; i++)
		buf_add_string(out, "=");
}

static inline void
large_expand(const char *text, struct buf *out)
{
	buf_init(out, LARGE_MESSAGE_MAX);
	for (; *text != '\0'; text++) {
		if (*text <= 4 && *text > 0)
			large_add_file(out, (size_t)*text);
		else if (*text == 5)
			buf_printf(out, "%05000d", 0);
		else if (*text == 6)
			large_add_padding(out);
		else
			buf_add(out, text, 1);
	}
	assert_false(out->failed);
}

/* --- pieces of messages --- */

#define HEAD "From: a@x\r\nMIME-Version: 1.0\r\n"
#define MIXED HEAD "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
#define TEXT "--b\r\nContent-Type: text/plain\r\n\r\nsee file\r\n"
#define B64 "Content-Transfer-Encoding: base64\r\n"
#define FILE_HEAD(type, name)                   \
	"Content-Type: " type "\r\n" B64        \
	"Content-Disposition: attachment; file" \
	"name=\"" name "\"\r\n\r\n"
#define PDF FILE_HEAD("application/pdf", "a.pdf")
#define PNG FILE_HEAD("image/png", "b.png")
#define PART "--b\r\n"
#define END "\r\n--b--\r\n"
#define STUB "Content-Type: text/plain; charset=us-ascii\r\n\r\n"

#define PDF_LINES(file)                                                       \
	"file=" file " attachment-name=a.pdf attachment-type=application/pdf" \
	" attachment-inline=no "
#define PNG_LINES(file)                                                 \
	"file=" file " attachment-name=b.png attachment-type=image/png" \
	" attachment-inline=no "

/* --- what becomes of them --- */

/* Which of the files these bytes are, or 0. */
static inline size_t
large_file_of(const struct buf *bytes)
{
	size_t file, i;

	for (file = 1; file <= 4; file++) {
		if (bytes->len != large_file_sizes[file])
			continue;
		for (i = 0; i < bytes->len; i++)
			if (bytes->bytes[i] != large_file_byte(file, i))
				return 0;
		return file;
	}
	return 0;
}

/* The record's lines in one, with "file=N" for where its bytes are. */
static inline void
large_tell(const struct large *large, int fd, struct buf *out)
{
	struct buf record, bytes;
	char *cursor, *value;
	const char *name;

	buf_init(&record, LARGE_MESSAGE_MAX);
	assert_int_equal(large_fields(large, &record), 0);
	assert_int_equal(wire_end(&record), 0);
	cursor = record.bytes;
	while ((name = wire_next(&cursor, &value)) != NULL) {
		if (strcmp(name, "attachment") != 0) {
			buf_printf(out, "%s=%s ", name, value);
			continue;
		}
		buf_init(&bytes, LARGE_MESSAGE_MAX);
		message_read(fd, value, &bytes);
		buf_printf(out, "file=%zu ", large_file_of(&bytes));
		buf_free(&bytes);
	}
	buf_add_string(out, "");
	buf_free(&record);
}

static inline int
large_run(const char *text, long limit, struct buf *out, struct buf *taken,
    struct error *err)
{
	struct conf conf = {.sendmail_limit = limit};
	struct large large;
	struct spool spool;
	struct edits edits;
	struct buf in;
	int result;

	large_expand(text, &in);
	message_spool(&spool, in.bytes, in.len);
	edits_init(&edits, &spool);
	buf_init(out, LARGE_MESSAGE_MAX);
	buf_init(taken, LARGE_MESSAGE_MAX);
	result = large_edit(&edits, &conf, &large, err);
	if (result == 0) {
		message_finish(&edits, out);
		large_tell(&large, spool.fd, taken);
		assert_true((long)out->len <= limit);
	}
	large_free(&large);
	edits_free(&edits);
	spool_close(&spool);
	buf_free(&in);
	return result;
}

#endif
