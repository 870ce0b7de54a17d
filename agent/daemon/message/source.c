/*
 * source.c - see source.h.
 *
 * An agent has spooled the message seconds ago, so reads come from the page
 * cache and may be done in the event loop.
 */
#include <errno.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/array.h"
#include "source.h"

void
spool_init(struct spool *spool, int fd)
{
	memset(spool, 0, sizeof(*spool));
	spool->fd = fd;
}

void
spool_free(struct spool *spool)
{
	if (spool->fd != -1)
		close(spool->fd);
	free(spool->segments);
	spool_init(spool, -1);
}

/* Plain digits, which *text moves past; -1 when there are none. */
static long long
source_read_number(const char **text)
{
	long long number;
	char *end;

	if (**text < '0' || **text > '9')
		return -1;
	/* one that is too long becomes LLONG_MAX, over every limit here */
	number = strtoll(*text, &end, 10);
	*text = end;
	return number;
}

void
spool_slice(
    struct spool *slice, const struct spool *of, struct segment *segment)
{
	spool_init(slice, of->fd);
	slice->segments = segment;
	slice->count = 1;
	slice->size = segment->length;
}

int
spool_parse_segment(const char *text, struct segment *segment)
{
	segment->offset = source_read_number(&text);
	if (*text++ != ',')
		return -1;
	segment->length = source_read_number(&text);
	if (*text != '\0' || segment->offset < 0 || segment->length <= 0 ||
	    segment->offset > LLONG_MAX - SPOOL_SIZE_MAX ||
	    segment->length > SPOOL_SIZE_MAX)
		return -1;
	return 0;
}

int
spool_add_segment(struct spool *spool, const char *text)
{
	struct segment segment, *list;

	if (spool->count == SPOOL_SEGMENTS_MAX ||
	    spool_parse_segment(text, &segment) == -1 ||
	    segment.length > SPOOL_SIZE_MAX - spool->size)
		return -1;
	list = array_room(
	    spool->segments, spool->count, &spool->room, sizeof(*list));
	if (list == NULL)
		return -1;
	spool->segments = list;
	spool->segments[spool->count++] = segment;
	spool->size += segment.length;
	return 0;
}

int
spool_check(struct spool *spool, struct error *err)
{
	const struct segment *s;
	struct stat st;
	size_t i;

	if (fstat(spool->fd, &st) == -1 || !S_ISREG(st.st_mode))
		return error_set(err, ERROR_OURS, "4.3.0",
		    "the agent's descriptor is not a regular file");
	for (i = 0; i < spool->count; i++) {
		s = &spool->segments[i];
		if (s->offset + s->length > st.st_size)
			return error_set(err, ERROR_OURS, "4.3.0",
			    "a segment lies outside the agent's spool file");
	}
	/* the journal tells messages apart by their raw bytes: some are needed */
	if (spool->raw <= 0 || spool->size == 0)
		return error_set(err, ERROR_OURS, "4.3.0",
		    "the agent's request lacks raw or is empty");
	if (spool->raw > SPOOL_SIZE_MAX)
		return error_set(err, ERROR_OURS, "4.3.0",
		    "the message is larger than %lld bytes", SPOOL_SIZE_MAX);
	if (spool->raw > st.st_size)
		return error_set(err, ERROR_OURS, "4.3.0",
		    "the agent's spool file is shorter than it says");
	return 0;
}

void
spool_rewind(struct spool *spool)
{
	spool->at_segment = 0;
	spool->at_offset = 0;
}

long
spool_read(struct spool *spool, void *to, size_t len)
{
	const struct segment *s;
	long long left;
	size_t done = 0;
	ssize_t n;

	while (done < len && spool->at_segment < spool->count) {
		s = &spool->segments[spool->at_segment];
		left = s->length - spool->at_offset;
		if (left > (long long)(len - done))
			left = (long long)(len - done);
		n = pread(spool->fd, (char *)to + done, (size_t)left,
		    s->offset + spool->at_offset);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		done += (size_t)n;
		spool->at_offset += n;
		if (spool->at_offset == s->length) {
			spool->at_segment++;
			spool->at_offset = 0;
		}
	}
	return (long)done;
}

long long
spool_base64_size(const struct spool *spool)
{
	return (spool->size + 2) / 3 * 4;
}

long
spool_read_base64(struct spool *spool, char *to, size_t room)
{
	/* one thread, and nobody needs them between two calls */
	static unsigned char raw[48 * 1024], text[64 * 1024 + 1];
	size_t want = room / 4 * 3;
	long n;
	int len;

	if (want > sizeof(raw))
		want = sizeof(raw);
	/* short only at the message's end, where padding belongs */
	if ((n = spool_read(spool, raw, want)) <= 0)
		return n;
	len = EVP_EncodeBlock(text, raw, (int)n);
	memcpy(to, text, (size_t)len);
	return len;
}
