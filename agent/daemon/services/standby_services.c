/*
 * standby_services.c - see standby_services.h.
 *
 * The services here get a daemon that has neither settings nor parts. The usual
 * service answers look-ups all the same, and says "not ours" without settings.
 * The others have kinds of their own, which read a whole request first, so
 * that no peer meets a closed socket while it writes.
 */
#include <signal.h>
#include <string.h>

#include "lib/local/admin.h"
#include "lib/local/policy.h"
#include "lib/local/standby.h"
#include "bounce_service.h"
#include "listen.h"
#include "service.h"
#include "standby_services.h"

#define STANDBY_KINDS 4
#define STANDBY_SIGNALS 3

struct standby_services {
	struct msgraphd daemon;
	struct service *services[STANDBY_KINDS];
	struct event *signals[STANDBY_SIGNALS];
	int stop;
};

/* One process stands by once; a service's functions take no context. */
static const struct error *standby_reason;

/* --- kinds --- */

static enum wire_result
standby_services_auth(struct conn *conn)
{
	struct wire_auth auth;
	enum wire_result result = conn_record(conn);

	result = wire_auth_parse(&auth, conn->in.bytes, conn->in.len);
	if (result == WIRE_DONE)
		conn_answer(conn, NULL, 0);
	return result;
}

static enum wire_result
standby_services_submit(struct conn *conn)
{
	struct wire_reply reply = {.status = WIRE_DEFERRED, .dsn = "4.3.5"};
	struct policy_answer later = {.status = POLICY_LATER, .dsn = "4.3.5"};
	struct policy_question question;
	enum wire_result result = conn_record(conn);
	struct buf out;

	if (result != WIRE_DONE)
		return result;
	snprintf(reply.text, sizeof(reply.text), "msgraphd cannot start: %s",
	    standby_reason->text);
	snprintf(later.text, sizeof(later.text), "%s", reply.text);
	buf_init(&out, WIRE_REPLY_MAX);
	if (policy_question_parse(&question, conn->in.bytes) != 0
		? policy_answer_format(&out, &later) == -1
		: wire_reply_format(&out, &reply) == -1)
		out.len = 0;
	conn_answer(conn, out.bytes, out.len);
	buf_free(&out);
	return WIRE_DONE;
}

/* Says why there is nothing to say (lib/local/admin.h). */
static enum wire_result
standby_services_admin(struct conn *conn)
{
	char text[sizeof(standby_reason->text) + 64];
	enum wire_result result = conn_record(conn);
	struct buf out;

	if (result != WIRE_DONE)
		return result;
	snprintf(text, sizeof(text), "msgraphd cannot start: %s",
	    standby_reason->text);
	buf_init(&out, WIRE_REPLY_MAX);
	if (wire_field(&out, "record", "end") == -1 ||
	    wire_field(&out, "status", "failed") == -1 ||
	    wire_field(&out, "text", text) == -1 || wire_end(&out) == -1)
		out.len = 0;
	conn_answer(conn, out.bytes, out.len);
	buf_free(&out);
	return WIRE_DONE;
}

static const struct service_kind standby_auth = {
    .name = "auth",
    .user = "postfix",
    .request_max = WIRE_AUTH_REQUEST_MAX,
    .request = standby_services_auth,
};

static const struct service_kind standby_submit = {
    .name = "submit",
    .user = "msgraph",
    .request_max = WIRE_RECORD_MAX,
    .request = standby_services_submit,
};

static const struct service_kind standby_admin = {
    .name = "admin",
    .group = ADMIN_GROUP,
    .request_max = ADMIN_QUESTION_MAX,
    .request = standby_services_admin,
};

/* --- running --- */

static void
standby_services_on_signal(evutil_socket_t signo, short what, void *ctx)
{
	struct standby_services *s = ctx;

	(void)what;
	s->stop = signo != SIGHUP;
	event_base_loopbreak(s->daemon.base);
}

static int
standby_services_watch_signals(struct standby_services *s)
{
	static const int numbers[STANDBY_SIGNALS] = {SIGTERM, SIGINT, SIGHUP};
	sigset_t none;
	size_t i;

	for (i = 0; i < STANDBY_SIGNALS; i++) {
		s->signals[i] = evsignal_new(
		    s->daemon.base, numbers[i], standby_services_on_signal, s);
		if (s->signals[i] == NULL ||
		    event_add(s->signals[i], NULL) == -1)
			return -1;
	}
	/* a start that failed has blocked them */
	sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL);
}

/* A socket that was not handed over is nobody's, and refuses by itself. */
static void
standby_services_open(struct standby_services *s)
{
	const struct service_kind *const kinds[STANDBY_KINDS] = {
	    &standby_auth, &bounce_service, &standby_submit, &standby_admin};
	size_t i;
	int fd;

	for (i = 0; i < STANDBY_KINDS; i++) {
		fd = listen_get_named(kinds[i]->name, NULL);
		if (fd != -1)
			s->services[i] =
			    service_new(&s->daemon, kinds[i], fd, NULL);
	}
}

static void
standby_services_free(struct standby_services *s)
{
	size_t i;

	for (i = 0; i < STANDBY_KINDS; i++)
		service_free(&s->services[i]);
	for (i = 0; i < STANDBY_SIGNALS; i++)
		if (s->signals[i] != NULL)
			event_free(s->signals[i]);
	if (s->daemon.base != NULL)
		event_base_free(s->daemon.base);
}

int
standby_services_run(
    const struct error *reason, unsigned int seconds, struct error *err)
{
	const struct timeval time = {.tv_sec = seconds};
	struct standby_services s = {0};
	int result;

	standby_reason = reason;
	if ((s.daemon.base = event_base_new()) == NULL ||
	    standby_services_watch_signals(&s) == -1 ||
	    event_base_loopexit(s.daemon.base, &time) == -1) {
		result = error_set(err, ERROR_OURS, "4.3.0", "libevent");
	} else {
		standby_services_open(&s);
		standby_announce(reason);
		event_base_dispatch(s.daemon.base);
		result = s.stop;
	}
	standby_services_free(&s);
	return result;
}
