/*
 * service.c - see service.h.
 *
 * A connection is at any time in one of three phases: reading the request
 * (bounded in size and time), working on it (watched only for the peer going
 * away), and writing the answer (bounded in time again).
 *
 * A peer may say that nothing more comes from it, as some clients of saslauthd
 * do (shutdown(2)), and still wait for its answer. A read cannot tell that peer
 * from one that was killed. The difference is POLLHUP, which a unix socket has
 * only when both directions are closed. In the working phase a connection is
 * watched edge-triggered, so that the first is told once, and the second is an
 * event of its own.
 */
#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/daemon/base/clock.h"
#include "agent/daemon/base/wake.h"
#include "lib/base/log.h"
#include "lib/local/sock.h"
#include "service.h"

#define CONNECTIONS_MAX 2000
#define READ_SIZE 16384

/*
 * For a peer that is slow with its request, or does not read its answer; in
 * all, not for each byte.
 */
#define PATIENCE_MS (30 * 1000LL)
static const struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};

/* Connections that are taken in one turn of the event loop. */
#define ACCEPTS_MAX 64

/* Before the next connection is taken, when descriptors have run out. */
#define BREATHER_MS 100

enum phase { PHASE_READING, PHASE_WORKING, PHASE_WRITING };

struct conn_links {
	LIST_ENTRY(conn_links) entry;
	struct conn conn;
	enum phase phase;
	long long deadline; /* of reading, or of a piece of an answer */
	int has_more; /* an answer in pieces goes on */
	int fd;
	struct event *event;
	struct buf out;
};

struct service {
	struct msgraphd *daemon;
	const struct service_kind *kind;
	uid_t allowed;
	gid_t group;
	int has_allowed, has_group;
	struct event *accept; /* NULL once closed */
	struct wake resume;
	int fd;
	LIST_HEAD(conn_list, conn_links) conns;
	unsigned int count;
};

static void
service_conn_free(struct conn_links *c)
{
	LIST_REMOVE(c, entry);
	c->conn.service->count--;
	if (c->event != NULL)
		event_free(c->event);
	if (c->conn.passed != -1)
		close(c->conn.passed);
	close(c->fd);
	buf_wipe(&c->conn.in);
	buf_wipe(&c->out);
	free(c);
}

static void service_on_conn(evutil_socket_t fd, short what, void *ctx);

static int
service_watch(struct conn_links *c, short what, const struct timeval *timeout)
{
	event_del(c->event);
	if (event_assign(c->event, c->conn.daemon->base, c->fd,
		what | EV_PERSIST, service_on_conn, c) == -1)
		return -1;
	return event_add(c->event, timeout);
}

/* --- reading --- */

/* 1: try again later, 0: the connection has ended. */
static int
service_read_some(struct conn_links *c)
{
	struct conn *conn = &c->conn;
	size_t room = conn->in.limit - conn->in.len;
	void *to;
	ssize_t n;

	to = buf_reserve(&conn->in, room < READ_SIZE ? room : READ_SIZE);
	if (room == 0 || to == NULL)
		return 0;
	n = sock_recv(
	    c->fd, to, room < READ_SIZE ? room : READ_SIZE, &conn->passed);
	if (n == -1)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		return 0;
	conn->in.len += (size_t)n;
	conn->in.bytes[conn->in.len] = '\0';
	return 1;
}

/* The request is not whole yet. */
static void
service_read_on(struct conn_links *c)
{
	long long left = c->deadline - clock_ms();
	struct timeval tv = {
	    .tv_sec = left / 1000, .tv_usec = left % 1000 * 1000};

	c->phase = PHASE_READING;
	if (left <= 0 || service_watch(c, EV_READ, &tv) == -1)
		service_conn_free(c);
}

static void
service_take_request(struct conn_links *c)
{
	/* request() may answer at once: then c is gone when it returns */
	c->phase = PHASE_WORKING;
	if (service_watch(c, EV_READ | EV_ET, NULL) == -1) {
		service_conn_free(c);
		return;
	}
	switch (c->conn.service->kind->request(&c->conn)) {
	case WIRE_DONE:
		break;
	case WIRE_INCOMPLETE:
		service_read_on(c);
		break;
	case WIRE_BAD:
		log_warning("%s socket: malformed request, dropped",
		    c->conn.service->kind->name);
		service_conn_free(c);
		break;
	}
}

