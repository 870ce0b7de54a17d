/*
 * map_socketmap.c - asks a socketmap server, as socketmap_table(5) has it:
 * socketmap:unix:PATH:NAME or socketmap:inet:HOST:PORT:NAME.
 *
 * There is one connection, which is made when the first question comes, and
 * questions go over it in turn. A server that cannot be reached, does not
 * answer in time, or answers anything else than one netstring that is an
 * answer, loses the connection, and all who wait hear that at once: behind an
 * answer that is none, nobody can tell which answer the next one is. A server
 * may close a connection that is idle, so a question that finds it closed is
 * asked once more over a new one.
 *
 * The protocol has no way to prove who the server is, so HOST is this host.
 * Everything runs from the event loop: map_ask() only notes the question.
 */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/un.h>

#include "agent/daemon/base/wake.h"
#include "lib/base/printable.h"
#include "backoff.h"
#include "map.h"
#include "netstring.h"

/* Questions that wait for their turn, or for their answer. */
#define MAP_SOCKETMAP_QUERIES_MAX 64

/* Behind the row: its status, and what makes a netstring of it. */
#define MAP_SOCKETMAP_EXTRA 32

struct map_socketmap_query {
	struct map_query query;
	TAILQ_ENTRY(map_socketmap_query) entry;
	char key[MAP_KEY_SIZE];
	map_done done; /* NULL: given up, but its answer must still be read */
	void *ctx;
	int is_again; /* it has found the connection closed */
};

TAILQ_HEAD(map_socketmap_queue, map_socketmap_query);

struct map_socketmap {
	struct map map;
	struct event_base *base; /* borrowed */
	union {
		struct sockaddr any;
		struct sockaddr_un local;
		struct sockaddr_storage room;
	} address;
	int address_len;
	char *name; /* of the map at the server */
	struct bufferevent *conn; /* NULL: not connected */
	int is_used; /* an answer came over the connection */
	int is_asked; /* the first of the queue waits for its answer */
	struct map_socketmap_queue queue, failed;
	unsigned int count; /* in both */
	struct wake work, timeout;
	struct backoff backoff;
	char reason[256]; /* why it is out of reach */
};

static void map_socketmap_fail(struct map_socketmap *s, const char *reason);

/* --- questions --- */

static void
map_socketmap_forget(struct map_socketmap *s, struct map_socketmap_queue *queue,
    struct map_socketmap_query *q)
{
	TAILQ_REMOVE(queue, q, entry);
	s->count--;
	free(q);
}

/* Answers the first of a queue. */
static void
map_socketmap_answer(struct map_socketmap *s, struct map_socketmap_queue *queue,
    enum map_result result, const char *text)
{
	struct map_socketmap_query *q = TAILQ_FIRST(queue);
	map_done done = q->done;
	void *ctx = q->ctx;

	map_socketmap_forget(s, queue, q);
	if (done != NULL)
		done(ctx, result, result == MAP_FOUND ? text : NULL, text);
}

static void
map_socketmap_hang_up(struct map_socketmap *s)
{
	if (s->conn != NULL)
		bufferevent_free(s->conn);
	s->conn = NULL;
	s->is_asked = 0;
	wake_cancel(&s->timeout);
}

/* Gives up all that wait. They hear of it from the event loop. */
static void
map_socketmap_fail(struct map_socketmap *s, const char *reason)
{
	snprintf(s->reason, sizeof(s->reason), "%s", reason);
	printable_make(s->reason, '?');
	map_socketmap_hang_up(s);
	backoff_bad(&s->backoff);
	TAILQ_CONCAT(&s->failed, &s->queue, entry);
	wake_up(&s->work);
}

/* --- answers --- */

/*
 * Makes a row or a reason of it that has one line. 0, or -1 where it has not.
 */
static int
map_socketmap_copy(const struct span *text, char *to, size_t size)
{
	if (text->len >= size || memchr(text->p, '\0', text->len) != NULL)
		return -1;
	memcpy(to, text->p, text->len);
	to[text->len] = '\0';
	return strpbrk(to, "\r\n") == NULL ? 0 : -1;
}

