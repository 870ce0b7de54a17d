/*
 * admin_ask.c - see admin_ask.h.
 */
#include <errno.h>
#include <unistd.h>

#include "lib/conf/conf.h"
#include "lib/local/sock.h"
#include "admin_ask.h"
#include "peer.h"

#define ADMIN_ASK_PIECE 65536

/* Reads until msgraphd hangs up. 0, or -1 with *err. */
static int
admin_ask_read(int fd, struct buf *bytes, long long deadline, struct error *err)
{
	char *to;
	ssize_t n;

	do {
		if ((to = buf_reserve(bytes, ADMIN_ASK_PIECE)) == NULL)
			return error_no_memory(err);
		errno = 0;
		n = sock_read_all(fd, to, ADMIN_ASK_PIECE, deadline, err);
		if (n == -1)
			/* how a peer hangs up that has not read the question */
			return errno == ECONNRESET ? 0 : -1;
		bytes->len += (size_t)n;
		to[n] = '\0';
	} while (n > 0);
	return 0;
}

/* Sends a question, and reads what comes. 0, or -1 with *err. */
static int
admin_ask_talk(const char *path, const struct buf *question, struct buf *answer,
    struct error *err)
{
	long long deadline = sock_now() + ADMIN_ASK_SECONDS * 1000LL;
	int fd = peer_connect(path, deadline,
	    "msgraphd does not answer (is it running? are you root or in "
	    "group " ADMIN_GROUP "?)",
	    err);
	int result;

	if (fd == -1)
		return -1;
	/* one that hangs up at once says so when its answer is read */
	sock_write_all(fd, question->bytes, question->len, -1, deadline, err);
	result = admin_ask_read(fd, answer, deadline, err);
	close(fd);
	return result == -1 ? error_prefix(err, PEER_SILENT) : 0;
}

struct admin_reply *
admin_ask(const char *conf_file, const struct admin_question *question,
    struct error *err)
{
	struct admin_reply *reply = NULL;
	struct buf bytes, answer;
	struct conf conf;

	buf_init(&bytes, ADMIN_QUESTION_MAX);
	buf_init(&answer, ADMIN_ASK_MAX);
	if (conf_load_tolerant(&conf, conf_file, err) == -1)
		; /* *err says why */
	else if (admin_question_format(&bytes, question) == -1)
		error_set(err, ERROR_OURS, "4.3.5", "the question is too long");
	else if (admin_ask_talk(conf.admin_socket, &bytes, &answer, err) == 0)
		reply = admin_reply_parse(&answer, err);
	buf_free(&answer);
	buf_free(&bytes);
	conf_free(&conf);
	return reply;
}

struct admin_reply *
admin_ask_for(const char *conf_file, const char *request, struct error *err)
{
	const struct admin_question question = {.request = request};

	return admin_ask(conf_file, &question, err);
}
