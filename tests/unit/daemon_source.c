/*
 * The finished message as segments of a spool file
 * (agent/daemon/message/source.c): what an agent may say of its file, and that
 * the bytes come out in order, plain and as base64, whatever the reader's
 * buffer.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "agent/daemon/message/source.h"

/* A source over a file of these bytes; source_free() closes it. */
static void
make_source(struct source *source, const void *bytes, size_t len)
{
	int fd = memfd_create("spool", MFD_CLOEXEC);

	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, bytes, len), len);
	source_init(source, fd);
	source->raw = (long long)len;
}

/* --- what is said of the file --- */

#define MOST "268435456"

static const struct {
	const char *text;
	int result;
	long long offset, length;
} segments[] = {
    {"0,1", 0, 0, 1},
    {"10,20", 0, 10, 20},
    {"007,08", 0, 7, 8},
    {MOST "," MOST, 0, 268435456, 268435456},
    /* attachments lie behind all that was encoded anew */
    {"700000000,1", 0, 700000000, 1},

    {"", -1, 0, 0},
    {",", -1, 0, 0},
    {"1", -1, 0, 0},
    {"1,", -1, 0, 0},
    {",1", -1, 0, 0},
    {"1,2,3", -1, 0, 0},
    {"1;2", -1, 0, 0},
    {" 1,2", -1, 0, 0},
    {"1, 2", -1, 0, 0},
    {"1 ,2", -1, 0, 0},
    {"1,2 ", -1, 0, 0},
    {"+1,2", -1, 0, 0},
    {"1,+2", -1, 0, 0},
    {"-0,2", -1, 0, 0},
    {"0x1,2", -1, 0, 0},
    {"1.0,2", -1, 0, 0},
    {"-1,2", -1, 0, 0},
    {"1,-2", -1, 0, 0},
    {"1,0", -1, 0, 0},
    {"0,268435457", -1, 0, 0},
    {"9223372036854775807,1", -1, 0, 0},
    {"9223372036854775808,1", -1, 0, 0},
    {"1,9223372036854775807", -1, 0, 0},
    {"1,99999999999999999999", -1, 0, 0},
    {"99999999999999999999,1", -1, 0, 0},
};

static void
test_segments(void **state)
{
	struct source source;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(segments) / sizeof(*segments); i++) {
		source_init(&source, -1);
		if (source_add_segment(&source, segments[i].text) !=
		    segments[i].result)
			fail_msg("\"%s\"", segments[i].text);
		if (segments[i].result == 0) {
			assert_int_equal(source.count, 1);
			assert_int_equal(
			    source.segments[0].offset, segments[i].offset);
			assert_int_equal(
			    source.segments[0].length, segments[i].length);
			assert_int_equal(source.size, segments[i].length);
		} else {
			assert_int_equal(source.count, 0);
			assert_int_equal(source.size, 0);
		}
		source_free(&source);
	}
}

static void
test_many_segments(void **state)
{
	struct source source;
	size_t i;

	(void)state;
	source_init(&source, -1);
	for (i = 0; i < SOURCE_SEGMENTS_MAX; i++)
		assert_int_equal(source_add_segment(&source, "5,3"), 0);
	assert_int_equal(source_add_segment(&source, "5,3"), -1);
	assert_int_equal(source.count, SOURCE_SEGMENTS_MAX);
	assert_int_equal(source.size, 3LL * SOURCE_SEGMENTS_MAX);
	source_free(&source);
	assert_null(source.segments);
	assert_int_equal(source.fd, -1);
	/* the size in all is bounded, not that of each alone */
	assert_int_equal(source_add_segment(&source, "0," MOST), 0);
	assert_int_equal(source_add_segment(&source, "0,1"), -1);
	source_free(&source);
}

struct check_case {
	size_t file_len;
	const char *segments[3];
	long long raw;
	const char *said; /* NULL: it is good */
};

