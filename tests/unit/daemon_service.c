/*
 * A local socket's connections (agent/daemon/services/service.c): a row is what
 * a peer does, and what it gets. A request is a line; "later" is answered by
 * the test, "bad" is none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon_fake.h"
#include "service_peer.h"

#define PIECE (16 * 1024)

static struct conn *waiting;
static int gone, pieces, fetched;

static enum wire_result
request(struct conn *conn)
{
	if (memchr(conn->in.bytes, '\n', conn->in.len) == NULL)
		return WIRE_INCOMPLETE;
	if (strncmp(conn->in.bytes, "bad", 3) == 0)
		return WIRE_BAD;
	if (sscanf(conn->in.bytes, "pieces %d", &pieces) == 1) {
		conn->work = &pieces;
		fetched = 0;
		conn_stream(conn);
	} else if (strncmp(conn->in.bytes, "later", 5) == 0) {
		conn->work = &waiting;
		waiting = conn;
	} else {
		conn_answer(conn, conn->in.bytes, conn->in.len);
	}
	return WIRE_DONE;
}

/* As many pieces as were asked for, each of one letter. */
static int
more(struct conn *conn, struct buf *out)
{
	char piece[PIECE];

	assert_int_equal(out->len, 0);
	memset(piece, 'a' + fetched % 26, sizeof(piece));
	assert_int_equal(buf_add(out, piece, sizeof(piece)), 0);
	if (++fetched < pieces)
		return 1;
	conn->work = NULL;
	return 0;
}

static void
on_gone(struct conn *conn)
{
	conn->work = NULL;
	waiting = NULL;
	gone++;
}

static struct service_kind kind = {
    .name = "test",
    .user = "root",
    .request_max = 64,
    .request = request,
    .gone = on_gone,
    .more = more,
};

static int
begin(void **state)
{
	(void)state;
	gone = 0;
	waiting = NULL;
	kind.many = 0;
	return service_begin(&kind);
}

static int
end(void **state)
{
	(void)state;
	return service_end();
}

static const struct {
	const char *pieces[3];
	const char *answer;
} rows[] = {
    {{"now\n"}, "now\n"},
    {{"n", "o", "w\n"}, "now\n"},
    {{"bad\n"}, ""},
    {{"no end of the line", NULL}, NULL},
    {{"longer than a request of this kind may be, by far and ",
	 "by so much that it is cut off before its end"},
	""},
};

static void
test_rows(void **state)
{
	const char *answer_given;
	size_t i, j;
	int fd;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		fd = connect_to();
		for (j = 0; j < 3 && rows[i].pieces[j] != NULL; j++)
			say(fd, rows[i].pieces[j]);
		answer_given = hear(fd);
		if (rows[i].answer == NULL)
			assert_null(answer_given);
		else
			assert_string_equal(answer_given, rows[i].answer);
		close(fd);
		run();
		assert_int_equal(service_connections(service), 0);
	}
}

static void
test_late_answer(void **state)
{
	int fd = connect_to();

	(void)state;
	say(fd, "later\n");
	assert_null(hear(fd));
	pass(100 * 1000); /* patience is for peers that stall */
	conn_answer(waiting, "yes", 3);
	assert_string_equal(hear(fd), "yes");
	assert_string_equal(hear(fd), "");
	assert_int_equal(gone, 0);
	close(fd);
}

static void
test_peer_goes(void **state)
{
	int fd = connect_to();

	(void)state;
	say(fd, "later\n");
	shutdown(fd, SHUT_WR); /* nothing more comes, and it waits */
	run();
	assert_int_equal(gone, 0);
	close(fd);
	run();
	assert_int_equal(gone, 1);
	assert_int_equal(service_connections(service), 0);
}

static void
test_stalled_peer_is_dropped(void **state)
{
	int fd = connect_to();

	(void)state;
	say(fd, "la");
	pass(20 * 1000);
	say(fd, "ter"); /* time is for all of it */
	pass(9 * 1000);
	assert_int_equal(service_connections(service), 1);
	pass(2 * 1000);
	assert_int_equal(service_connections(service), 0);
	assert_string_equal(hear(fd), "");
	close(fd);
}

static void
test_many_requests(void **state)
{
	int fd, i;

	(void)state;
	kind.many = 1;
	fd = connect_to();
	for (i = 0; i < 3; i++) {
		say(fd, "now\n");
		assert_string_equal(hear(fd), "now\n");
	}
	close(fd);
}

