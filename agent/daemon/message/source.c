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
source_init(struct source *source, int fd)
{
	memset(source, 0, sizeof(*source));
	source->fd = fd;
}

void
source_free(struct source *source)
{
	if (source->fd != -1)
		close(source->fd);
	free(source->segments);
	source_init(source, -1);
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
source_slice(
    struct source *slice, const struct source *of, struct segment *segment)
{
	source_init(slice, of->fd);
	slice->segments = segment;
	slice->count = 1;
	slice->size = segment->length;
}

int
source_parse_segment(const char *text, struct segment *segment)
{
	segment->offset = source_read_number(&text);
	if (*text++ != ',')
		return -1;
	segment->length = source_read_number(&text);
	if (*text != '\0' || segment->offset < 0 || segment->length <= 0 ||
	    segment->offset > LLONG_MAX - SOURCE_SIZE_MAX ||
	    segment->length > SOURCE_SIZE_MAX)
		return -1;
	return 0;
}

int
source_add_segment(struct source *source, const char *text)
{
	struct segment segment, *list;

	if (source->count == SOURCE_SEGMENTS_MAX ||
	    source_parse_segment(text, &segment) == -1 ||
	    segment.length > SOURCE_SIZE_MAX - source->size)
		return -1;
	list = array_room(
	    source->segments, source->count, &source->room, sizeof(*list));
	if (list == NULL)
		return -1;
	source->segments = list;
	source->segments[source->count++] = segment;
	source->size += segment.length;
	return 0;
}

int
source_check(struct source *source, struct error *err)
{
	const struct segment *s;
	struct stat st;
	size_t i;

	if (fstat(source->fd, &st) == -1 || !S_ISREG(st.st_mode))
		return error_set(err, ERROR_OURS, "4.3.0",
		    "the agent's descriptor is not a regular file");
	for (i = 0; i < source->count; i++) {
		s = &source->segments[i];
		if (s->offset + s->length > st.st_size)
			return error_set(err, ERROR_OURS, "4.3.0",
			    "a segment lies outside the agent's spool file");
	}
	/*
	 * the journal tells messages apart by their raw bytes: some are needed
	 */
	if (source->raw <= 0 || source->size == 0)
		return error_set(err, ERROR_OURS, "4.3.0",
		    "the agent's request lacks raw or is empty");
	if (source->raw > SOURCE_SIZE_MAX)
		return error_set(err, ERROR_OURS, "4.3.0",
		    "the message is larger than %lld bytes", SOURCE_SIZE_MAX);
	if (source->raw > st.st_size)
		return error_set(err, ERROR_OURS, "4.3.0",
		    "the agent's spool file is shorter than it says");
	return 0;
}

void
source_rewind(struct source *source)
{
	source->at_segment = 0;
	source->at_offset = 0;
}

long
source_read(struct source *source, void *to, size_t len)
{
	const struct segment *s;
	long long left;
	size_t done = 0;
	ssize_t n;

	while (done < len && source->at_segment < source->count) {
		s = &source->segments[source->at_segment];
		left = s->length - source->at_offset;
		if (left > (long long)(len - done))
			left = (long long)(len - done);
		n = pread(source->fd, (char *)to + done, (size_t)left,
		    s->offset + source->at_offset);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		done += (size_t)n;
		source->at_offset += n;
		if (source->at_offset == s->length) {
			source->at_segment++;
			source->at_offset = 0;
		}
	}
	return (long)done;
}

long long
source_base64_size(const struct source *source)
{
	return (source->size + 2) / 3 * 4;
}

long
source_read_base64(struct source *source, char *to, size_t room)
{
	/* one thread, and nobody needs them between two calls */
	static unsigned char raw[48 * 1024], text[64 * 1024 + 1];
	size_t want = room / 4 * 3;
	long n;
	int len;

	if (want > sizeof(raw))
		want = sizeof(raw);
	/* short only at the message's end, where padding belongs */
	if ((n = source_read(source, raw, want)) <= 0)
		return n;
	len = EVP_EncodeBlock(text, raw, (int)n);
	memcpy(to, text, (size_t)len);
	return len;
}