static const struct check_case checks[] = {
    {10, {"0,10"}, 10, NULL},
    {10, {"0,10"}, 5, NULL},
    {10, {"9,1", "0,1"}, 10, NULL},
    {10, {"0,10", "0,10"}, 10, NULL},
    {10, {"0,11"}, 10, "outside"},
    {10, {"10,1"}, 10, "outside"},
    {10, {"0,1", "5,6"}, 10, "outside"},
    {10, {"268435456,1"}, 10, "outside"},
    {10, {"0,10"}, 11, "shorter"},
    {10, {"0,10"}, 9223372036854775807LL, "larger"},
    {10, {"0,10"}, -1, "raw"},
    /* two messages must not look the same to the journal */
    {10, {"0,10"}, 0, "raw"},
    {10, {NULL}, 10, "empty"},
    {0, {NULL}, 0, ""},
};

static void
test_check(void **state)
{
	static const char bytes[16];
	const struct check_case *t;
	struct source source;
	struct error err;
	size_t i, j;
	int result;

	(void)state;
	for (i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
		t = &checks[i];
		make_source(&source, bytes, t->file_len);
		for (j = 0; j < 3 && t->segments[j] != NULL; j++)
			source_add_segment(&source, t->segments[j]);
		source.raw = t->raw;
		memset(&err, 0, sizeof(err));
		result = source_check(&source, &err);
		if (result != (t->said == NULL ? 0 : -1))
			fail_msg("case %zu: %s", i, err.text);
		if (t->said != NULL && strstr(err.text, t->said) == NULL)
			fail_msg("case %zu: %s", i, err.text);
		assert_int_equal(err.dsn[0], t->said == NULL ? '\0' : '4');
		source_free(&source);
	}
}

/* It is read in the event loop: whoever lies about it must not stop that. */
static void
test_too_large(void **state)
{
	struct source source;
	struct error err;
	int more;

	(void)state;
	for (more = 0; more <= 1; more++) {
		make_source(&source, "0123456789", 10);
		assert_int_equal(source_add_segment(&source, "0,10"), 0);
		source.raw = SOURCE_SIZE_MAX + more;
		assert_int_equal(ftruncate(source.fd, 1LL << 42), 0);
		assert_int_equal(source_check(&source, &err), -more);
		if (more)
			assert_non_null(strstr(err.text, "larger than"));
		source_free(&source);
	}
}

static void
test_not_a_file(void **state)
{
	struct source source;
	struct error err;
	int ends[2];

	(void)state;
	source_init(&source, -1);
	assert_int_equal(source_check(&source, &err), -1);
	assert_non_null(strstr(err.text, "not a regular file"));
	source_free(&source);
	assert_int_equal(pipe(ends), 0);
	source_init(&source, ends[0]);
	assert_int_equal(source_check(&source, &err), -1);
	assert_non_null(strstr(err.text, "not a regular file"));
	source_free(&source);
	close(ends[1]);
	source_init(&source, open("/tmp", O_RDONLY | O_CLOEXEC));
	assert_int_equal(source_check(&source, &err), -1);
	source_free(&source);
}

/* --- reading --- */

static void
test_read(void **state)
{
	struct source source;
	char bytes[32];
	size_t step, done;
	long n;

	(void)state;
	make_source(&source, "0123456789", 10);
	source_add_segment(&source, "8,2");
	source_add_segment(&source, "0,5");
	source_add_segment(&source, "4,1");
	assert_int_equal(source_check(&source, NULL), 0);
	for (step = 1; step <= sizeof(bytes); step++) {
		source_rewind(&source);
		done = 0;
		while ((n = source_read(&source, bytes + done,
			    step < sizeof(bytes) - done
				? step
				: sizeof(bytes) - done)) > 0) {
			done += (size_t)n;
			/* short reads are at the end only */
			assert_true((size_t)n == step || done == 8);
		}
		assert_int_equal(n, 0);
		assert_int_equal(done, 8);
		assert_memory_equal(bytes, "89012344", 8);
	}
	/* at the end it stays at the end */
	assert_int_equal(source_read(&source, bytes, 1), 0);
	source_free(&source);
}