/* The peer should be silent now; whatever it says ends the work, too. */
static int
service_is_gone(int fd)
{
	struct pollfd pfd = {.fd = fd};
	char byte;
	ssize_t n = recv(fd, &byte, 1, MSG_PEEK);

	if (n == -1)
		return errno != EAGAIN && errno != EINTR;
	return n > 0 || poll(&pfd, 1, 0) != 0;
}

static void
service_peer_gone(struct conn_links *c)
{
	if (c->conn.work != NULL && c->conn.gone != NULL)
		c->conn.gone(&c->conn);
	else if (c->conn.work != NULL)
		c->conn.service->kind->gone(&c->conn);
	service_conn_free(c);
}

/* --- writing --- */

/* The answer has gone: the end, or the next request. */
static void
service_finish_answer(struct conn_links *c)
{
	if (!c->conn.service->kind->many) {
		service_conn_free(c);
		return;
	}
	buf_drop(&c->conn.in, c->conn.in.len);
	buf_drop(&c->out, c->out.len);
	c->phase = PHASE_READING;
	c->deadline = clock_ms() + 3600 * 1000LL;
	/* how long it stays is the peer's business: Postfix closes idle ones */
	if (service_watch(c, EV_READ, NULL) == -1)
		service_conn_free(c);
}

/* Fetches the next piece. 0; or -1, and the connection is gone. */
static int
service_fetch_more(struct conn_links *c)
{
	const struct service_kind *kind = c->conn.service->kind;

	buf_drop(&c->out, c->out.len);
	if (clock_ms() >= c->deadline) {
		log_warning(
		    "%s socket: a peer reads too slowly, dropped", kind->name);
		service_peer_gone(c);
		return -1;
	}
	c->has_more = kind->more(&c->conn, &c->out);
	return 0;
}

static void
service_write_some(struct conn_links *c)
{
	ssize_t n;

	if (c->out.len == 0 && c->has_more && service_fetch_more(c) == -1)
		return;
	n = send(c->fd, c->out.bytes, c->out.len, MSG_NOSIGNAL);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == -1)
		service_peer_gone(c);
	else if ((size_t)n < c->out.len || c->has_more)
		buf_drop(&c->out, (size_t)n);
	else
		service_finish_answer(c);
}

void
conn_stream(struct conn *conn)
{
	struct conn_links *c = conn->links;

	c->phase = PHASE_WRITING;
	c->deadline = clock_ms() + PATIENCE_MS;
	c->has_more = 1;
	if (service_watch(c, EV_WRITE, &patience) == -1)
		service_peer_gone(c);
}

enum wire_result
conn_record(struct conn *conn)
{
	size_t len;
	enum wire_result result =
	    wire_record_more(&conn->scan, conn->in.bytes, conn->in.len, &len);

	return result == WIRE_DONE && len != conn->in.len ? WIRE_BAD : result;
}

void
conn_answer(struct conn *conn, const void *bytes, size_t len)
{
	struct conn_links *c = conn->links;

	conn->work = NULL;
	c->phase = PHASE_WRITING;
	if (len == 0 || buf_add(&c->out, bytes, len) == -1 ||
	    service_watch(c, EV_WRITE, &patience) == -1) {
		service_conn_free(c);
		return;
	}
	service_write_some(c);
}

static void
service_on_conn(evutil_socket_t fd, short what, void *ctx)
{
	struct conn_links *c = ctx;

	(void)fd;
	if (what & EV_TIMEOUT) {
		log_warning("%s socket: a peer stalled, dropped",
		    c->conn.service->kind->name);
		service_peer_gone(c);
		return;
	}
	switch (c->phase) {
	case PHASE_READING:
		if (service_read_some(c))
			service_take_request(c);
		else
			service_conn_free(c);
		break;
	case PHASE_WORKING:
		if (service_is_gone(c->fd))
			service_peer_gone(c);
		break;
	case PHASE_WRITING:
		service_write_some(c);
		break;
	}
}

/* --- accepting --- */

static int
service_is_allowed(const struct service *service, int fd, uid_t *uidp)
{
	uid_t uid;

	if (sock_peer_uid(fd, &uid) == -1)
		return 0;
	*uidp = uid;
	if (uid == 0 || (service->has_allowed && uid == service->allowed) ||
	    (service->has_group && sock_peer_is_in(fd, service->group)))
		return 1;
	log_warning("%s socket: uid %u may not use it, only %s%s and root",
	    service->kind->name, (unsigned int)uid,
	    service->kind->user != NULL ? service->kind->user : "group ",
	    service->kind->user != NULL ? "" : service->kind->group);
	return 0;
}