static void
map_socketmap_take(struct map_socketmap *s, const struct span *inside)
{
	static const char *const words[] = {[SOCKETMAP_TEMP] = "TEMP",
	    [SOCKETMAP_TIMEOUT] = "TIMEOUT",
	    [SOCKETMAP_PERM] = "PERM"};
	char row[MAP_ROW_SIZE], text[256];
	struct span found;
	enum socketmap_status status = socketmap_parse(inside, &found);

	if (status == SOCKETMAP_NONE ||
	    map_socketmap_copy(&found, row, sizeof(row)) == -1) {
		map_socketmap_fail(s,
		    status == SOCKETMAP_NONE
			? "the server's answer begins with no word of "
			  "socketmap_table(5)"
			: "the server's answer has more than one line");
		return;
	}
	backoff_good(&s->backoff);
	s->is_asked = 0;
	s->is_used = 1;
	wake_cancel(&s->timeout);
	wake_up(&s->work);
	if (status == SOCKETMAP_OK) {
		map_socketmap_answer(s, &s->queue, MAP_FOUND, row);
	} else if (status == SOCKETMAP_NOTFOUND) {
		map_socketmap_answer(s, &s->queue, MAP_NONE, "");
	} else {
		snprintf(text, sizeof(text), "the server says %s%s%.200s",
		    words[status], row[0] == '\0' ? "" : ": ", row);
		printable_make(text, '?');
		map_socketmap_answer(s, &s->queue, MAP_UNAVAILABLE, text);
	}
}

static void
map_socketmap_on_read(struct bufferevent *conn, void *ctx)
{
	struct map_socketmap *s = ctx;
	struct evbuffer *in = bufferevent_get_input(conn);
	size_t len = evbuffer_get_length(in), used;
	const char *bytes = (const char *)evbuffer_pullup(in, -1);
	struct span inside;

	if (bytes == NULL)
		return;
	switch (netstring_parse(bytes, len,
	    MAP_ROW_SIZE - 1 + MAP_SOCKETMAP_EXTRA / 2, &inside, &used)) {
	case NETSTRING_MORE:
		break;
	case NETSTRING_BAD:
		map_socketmap_fail(
		    s, "the server's answer is no netstring, or is too long");
		break;
	case NETSTRING_DONE:
		if (!s->is_asked || used != len) {
			map_socketmap_fail(
			    s, "the server has answered what nobody asked");
			break;
		}
		/* nobody reads the buffer again before it is empty */
		map_socketmap_take(s, &inside);
		if (s->conn != NULL)
			evbuffer_drain(in, len);
		break;
	}
}

/* An idle connection may end at any time; else its question is asked again. */
static void
map_socketmap_closed(struct map_socketmap *s, int error)
{
	struct map_socketmap_query *q = TAILQ_FIRST(&s->queue);
	char text[256];

	if (!s->is_asked || (s->is_used && !q->is_again)) {
		if (s->is_asked)
			q->is_again = 1;
		map_socketmap_hang_up(s);
		wake_up(&s->work);
		return;
	}
	snprintf(text, sizeof(text), "%s",
	    error != 0 ? strerror(error)
		       : "the server hung up without an answer");
	map_socketmap_fail(s, text);
}

static void
map_socketmap_on_event(struct bufferevent *conn, short what, void *ctx)
{
	(void)conn;
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		map_socketmap_closed(ctx, what & BEV_EVENT_ERROR ? errno : 0);
}

static void
map_socketmap_on_timeout(void *ctx)
{
	char text[64];

	snprintf(
	    text, sizeof(text), "no answer within %d s", MAP_TIMEOUT_MS / 1000);
	map_socketmap_fail(ctx, text);
}

/* --- asking --- */