/* An agent that cuts its file short, or handed over what cannot be read. */
static void
test_read_fails(void **state)
{
	struct source source;
	char path[] = "/tmp/daemon_spoolXXXXXX", bytes[32];
	int fd;

	(void)state;
	make_source(&source, "0123456789", 10);
	source_add_segment(&source, "0,10");
	assert_int_equal(source_check(&source, NULL), 0);
	assert_int_equal(source_read(&source, bytes, 3), 3);
	assert_int_equal(ftruncate(source.fd, 5), 0);
	assert_int_equal(source_read(&source, bytes, 10), -1);
	source_rewind(&source);
	assert_int_equal(source_read_base64(&source, bytes, 32), -1);
	source_free(&source);

	fd = mkstemp(path);
	assert_int_equal(write(fd, "0123456789", 10), 10);
	close(fd);
	source_init(&source, open(path, O_WRONLY | O_CLOEXEC));
	unlink(path);
	source_add_segment(&source, "0,10");
	assert_int_equal(source_read(&source, bytes, 10), -1);
	source_free(&source);
}

/* --- base64 --- */

static const struct {
	const char *raw, *text; /* RFC 4648 section 10 */
} vectors[] = {
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {"\377\377\376", "///+"},
};

static void
test_base64_vectors(void **state)
{
	struct source source;
	char segment[32], text[64];
	size_t i, len;
	long n;

	(void)state;
	for (i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
		len = strlen(vectors[i].raw);
		make_source(&source, vectors[i].raw, len);
		snprintf(segment, sizeof(segment), "0,%zu", len);
		source_add_segment(&source, segment);
		assert_int_equal(
		    source_base64_size(&source), strlen(vectors[i].text));
		n = source_read_base64(&source, text, sizeof(text));
		assert_int_equal(n, strlen(vectors[i].text));
		assert_memory_equal(text, vectors[i].text, (size_t)n);
		assert_int_equal(source_read_base64(&source, text, 64), 0);
		source_free(&source);
	}
}

#define BIG ((size_t)200000)

/* The whole text, read in pieces of room bytes; the caller frees it. */
static char *
read_text(struct source *source, size_t room, size_t *len)
{
	size_t size = (size_t)source_base64_size(source);
	char *text = malloc(size + 1), *piece = malloc(room);
	long n;

	assert_non_null(text);
	assert_non_null(piece);
	*len = 0;
	source_rewind(source);
	while ((n = source_read_base64(source, piece, room)) > 0) {
		assert_true((size_t)n <= room);
		assert_true(*len + (size_t)n <= size);
		memcpy(text + *len, piece, (size_t)n);
		*len += (size_t)n;
	}
	assert_int_equal(n, 0);
	text[*len] = '\0';
	free(piece);
	return text;
}

static const size_t rooms[] = {
    4, 5, 7, 8, 1000, 1003, 16384, 65535, 65536, 65537, 262144, 1000000};

/* Whatever libcurl's buffer, the text is the same and of the announced size. */
static void
test_base64_rooms(void **state)
{
	unsigned char *bytes = malloc(BIG);
	struct source source;
	char *want, *text;
	size_t i, len;

	(void)state;
	assert_non_null(bytes);
	for (i = 0; i < BIG; i++)
		bytes[i] = (unsigned char)(i * 31 + i / 256);
	make_source(&source, bytes, BIG);
	/* the same bytes in odd segments */
	source_add_segment(&source, "0,1");
	source_add_segment(&source, "1,65536");
	source_add_segment(&source, "65537,49151");
	source_add_segment(&source, "114688,85312");
	want = malloc(4 * BIG);
	assert_non_null(want);
	EVP_EncodeBlock((unsigned char *)want, bytes, (int)BIG);
	for (i = 0; i < sizeof(rooms) / sizeof(*rooms); i++) {
		text = read_text(&source, rooms[i], &len);
		assert_int_equal(len, source_base64_size(&source));
		assert_string_equal(text, want);
		free(text);
	}
	source_free(&source);
	free(want);
	free(bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_segments),
	    cmocka_unit_test(test_many_segments),
	    cmocka_unit_test(test_check),
	    cmocka_unit_test(test_too_large),
	    cmocka_unit_test(test_not_a_file),
	    cmocka_unit_test(test_read),
	    cmocka_unit_test(test_read_fails),
	    cmocka_unit_test(test_base64_vectors),
	    cmocka_unit_test(test_base64_rooms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
