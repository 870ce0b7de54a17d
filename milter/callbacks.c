/*
 * callbacks.c - between libmilter and message.c.
 *
 * A connection has no state but its present message, which lives from MAIL FROM
 * to the answer to the end of data. libmilter tells of an abort only in the
 * middle of a message, so each callback that ends one drops it, and each that
 * begins one drops what may be left.
 *
 * Only five kinds of events are asked for: MAIL FROM, RCPT TO, header fields,
 * end of message, abort. Fields are not answered one by one; what is wrong with
 * one is answered at the end of the message, which costs nothing, as Postfix
 * has the whole message before it shows any of it. Field values are never
 * written back, so the blank after the colon (SMFIP_HDR_LEADSPC) does not
 * matter.
 *
 * libmilter runs the callbacks of different connections in different threads.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/base/log.h"
#include "lib/local/sock.h"
#include "callbacks.h"
#include "envelope.h"
#include "message.h"
#include "question.h"
#include "reply.h"
#include "size.h"

#define ANSWER_MS 100 /* from a callback's return until it is written */
#define ACTIONS (SMFIF_ADDHDRS | SMFIF_CHGHDRS)
#define MAYBE_ACTIONS SMFIF_CHGFROM /* for entries with from= */
#define UNWANTED                                                       \
	(SMFIP_NOCONNECT | SMFIP_NOHELO | SMFIP_NOBODY | SMFIP_NOEOH | \
	    SMFIP_NOUNKNOWN | SMFIP_NODATA | SMFIP_NR_HDR)

/*
 * Macros are asked for by name, so that the milter_mail_macros of main.cf
 * cannot take away who signed in. {mail_addr} is there because it always comes:
 * libmilter takes an empty list for no news and goes on with the names of the
 * message before; and where out of memory it drops all of them without a
 * word, which must not look like a client that has not signed in. None is const
 * only because libmilter's prototypes are not.
 */
static char mail_macros[] = "i {mail_addr} " CLIENT_MACROS;
static char end_macros[] = "i";
static char macro_queue_id[] = "i";
static char macro_user[] = "{auth_authen}";
static char macro_sender[] = "{mail_addr}";
static char filter_name[] = "msgraph-milter";

/* --- messages under way --- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ended = PTHREAD_COND_INITIALIZER;
static unsigned int under_way;
static long long last_end = -ANSWER_MS;
static int stopping;

/* 0 when a message may begin. */
static int
callbacks_begin(void)
{
	int refused;

	pthread_mutex_lock(&lock);
	refused = stopping;
	if (!refused)
		under_way++;
	pthread_mutex_unlock(&lock);
	return refused ? -1 : 0;
}

static void
callbacks_end(void)
{
	pthread_mutex_lock(&lock);
	under_way--;
	last_end = sock_now();
	pthread_cond_signal(&ended);
	pthread_mutex_unlock(&lock);
}

static struct timespec
callbacks_from_now(long long milliseconds)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += milliseconds / 1000;
	ts.tv_nsec += milliseconds % 1000 * 1000000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_sec++;
		ts.tv_nsec -= 1000000000;
	}
	return ts;
}

/* libmilter writes an answer after the callback, so it needs a moment more. */
static void
callbacks_await_answers(void)
{
	long long left = last_end + ANSWER_MS - sock_now();
	struct timespec pause = {.tv_nsec = left * 1000000};

	if (left > 0)
		nanosleep(&pause, NULL);
}

unsigned int
callbacks_drain(long milliseconds)
{
	struct timespec until = callbacks_from_now(milliseconds);
	unsigned int left;
	int error = 0;

	pthread_mutex_lock(&lock);
	stopping = 1;
	while (under_way > 0 && error == 0)
		error = pthread_cond_timedwait(&ended, &lock, &until);
	left = under_way;
	callbacks_await_answers();
	pthread_mutex_unlock(&lock);
	return left;
}

static void
callbacks_drop(SMFICTX *ctx)
{
	struct message *m = smfi_getpriv(ctx);

	if (m == NULL)
		return;
	smfi_setpriv(ctx, NULL);
	message_free(&m);
	callbacks_end();
}

/* --- answers --- */

static const char *
callbacks_queue_id(SMFICTX *ctx)
{
	const char *id = smfi_getsymval(ctx, macro_queue_id);

	return id == NULL || *id == '\0' ? "NOQUEUE" : id;
}