static void
test_end_hangs_up(void **state)
{
	int fd = connect_to(), other = connect_to();

	(void)state;
	say(fd, "later\n");
	service_close(service);
	assert_int_equal(service_connections(service), 2);
	service_free(&service);
	assert_int_equal(gone, 1);
	assert_string_equal(hear(fd), "");
	assert_string_equal(hear(other), "");
	close(fd);
	close(other);
}

/* A turn of the loop may be long: many peers do not wait for a turn each. */
static void
test_many_peers_at_once(void **state)
{
	int fds[40];
	size_t i;

	(void)state;
	for (i = 0; i < 40; i++)
		fds[i] = connect_only();
	event_base_loop(d.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	assert_int_equal(service_connections(service), 40);
	for (i = 0; i < 40; i++)
		close(fds[i]);
	run();
	assert_int_equal(service_connections(service), 0);
}

/* --- answers in pieces --- */

/* Reads so many pieces, the next of which is first. Returns 0 at the end. */
static int
hear_pieces(int fd, int first, int count)
{
	char piece[PIECE];
	size_t len = 0;
	ssize_t n;

	while (count > 0) {
		n = read(fd, piece + len, sizeof(piece) - len);
		if (n == 0)
			return 0;
		if (n > 0)
			len += (size_t)n;
		else
			run();
		if (len < sizeof(piece))
			continue;
		assert_int_equal(piece[0], 'a' + first % 26);
		assert_int_equal(piece[PIECE - 1], 'a' + first++ % 26);
		len = 0;
		count--;
	}
	return 1;
}

static void
test_answer_in_pieces(void **state)
{
	int fd = connect_to(), other;

	(void)state;
	say(fd, "pieces 200\n");
	/* what the peer does not read is not made, but for one piece */
	assert_in_range(fetched, 1, 40);
	other = connect_to();
	say(other, "now\n");
	assert_string_equal(hear(other), "now\n");
	assert_int_equal(hear_pieces(fd, 0, 200), 1);
	assert_int_equal(fetched, 200);
	assert_string_equal(hear(fd), "");
	assert_int_equal(gone, 0);
	close(fd);
	close(other);
}

/* One piece a turn of the event loop: all others are served between two. */
static void
test_one_piece_a_turn(void **state)
{
	int fd = connect_to(), i, before;

	(void)state;
	assert_int_equal(write(fd, "pieces 3\n", 9), 9);
	fetched = 0;
	for (i = 0; i < 20; i++) {
		before = fetched;
		event_base_loop(d.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		assert_in_range(fetched, before, before + 1);
	}
	assert_int_equal(fetched, 3);
	close(fd);
}

static void
test_slow_reader_is_dropped(void **state)
{
	int fd = connect_to(), heard;

	(void)state;
	say(fd, "pieces 1000\n");
	for (heard = 0; heard < 5; heard++) {
		pass(5 * 1000);
		assert_int_equal(hear_pieces(fd, heard, 1), 1);
	}
	assert_int_equal(service_connections(service), 1);
	/* time is for all of it, however often a little is read */
	pass(6 * 1000);
	hear_pieces(fd, heard, 20);
	assert_int_equal(service_connections(service), 0);
	assert_int_equal(gone, 1);
	close(fd);
}

static void
test_reader_of_nothing_is_dropped(void **state)
{
	int fd = connect_to();

	(void)state;
	say(fd, "pieces 1000\n");
	pass(29 * 1000);
	assert_int_equal(service_connections(service), 1);
	pass(2 * 1000);
	assert_int_equal(service_connections(service), 0);
	assert_int_equal(gone, 1);
	close(fd);
}

static void
test_reader_that_goes(void **state)
{
	int fd = connect_to();

	(void)state;
	say(fd, "pieces 1000\n");
	assert_int_equal(hear_pieces(fd, 0, 3), 1);
	close(fd);
	run();
	assert_int_equal(service_connections(service), 0);
	assert_int_equal(gone, 1);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	    TEST(test_rows),
	    TEST(test_late_answer),
	    TEST(test_peer_goes),
	    TEST(test_stalled_peer_is_dropped),
	    TEST(test_many_requests),
	    TEST(test_end_hangs_up),
	    TEST(test_many_peers_at_once),
	    TEST(test_answer_in_pieces),
	    TEST(test_one_piece_a_turn),
	    TEST(test_slow_reader_is_dropped),
	    TEST(test_reader_of_nothing_is_dropped),
	    TEST(test_reader_that_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
