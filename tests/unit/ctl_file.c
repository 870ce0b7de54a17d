/*
 * The admin's files (agent/ctl/base/file.c): links, and a signal to stop while
 * one is written. fsync() stands here in its own place, and sends the signal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/ctl/base/file.h"

static char folder[] = "/tmp/ctl_file.XXXXXX";
static int stop; /* the signal; 0: none */

int
fsync(int fd)
{
	(void)fd;
	if (stop != 0)
		kill(getpid(), stop);
	return 0;
}

/* Returns the path of a name in the folder. */
static const char *
at(const char *name)
{
	static char paths[4][128];
	static int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static int
replace(const char *name, const char *text)
{
	struct error err;

	return file_replace(at(name), text, 0640, &err);
}

static void
check_text(const char *name, const char *wanted)
{
	struct error err;
	struct buf text;

	buf_init(&text, 1024);
	assert_int_equal(file_read(at(name), &text, &err), 0);
	assert_string_equal(text.bytes, wanted);
	buf_free(&text);
}

/* Returns how many files and links there are, and removes them. */
static int
clear(void)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int count = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL)
		count += unlink(at(entry->d_name)) == 0;
	closedir(dir);
	return count;
}

static void
test_stop(void **state)
{
	static const int stops[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
	int status;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(stops) / sizeof(stops[0]); i++) {
		assert_int_equal(replace("file", "old"), 0);
		if (fork() == 0) {
			signal(stops[i], SIG_DFL);
			stop = stops[i];
			_exit(replace("file", "new"));
		}
		assert_true(wait(&status) > 0);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), stops[i]);
		check_text("file", "new");
		assert_int_equal(clear(), 1);
	}
}

static void
test_links(void **state)
{
	struct stat st;
	struct error err;

	(void)state;
	assert_int_equal(file_is_there(at("real"), &err), 0);
	assert_int_equal(file_is_there(at("real/file"), &err), 0);
	assert_int_equal(symlink("real", at("link")), 0);
	assert_int_equal(symlink("link", at("second")), 0);
	assert_int_equal(file_is_there(at("link"), &err), -1);
	assert_int_equal(replace("second", "new"), -1);
	assert_int_equal(file_replace(at("link"), "new", 0640, &err), -1);
	assert_non_null(strstr(err.text, "/link is a symbolic link to real, "));
	assert_non_null(strstr(err.text, "(rm /tmp/ctl_file."));
	assert_int_equal(lstat(at("real"), &st), -1);

	assert_int_equal(replace("real", "old"), 0);
	assert_int_equal(file_is_there(at("second"), &err), 1);
	assert_int_equal(replace("second", "new"), 0);
	check_text("real", "new");
	assert_int_equal(lstat(at("link"), &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(clear(), 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_stop),
	    cmocka_unit_test(test_links),
	};
	int failed;

	if (mkdtemp(folder) == NULL)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(folder);
	return failed;
}