/* Returns 1 where there is a place for one more, of root or of another user. */
static int
service_has_place(const struct service *service, uid_t uid)
{
	unsigned int max = uid == 0 ? 0 : service->kind->connections_max;

	return service->count < (max == 0 ? CONNECTIONS_MAX : max);
}

static void
service_start_conn(struct service *service, int fd, uid_t uid)
{
	struct conn_links *c = calloc(1, sizeof(*c));

	if (c == NULL ||
	    (c->event = event_new(service->daemon->base, fd,
		 EV_READ | EV_PERSIST, service_on_conn, c)) == NULL ||
	    event_add(c->event, &patience) == -1) {
		if (c != NULL && c->event != NULL)
			event_free(c->event);
		free(c);
		close(fd);
		return;
	}
	c->fd = fd;
	c->phase = PHASE_READING;
	c->deadline = clock_ms() + PATIENCE_MS;
	c->conn.links = c;
	c->conn.service = service;
	c->conn.daemon = service->daemon;
	c->conn.uid = uid;
	c->conn.passed = -1;
	buf_init(&c->conn.in, service->kind->request_max);
	buf_init(&c->out, WIRE_REPLY_MAX);
	LIST_INSERT_HEAD(&service->conns, c, entry);
	service->count++;
}

/* Takes the next peer. 0; or -1 when there is none, or not now. */
static int
service_accept(struct service *service)
{
	int peer =
	    accept4(service->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	uid_t uid;

	if (peer == -1) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
		    errno == ENOBUFS) {
			log_error("%s socket: accept: %s", service->kind->name,
			    strerror(errno));
			event_del(service->accept);
			wake_in(&service->resume, BREATHER_MS);
		}
		return -1;
	}
	if (!service_is_allowed(service, peer, &uid) ||
	    !service_has_place(service, uid))
		close(peer);
	else
		service_start_conn(service, peer, uid);
	return 0;
}

/* With one peer a turn of the loop, those of a busy daemon would queue up. */
static void
service_on_accept(evutil_socket_t fd, short what, void *ctx)
{
	int i;

	(void)fd;
	(void)what;
	for (i = 0; i < ACCEPTS_MAX; i++)
		if (service_accept(ctx) == -1)
			break;
}

static void
service_on_resume(void *ctx)
{
	struct service *service = ctx;

	if (service->accept != NULL)
		event_add(service->accept, NULL);
}

static void
service_find_group(struct service *service)
{
	const struct group *group = getgrnam(service->kind->group);

	service->has_group = group != NULL;
	if (group != NULL)
		service->group = group->gr_gid;
	else
		log_info("there is no group %s: only root may use the %s "
			 "socket",
		    service->kind->group, service->kind->name);
}

static void
service_find_user(struct service *service)
{
	const struct passwd *pw = getpwnam(service->kind->user);

	if (pw != NULL) {
		service->allowed = pw->pw_uid;
		service->has_allowed = 1;
	} else {
		log_warning("there is no user %s: only root may use the %s "
			    "socket",
		    service->kind->user, service->kind->name);
	}
}

struct service *
service_new(struct msgraphd *daemon, const struct service_kind *kind, int fd,
    struct error *err)
{
	struct service *service = calloc(1, sizeof(*service));

	if (service == NULL) {
		close(fd);
		error_no_memory(err);
		return NULL;
	}
	LIST_INIT(&service->conns);
	service->daemon = daemon;
	service->kind = kind;
	service->fd = fd;
	if (kind->user != NULL)
		service_find_user(service);
	if (kind->group != NULL)
		service_find_group(service);
	service->accept = event_new(
	    daemon->base, fd, EV_READ | EV_PERSIST, service_on_accept, service);
	if (service->accept == NULL ||
	    wake_init(&service->resume, daemon->base, service_on_resume,
		service) == -1 ||
	    event_add(service->accept, NULL) == -1) {
		service_free(&service);
		error_set(err, ERROR_OURS, "4.3.0", "libevent: cannot listen");
	}
	return service;
}

void
service_close(struct service *service)
{
	if (service->accept != NULL)
		event_free(service->accept);
	service->accept = NULL;
	if (service->fd != -1)
		close(service->fd);
	service->fd = -1;
}

unsigned int
service_connections(const struct service *service)
{
	return service->count;
}

void
service_free(struct service **servicep)
{
	struct service *service = *servicep;

	*servicep = NULL;
	if (service == NULL)
		return;
	service_close(service);
	while (!LIST_EMPTY(&service->conns))
		service_peer_gone(LIST_FIRST(&service->conns));
	wake_free(&service->resume);
	free(service);
}