static void
callbacks_log_action(SMFICTX *ctx, const struct message *m, const char *mailbox,
    const char *action, const char *text)
{
	char client[CLIENT_TEXT_SIZE], user[REPLY_SENDER_SIZE];
	char application[IDENTITY_TEXT_SIZE] = "";

	client_text(&m->client, client);
	reply_sender(m->client.user == NULL ? "" : m->client.user, user);
	if (m->answer.application.tenant[0] != '\0')
		identity_text(&m->answer.application, application);
	log_info("%s: client=%s, from=<%s>, user=%s, application=%s, entry=%s, "
		 "mailbox=<%s>, message-id=<%s>, nrcpt=%u, action=%s%s",
	    callbacks_queue_id(ctx), client, m->sender, user, application,
	    m->answer.entry, mailbox, m->message_id_text, m->recipients, action,
	    text);
}

/*
 * Says no to what the client asks for now. What is ours to mend is for the log.
 */
static sfsistat
callbacks_say_no(SMFICTX *ctx, const struct message *m, const char *mailbox,
    const struct error *err)
{
	char text[REPLY_TEXT_SIZE], dsn[sizeof(err->dsn)], code[4];
	char why[sizeof(err->dsn) + sizeof(err->text) + sizeof(" ( )")];
	int temporary;

	memcpy(dsn, err->dsn, sizeof(dsn));
	memcpy(code, reply_code(err), sizeof(code));
	temporary = code[0] == '4';
	snprintf(why, sizeof(why), " (%s %s)", err->dsn, err->text);
	callbacks_log_action(
	    ctx, m, mailbox, temporary ? "tempfail" : "reject", why);
	reply_text(
	    err->class == ERROR_OURS ? QUESTION_UNANSWERED : err->text, text);
	smfi_setreply(ctx, code, dsn, text);
	return temporary ? SMFIS_TEMPFAIL : SMFIS_REJECT;
}

/* Ends the message, or what was to become one. */
static sfsistat
callbacks_refuse(SMFICTX *ctx, const struct message *m, const char *mailbox,
    const struct error *err)
{
	sfsistat status = callbacks_say_no(ctx, m, mailbox, err);

	callbacks_drop(ctx);
	return status;
}

/* The same where there is no message. */
static sfsistat
callbacks_refuse_early(
    SMFICTX *ctx, const char *sender, const struct error *err)
{
	struct message none = {.settings = NULL};

	reply_sender(sender, none.sender);
	return callbacks_refuse(ctx, &none, "", err);
}

/* --- events --- */

static sfsistat
callbacks_on_negotiate(SMFICTX *ctx, unsigned long can_do,
    unsigned long can_skip, unsigned long unused1, unsigned long unused2,
    unsigned long *actions, unsigned long *skips, unsigned long *more1,
    unsigned long *more2)
{
	(void)unused1;
	(void)unused2;
	*actions = ACTIONS | (MAYBE_ACTIONS & can_do);
	if ((can_do & SMFIF_SETSYMLIST) != 0 &&
	    smfi_setsymlist(ctx, SMFIM_ENVFROM, mail_macros) == MI_SUCCESS &&
	    smfi_setsymlist(ctx, SMFIM_EOM, end_macros) == MI_SUCCESS)
		*actions |= SMFIF_SETSYMLIST;
	*skips = UNWANTED & can_skip;
	*more1 = *more2 = 0;
	return SMFIS_CONTINUE;
}

/* A client_macro. */
static const char *
callbacks_get_macro(void *arg, const char *name)
{
	return smfi_getsymval(arg, (char *)name);
}

static int
callbacks_read_client(SMFICTX *ctx, struct message *m, struct error *err)
{
	if (smfi_getsymval(ctx, macro_user) == NULL &&
	    smfi_getsymval(ctx, macro_sender) == NULL)
		return error_set(err, ERROR_TEMPORARY, "4.3.0",
		    "Postfix did not tell who signed in (out of memory, or "
		    "milter_mail_macros lacks {auth_authen} and {mail_addr})");
	return client_read(&m->client, callbacks_get_macro, ctx, err);
}

/* 0 when the client may send. */
static int
callbacks_admit(SMFICTX *ctx, struct message *m, char **argv, struct error *err)
{
	if (callbacks_read_client(ctx, m, err) == -1 ||
	    envelope_sender(m->argument, err) == -1 ||
	    size_check(argv, m->settings->conf.max_message_size, err) == -1)
		return -1;
	return question_mail(m, err);
}