static int
map_socketmap_connect(struct map_socketmap *s)
{
	s->is_used = 0;
	s->conn = bufferevent_socket_new(
	    s->base, -1, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	if (s->conn == NULL)
		return -1;
	bufferevent_setcb(
	    s->conn, map_socketmap_on_read, NULL, map_socketmap_on_event, s);
	bufferevent_setwatermark(
	    s->conn, EV_READ, 0, MAP_ROW_SIZE + MAP_SOCKETMAP_EXTRA);
	return bufferevent_socket_connect(
		   s->conn, &s->address.any, s->address_len) == -1 ||
		bufferevent_enable(s->conn, EV_READ | EV_WRITE) == -1
	    ? -1
	    : 0;
}

static void
map_socketmap_send(struct map_socketmap *s)
{
	struct map_socketmap_query *q = TAILQ_FIRST(&s->queue);
	struct buf request;
	int result = -1;

	buf_init(&request, MAP_ROW_SIZE);
	errno = 0;
	if (wake_in(&s->timeout, MAP_TIMEOUT_MS) == 0 &&
	    (s->conn != NULL || map_socketmap_connect(s) == 0) &&
	    netstring_add_request(&request, s->name, q->key) == 0)
		result = bufferevent_write(s->conn, request.bytes, request.len);
	if (result == -1)
		map_socketmap_fail(
		    s, errno == 0 ? "out of memory" : strerror(errno));
	else
		s->is_asked = 1;
	buf_free(&request);
}

static void
map_socketmap_on_work(void *ctx)
{
	struct map_socketmap *s = ctx;
	char reason[sizeof(s->reason)];

	memcpy(reason, s->reason, sizeof(reason));
	while (!TAILQ_EMPTY(&s->failed))
		map_socketmap_answer(s, &s->failed, MAP_UNAVAILABLE, reason);
	if (!s->is_asked && !TAILQ_EMPTY(&s->queue))
		map_socketmap_send(s);
}

static struct map_query *
map_socketmap_ask(struct map *map, const char *key, map_done done, void *ctx)
{
	struct map_socketmap *s = (struct map_socketmap *)map;
	struct map_socketmap_query *q;

	if (s->count == MAP_SOCKETMAP_QUERIES_MAX ||
	    strlen(key) >= sizeof(q->key) ||
	    (q = calloc(1, sizeof(*q))) == NULL)
		return NULL;
	strcpy(q->key, key);
	q->done = done;
	q->ctx = ctx;
	if (backoff_may(&s->backoff))
		TAILQ_INSERT_TAIL(&s->queue, q, entry);
	else
		TAILQ_INSERT_TAIL(&s->failed, q, entry);
	s->count++;
	wake_up(&s->work);
	return &q->query;
}

static int
map_socketmap_is_in(const struct map_socketmap_queue *queue,
    const struct map_socketmap_query *query)
{
	const struct map_socketmap_query *q;

	TAILQ_FOREACH(q, queue, entry)
	if (q == query)
		return 1;
	return 0;
}

static void
map_socketmap_cancel(struct map_query *query)
{
	struct map_socketmap_query *q = (struct map_socketmap_query *)query;
	struct map_socketmap *s = (struct map_socketmap *)query->map;

	if (s->is_asked && q == TAILQ_FIRST(&s->queue)) {
		q->done = NULL;
		return;
	}
	if (map_socketmap_is_in(&s->failed, q)) {
		map_socketmap_forget(s, &s->failed, q);
		return;
	}
	backoff_unknown(&s->backoff);
	map_socketmap_forget(s, &s->queue, q);
}

/* --- the source --- */

static int
map_socketmap_wrong(struct error *err, const char *what)
{
	return error_set(err, ERROR_OURS, "4.3.5",
	    "%s; as in socketmap:unix:/run/names/socket:relay or "
	    "socketmap:inet:127.0.0.1:8461:relay",
	    what);
}

static int
map_socketmap_is_this_host(const struct sockaddr *address)
{
	const struct sockaddr_in *v4 =
	    (const struct sockaddr_in *)(const void *)address;
	const struct sockaddr_in6 *v6 =
	    (const struct sockaddr_in6 *)(const void *)address;

	return address->sa_family == AF_INET
	    ? ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET
	    : IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

/* Reads HOST:PORT. */
static int
map_socketmap_read_host(
    struct map_socketmap *s, const char *place, struct error *err)
{
	char text[64];
	int len = sizeof(s->address);
	const char *port = strrchr(place, ':');

	if (port == NULL || port[1] == '\0')
		return map_socketmap_wrong(err, "a port is missing");
	snprintf(text, sizeof(text), "%s%s",
	    strncmp(place, "localhost:", 10) == 0 ? "127.0.0.1" : "",
	    strncmp(place, "localhost:", 10) == 0 ? port : place);
	if (evutil_parse_sockaddr_port(text, &s->address.any, &len) == -1 ||
	    !map_socketmap_is_this_host(&s->address.any))
		return map_socketmap_wrong(err,
		    "HOST:PORT must be an address of this host, since the "
		    "protocol does not prove who answers");
	s->address_len = len;
	return 0;
}

static int
map_socketmap_read_path(
    struct map_socketmap *s, const char *path, struct error *err)
{
	if (path[0] != '/' || strlen(path) >= sizeof(s->address.local.sun_path))
		return map_socketmap_wrong(err,
		    "the path of a socket begins with / and has at most 107 "
		    "bytes");
	s->address.local.sun_family = AF_UNIX;
	strcpy(s->address.local.sun_path, path);
	s->address_len = sizeof(s->address.local);
	return 0;
}

static int
map_socketmap_read(struct map_socketmap *s, const char *rest, struct error *err)
{
	char *place = strdup(rest), *name;
	int result;

	if (place == NULL)
		return error_no_memory(err);
	name = strrchr(place, ':');
	if (name != NULL)
		*name++ = '\0';
	if (name == NULL || name[0] == '\0')
		result =
		    map_socketmap_wrong(err, "the name of the map is missing");
	else if (strncmp(place, "unix:", 5) == 0)
		result = map_socketmap_read_path(s, place + 5, err);
	else if (strncmp(place, "inet:", 5) == 0)
		result = map_socketmap_read_host(s, place + 5, err);
	else
		result = map_socketmap_wrong(err, "unix: or inet: is missing");
	if (result == 0 && (s->name = strdup(name)) == NULL)
		result = error_no_memory(err);
	free(place);
	return result;
}

static void
map_socketmap_close(struct map *map)
{
	struct map_socketmap *s = (struct map_socketmap *)map;

	if (s->conn != NULL)
		map_socketmap_hang_up(s);
	wake_free(&s->work);
	wake_free(&s->timeout);
	while (!TAILQ_EMPTY(&s->queue))
		map_socketmap_forget(s, &s->queue, TAILQ_FIRST(&s->queue));
	while (!TAILQ_EMPTY(&s->failed))
		map_socketmap_forget(s, &s->failed, TAILQ_FIRST(&s->failed));
	free(s->name);
	free(s);
}

static struct map *
map_socketmap_open(
    const struct map_with *with, const char *rest, struct error *err)
{
	struct map_socketmap *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		error_no_memory(err);
		return NULL;
	}
	TAILQ_INIT(&s->queue);
	TAILQ_INIT(&s->failed);
	s->base = with->base;
	if (map_socketmap_read(s, rest, err) == -1) {
		map_socketmap_close(&s->map);
		return NULL;
	}
	if (wake_init(&s->work, s->base, map_socketmap_on_work, s) == -1 ||
	    wake_init(&s->timeout, s->base, map_socketmap_on_timeout, s) ==
		-1) {
		map_socketmap_close(&s->map);
		error_no_memory(err);
		return NULL;
	}
	return &s->map;
}

const struct map_kind map_socketmap = {
    .prefix = "socketmap:",
    .open = map_socketmap_open,
    .close = map_socketmap_close,
    .ask = map_socketmap_ask,
    .cancel = map_socketmap_cancel,
};
