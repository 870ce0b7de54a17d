/*
 * delivery_message.h - a small message for a delivery, and what is answered.
 */
#ifndef TESTS_UNIT_DELIVERY_MESSAGE_H
#define TESTS_UNIT_DELIVERY_MESSAGE_H

#include "agent/daemon/delivery/delivery.h"
#include "daemon_fake.h"

#define MESSAGE "From: a@x\r\n\r\nbody\r\n"

static struct wire_reply reply;
static int replies;

static int
delivery_begin(void **state)
{
	(void)state;
	memset(&reply, 0, sizeof(reply));
	replies = 0;
	return fake_begin();
}

static int
delivery_end(void **state)
{
	(void)state;
	delivery_drop_all(&d);
	return fake_end();
}

static void
on_done(void *ctx, const struct wire_reply *given)
{
	(void)ctx;
	reply = *given;
	replies++;
}

/*
 * Gives the request this file, which is closed, of the first application: a
 * segment is the message.
 */
static void
give_source(struct delivery_request *request, FILE *file, size_t at, size_t len)
{
	char segment[64];

	fflush(file);
	request->identity = apps[0];
	source_init(&request->source, dup(fileno(file)));
	fclose(file);
	snprintf(segment, sizeof(segment), "%zu,%zu", at, len);
	request->source.raw = (long long)strlen(MESSAGE);
	assert_int_equal(source_add_segment(&request->source, segment), 0);
}

/* Gives the request the message, of the first application. */
static inline void
give_message(struct delivery_request *request)
{
	FILE *file = tmpfile();

	fputs(MESSAGE, file);
	give_source(request, file, 0, strlen(MESSAGE));
}

#endif
