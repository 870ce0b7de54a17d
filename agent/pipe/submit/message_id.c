/*
 * message_id.c - the Message-ID of a message. See message_id.h.
 *
 * msgraphd asks the mailbox's Sent Items for it (verify_unknown). What could
 * be read in two ways is no answer to that, so it is left out.
 */
#include "lib/base/printable.h"
#include "lib/mail/header.h"
#include "message_id.h"

static int
message_id_is_plain(struct span id)
{
	size_t i;

	if (id.len < 3 || id.len >= MESSAGE_ID_SIZE || id.p[0] != '<' ||
	    id.p[id.len - 1] != '>')
		return 0;
	for (i = 1; i + 1 < id.len; i++)
		if (!printable_is_visible(id.p[i]) || id.p[i] == '<' ||
		    id.p[i] == '>')
			return 0;
	return 1;
}

char *
message_id_read(struct span head, char id[MESSAGE_ID_SIZE])
{
	struct span found = {NULL, 0};
	struct header_reader r;
	struct header_field f;
	int fields = 0;

	header_init(&r, head.p, head.len);
	while (header_next(&r, &f)) {
		if (!span_is(f.name, "Message-ID"))
			continue;
		fields++;
		found = span_trim(f.value);
	}
	id[0] = '\0';
	if (fields == 1 && message_id_is_plain(found)) {
		memcpy(id, found.p, found.len);
		id[found.len] = '\0';
	}
	return id;
}