static sfsistat
callbacks_on_mail_from(SMFICTX *ctx, char **argv)
{
	const char *sender = argv[0] == NULL ? "" : argv[0];
	struct error err = {.class = ERROR_NONE};
	struct message *m;

	callbacks_drop(ctx);
	if (callbacks_begin() == -1) {
		error_set(&err, ERROR_TEMPORARY, "4.3.2",
		    "the service is being restarted, try again in a moment");
		return callbacks_refuse_early(ctx, sender, &err);
	}
	if ((m = message_new(settings_get(), sender)) == NULL) {
		callbacks_end();
		error_no_memory(&err);
		return callbacks_refuse_early(ctx, sender, &err);
	}
	smfi_setpriv(ctx, m); /* fails for a NULL ctx alone */
	if (callbacks_admit(ctx, m, argv, &err) == -1)
		return callbacks_refuse(ctx, m, "", &err);
	return SMFIS_CONTINUE;
}

/* One recipient more or less is not the end of the message. */
static sfsistat
callbacks_on_recipient(SMFICTX *ctx, char **argv)
{
	struct error err = {.class = ERROR_NONE};
	struct message *m = smfi_getpriv(ctx);

	if (m == NULL || argv[0] == NULL)
		return SMFIS_CONTINUE;
	if (envelope_recipient(argv[0], &err) == -1 ||
	    question_recipient(m, argv[0], &err) == -1)
		return callbacks_say_no(ctx, m, "", &err);
	m->recipients++;
	return SMFIS_CONTINUE;
}

static sfsistat
callbacks_on_header(SMFICTX *ctx, char *name, char *value)
{
	struct message *m = smfi_getpriv(ctx);

	if (m != NULL)
		message_header(m, name, value);
	return SMFIS_NOREPLY;
}

static int
callbacks_change_header(
    void *arg, const char *name, unsigned int index, const char *value)
{
	SMFICTX *ctx = arg;
	int result;

	/* libmilter's prototypes lack const; it changes nothing */
	if (value == NULL)
		result = smfi_chgheader(ctx, (char *)name, (int)index, NULL);
	else
		result = smfi_addheader(ctx, (char *)name, (char *)value);
	return result == MI_SUCCESS ? 0 : -1;
}

/* A bounce goes to the mailbox that sends. */
static int
callbacks_change_sender(SMFICTX *ctx, const struct message *m)
{
	char sender[MAILBOX_SIZE + 2];

	if (m->answer.from[0] == '\0')
		return 0;
	snprintf(sender, sizeof(sender), "<%s>", m->answer.from);
	return smfi_chgfrom(ctx, sender, NULL) == MI_SUCCESS ? 0 : -1;
}

static sfsistat
callbacks_accept_message(
    SMFICTX *ctx, const struct message *m, const char *mailbox)
{
	char added[MESSAGE_ADDED_SIZE];

	message_added(m, added);
	callbacks_log_action(ctx, m, mailbox, "accept", added);
	callbacks_drop(ctx);
	/* not SMFIS_ACCEPT, which would pass over the filters behind this */
	return SMFIS_CONTINUE;
}

static sfsistat
callbacks_on_end_of_message(SMFICTX *ctx)
{
	struct error err = {.class = ERROR_NONE};
	struct message *m = smfi_getpriv(ctx);
	char mailbox[MAILBOX_SIZE] = "";

	if (m == NULL) {
		error_set(&err, ERROR_TEMPORARY, "4.3.0",
		    "the milter lost track of this message");
		return callbacks_refuse_early(ctx, "", &err);
	}
	if (message_finish(m, mailbox, &err) == -1 ||
	    question_end(m, mailbox, &err) == -1)
		return callbacks_refuse(ctx, m, mailbox, &err);
	if (message_edit(
		m, mailbox, time(NULL), callbacks_change_header, ctx) == -1 ||
	    callbacks_change_sender(ctx, m) == -1) {
		error_set(&err, ERROR_TEMPORARY, "4.3.0",
		    "header or envelope of the message could not be changed");
		return callbacks_refuse(ctx, m, mailbox, &err);
	}
	return callbacks_accept_message(ctx, m, mailbox);
}

/* An abort is no event for the log: Postfix has its own line for it. */
static sfsistat
callbacks_on_abort(SMFICTX *ctx)
{
	callbacks_drop(ctx);
	return SMFIS_CONTINUE;
}

static sfsistat
callbacks_on_close(SMFICTX *ctx)
{
	callbacks_drop(ctx);
	return SMFIS_CONTINUE;
}

struct smfiDesc callbacks_filter = {
    .xxfi_name = filter_name,
    .xxfi_version = SMFI_VERSION,
    .xxfi_flags = ACTIONS,
    .xxfi_envfrom = callbacks_on_mail_from,
    .xxfi_envrcpt = callbacks_on_recipient,
    .xxfi_header = callbacks_on_header,
    .xxfi_eom = callbacks_on_end_of_message,
    .xxfi_abort = callbacks_on_abort,
    .xxfi_close = callbacks_on_close,
    .xxfi_negotiate = callbacks_on_negotiate,
};
