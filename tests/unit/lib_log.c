/*
 * Log lines (lib/base/log.c), as they come out on stderr: what is said, what is
 * kept quiet, and that nobody outside can forge or flood a line.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/log.h"

/* Stderr goes into this file while something is captured. */
static int capture_fd = -1, real_stderr = -1;
static char captured[16384];

static void
begin_capture(void)
{
	fflush(stderr);
	assert_int_equal(ftruncate(capture_fd, 0), 0);
	assert_int_equal(lseek(capture_fd, 0, SEEK_SET), 0);
	assert_int_not_equal(dup2(capture_fd, STDERR_FILENO), -1);
}

static const char *
end_capture(void)
{
	ssize_t n;

	assert_int_not_equal(dup2(real_stderr, STDERR_FILENO), -1);
	n = pread(capture_fd, captured, sizeof(captured) - 1, 0);
	assert_true(n >= 0);
	captured[n] = '\0';
	return captured;
}

static int
set_up(void **state)
{
	char path[] = "/tmp/lib_logXXXXXX";

	(void)state;
	real_stderr = dup(STDERR_FILENO);
	capture_fd = mkostemp(path, O_APPEND);
	unlink(path);
	return real_stderr == -1 || capture_fd == -1 ? -1 : 0;
}

/* Where the text starts: behind "Mon DD HH:MM:SS ident[pid]: ". */
static const char *
text_of(const char *line)
{
	char ident[64];
	const char *at;

	snprintf(ident, sizeof(ident), " test[%ld]: ", (long)getpid());
	at = strstr(line, ident);
	if (at == NULL)
		fail_msg("no ident in \"%s\"", line);
	assert_int_equal(at - line, strlen("Jan  1 00:00:00"));
	return at + strlen(ident);
}

static const struct {
	const char *said, *written;
} lines[] = {
    {"4ZbQ2k1xYz: mailbox=<a@example.com>, status=sent",
	"4ZbQ2k1xYz: mailbox=<a@example.com>, status=sent\n"},
    {"", "\n"},
    {"%s %n 100%", "%s %n 100%\n"},
    /* one event, one line */
    {"a\nb: status=sent", "a?b: status=sent\n"},
    {"a\r\nb", "a??b\n"},
    {"\001\033[2J\t\177", "??[2J??\n"},
    /* UTF-8 stays, RFC 3629 */
    {"M\303\274ller", "M\303\274ller\n"},
    {"\342\202\254 \360\237\226\250", "\342\202\254 \360\237\226\250\n"},
    {"\337\277 \340\240\200 \355\237\277 \356\200\200",
	"\337\277 \340\240\200 \355\237\277 \356\200\200\n"},
    {"\360\220\200\200 \364\217\277\277",
	"\360\220\200\200 \364\217\277\277\n"},
    /* and what is none goes, each byte for itself */
    {"M\374ller", "M?ller\n"},
    {"\200\277", "??\n"},
    {"\303", "?\n"},
    {"\303(", "?(\n"},
    {"\342\202", "??\n"},
    {"\342\202x", "??x\n"},
    {"\360\237\226", "???\n"},
    {"\300\200 \301\277", "?? ??\n"},
    {"\340\237\277 \360\217\277\277", "??? ????\n"},
    {"\355\240\200", "???\n"},
    {"\364\220\200\200 \365\200\200\200", "???? ????\n"},
    {"\376\377", "??\n"},
    /* C1 controls: CSI and NEL */
    {"\302\2332J \302\205 \302\240", "??2J ?? \302\240\n"},
};

static void
test_lines(void **state)
{
	const char *text;
	size_t i;

	(void)state;
	log_open("test", LOG_TO_STDERR, LOG_LEVEL_INFO);
	for (i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		begin_capture();
		log_info("%s", lines[i].said);
		text = text_of(end_capture());
		if (strcmp(text, lines[i].written) != 0)
			fail_msg("line %zu: \"%s\"", i, text);
	}
}

static void
say_all(void)
{
	log_debug("d %d", 1);
	log_info("i %s", "x");
	log_warning("w");
	log_error("e");
}

static const struct {
	enum log_level least;
	const char *texts[4]; /* in order */
} levels[] = {
    {LOG_LEVEL_DEBUG, {"d 1\n", "i x\n", "warning: w\n", "error: e\n"}},
    {LOG_LEVEL_INFO, {"i x\n", "warning: w\n", "error: e\n", NULL}},
    {LOG_LEVEL_WARNING, {"warning: w\n", "error: e\n", NULL, NULL}},
    {LOG_LEVEL_ERROR, {"error: e\n", NULL, NULL, NULL}},
};

static void
test_levels(void **state)
{
	const char *at;
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(levels) / sizeof(*levels); i++) {
		log_open("test", LOG_TO_STDERR, levels[i].least);
		begin_capture();
		say_all();
		at = end_capture();
		for (j = 0; j < 4 && levels[i].texts[j] != NULL; j++) {
			at = text_of(at);
			assert_memory_equal(
			    at, levels[i].texts[j], strlen(levels[i].texts[j]));
			at += strlen(levels[i].texts[j]);
		}
		assert_string_equal(at, "");
	}
}

static const struct {
	size_t len; /* of what is said */
	const char *last; /* how the line ends */
	size_t written; /* without its newline */
} cuts[] = {
    {LOG_LINE_MAX - 1, "xxx\n", LOG_LINE_MAX - 1},
    {LOG_LINE_MAX, "xxx\n", LOG_LINE_MAX},
    {LOG_LINE_MAX + 1, "xxx\n", LOG_LINE_MAX},
    {8000, "xxx\n", LOG_LINE_MAX},
};

static void
test_long(void **state)
{
	static char said[8001];
	const char *text;
	size_t i, len;

	(void)state;
	log_open("test", LOG_TO_STDERR, LOG_LEVEL_INFO);
	for (i = 0; i < sizeof(cuts) / sizeof(*cuts); i++) {
		memset(said, 'x', sizeof(said));
		said[cuts[i].len] = '\0';
		begin_capture();
		log_info("%s", said);
		text = text_of(end_capture());
		len = strlen(text);
		assert_int_equal(len, cuts[i].written + 1);
		assert_string_equal(text + len - 4, cuts[i].last);
	}
	/* no half character where it was cut */
	memset(said, 'x', sizeof(said) - 1);
	memcpy(said + LOG_LINE_MAX - 1, "\303\274", 2);
	begin_capture();
	log_info("%s", said);
	text = text_of(end_capture());
	assert_string_equal(text + strlen(text) - 4, "xx?\n");
}

/* A call inside an error path leaves errno for who comes next. */
static void
test_errno(void **state)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	log_open("test", LOG_TO_STDERR, LOG_LEVEL_INFO);
	begin_capture();
	assert_int_not_equal(dup2(full, STDERR_FILENO), -1);
	errno = EDOM;
	log_error("cannot be written");
	log_debug("not said");
	assert_int_equal(errno, EDOM);
	assert_string_equal(end_capture(), "");
	close(full);
}

/* With the system log chosen, stderr is silent. */
static void
test_syslog(void **state)
{
	(void)state;
	log_open("test", LOG_TO_SYSLOG, LOG_LEVEL_DEBUG);
	begin_capture();
	log_debug("unit test of postfix-msgraph");
	assert_string_equal(end_capture(), "");
	log_open("test", LOG_TO_STDERR, LOG_LEVEL_INFO);
}

/*
 * Why a program cannot start is shown on stderr too, once, and not where
 * systemd's journal would have it twice.
 */
static void
test_fatal_is_seen_once(void **state)
{
	char stream[64];
	struct stat st;

	(void)state;
	unsetenv("JOURNAL_STREAM");
	begin_capture();
	log_open("test", LOG_TO_SYSLOG, LOG_LEVEL_ERROR);
	log_fatal("reason");
	assert_string_equal(end_capture(), "test: reason\n");
	begin_capture();
	log_open("test", LOG_TO_STDERR, LOG_LEVEL_ERROR);
	log_fatal("reason");
	assert_string_equal(text_of(end_capture()), "error: reason\n");
	assert_int_equal(fstat(capture_fd, &st), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu",
	    (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	begin_capture();
	log_open("test", LOG_TO_SYSLOG, LOG_LEVEL_ERROR);
	log_fatal("reason");
	assert_string_equal(end_capture(), "");
}

/* --- somebody who looks on --- */

static char watched[256];

static void
watch(void *ctx, enum log_level level, const char *line)
{
	snprintf(watched + strlen(watched), sizeof(watched) - strlen(watched),
	    "%s %d %s;", (const char *)ctx, (int)level, line);
}

/* Warnings and errors, cleaned, without prefix, whatever is written. */
static void
test_watched(void **state)
{
	static char ctx[] = "ctx";

	(void)state;
	begin_capture();
	log_open("prog", LOG_TO_STDERR, LOG_LEVEL_ERROR);
	log_watch(watch, ctx);
	log_info("info");
	log_warning("a\nb");
	log_error("c");
	log_watch(NULL, NULL);
	log_error("d");
	log_open("msgraph", LOG_TO_STDERR, LOG_LEVEL_INFO);
	assert_null(strstr(end_capture(), "a?b"));
	assert_string_equal(watched, "ctx 2 a?b;ctx 3 c;");
}

/* --- threads --- */

static void *
log_until_told(void *told)
{
	while (!*(atomic_int *)told)
		log_warning("a line of a thread, %d", 1);
	return NULL;
}

/* A reload while others log: each line is whole, of one setting or the other.
 * ThreadSanitizer ("make threads") sees what this cannot. */
static void
test_reopened_while_threads_log(void **state)
{
	const char *p, *end;
	pthread_t threads[3];
	atomic_int told = 0;
	int i;

	(void)state;
	begin_capture();
	for (i = 0; i < 3; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, log_until_told, &told),
		    0);
	for (i = 0; i < 300; i++) {
		log_open(i % 2 ? "one" : "two", LOG_TO_STDERR,
		    i % 3 ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR);
		sched_yield();
	}
	told = 1;
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	for (p = end_capture(); (end = strchr(p, '\n')) != NULL; p = end + 1)
		assert_int_equal(strncmp(end - strlen("a line of a thread, 1"),
				     "a line of a thread, 1",
				     strlen("a line of a thread, 1")),
		    0);
	log_open("msgraph", LOG_TO_STDERR, LOG_LEVEL_INFO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lines),
	    cmocka_unit_test(test_levels),
	    cmocka_unit_test(test_long),
	    cmocka_unit_test(test_errno),
	    cmocka_unit_test(test_syslog),
	    cmocka_unit_test(test_fatal_is_seen_once),
	    cmocka_unit_test(test_watched),
	    cmocka_unit_test(test_reopened_while_threads_log),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
