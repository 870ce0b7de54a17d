/*
 * The settings that msgraphd has loaded, as the agent finds them
 * (lib/conf/conf_copy.c): which of file and copy counts, and what is written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/conf/conf_private.h"

static char folder[] = "/tmp/lib_conf_copyXXXXXX";
static char file[64], other[64], copy[64];

static int
make_folder(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(file, sizeof(file), "%s/msgraph.conf", folder);
	snprintf(other, sizeof(other), "%s/other", folder);
	snprintf(copy, sizeof(copy), "%s/submit.conf", folder);
	return 0;
}

static void
remove_files(void)
{
	unlink(file);
	unlink(other);
	unlink(copy);
	rmdir(copy);
}

static int
remove_folder(void **state)
{
	(void)state;
	remove_files();
	return rmdir(folder);
}

static void
write_to(const char *path, const char *text, mode_t mode)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(chmod(path, mode), 0);
}

/* --- which one counts --- */

enum kind { NONE, GOOD, OF_OTHERS, GROUP_WRITES, ANY_WRITES, LINK, FOLDER };

/* The file has "cloud = usgov" where it has a cloud, the copy "china". */
static const struct {
	const char *text; /* behind the socket; NULL: no file */
	enum kind kind;
	const char *copy;
	int cloud; /* -1: an error */
} rows[] = {
    {"cloud = usgov\n", NONE, "", CLOUD_USGOV},
    {"cloud = usgov\n", GOOD, "cloud = china\n", CLOUD_CHINA},
    {"", GOOD, "cloud = china\n", CLOUD_CHINA},
    /* whatever is wrong with the file */
    {"cloud = mars\n", GOOD, "cloud = china\n", CLOUD_CHINA},
    {"frobnicate = 1\n", GOOD, "cloud = china\n", CLOUD_CHINA},
    {"cloud = usgov\ncloud = usgov\n", GOOD, "cloud = china\n", CLOUD_CHINA},
    {"connect_timeout = 2d\n", GOOD, "cloud = china\n", CLOUD_CHINA},
    {"words\n", GOOD, "cloud = china\n", CLOUD_CHINA},
    {"submit_socket = /elsewhere\n", GOOD, "cloud = china\n", CLOUD_CHINA},
    {"cloud = mars\n", NONE, "", -1},
    {NULL, NONE, "", -1},
    /* not the default file, so nobody knows where the copy is */
    {NULL, GOOD, "cloud = china\n", -1},
    /* a copy that does not count */
    {"cloud = usgov\n", OF_OTHERS, "cloud = china\n", CLOUD_USGOV},
    {"cloud = usgov\n", GROUP_WRITES, "cloud = china\n", CLOUD_USGOV},
    {"cloud = usgov\n", ANY_WRITES, "cloud = china\n", CLOUD_USGOV},
    {"cloud = usgov\n", LINK, "cloud = china\n", CLOUD_USGOV},
    {"cloud = usgov\n", FOLDER, "", CLOUD_USGOV},
    {"cloud = mars\n", OF_OTHERS, "cloud = china\n", -1},
    /* of another version, say */
    {"cloud = usgov\n", GOOD, "cloud = mars\n", CLOUD_USGOV},
    {"cloud = usgov\n", GOOD, "new = 1\ncloud = china\n", CLOUD_USGOV},
};

static void
make_copy(enum kind kind, const char *text)
{
	static const mode_t modes[] = {
	    [GOOD] = 0644,
	    [OF_OTHERS] = 0644,
	    [GROUP_WRITES] = 0664,
	    [ANY_WRITES] = 0646,
	};

	if (kind == FOLDER) {
		assert_int_equal(mkdir(copy, 0755), 0);
	} else if (kind == LINK) {
		write_to(other, text, 0644);
		assert_int_equal(symlink(other, copy), 0);
	} else if (kind != NONE) {
		write_to(copy, text, modes[kind]);
		if (kind == OF_OTHERS)
			assert_int_equal(chown(copy, 4242, 0), 0);
	}
}

static void
test_which_counts(void **state)
{
	char text[256];
	struct conf conf;
	struct error err;
	size_t i;
	int result;

	(void)state;
	if (geteuid() != 0)
		skip(); /* whose copy it is counts */
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		remove_files();
		snprintf(text, sizeof(text), "submit_socket = %s/submit\n%s",
		    folder, rows[i].text == NULL ? "" : rows[i].text);
		if (rows[i].text != NULL)
			write_to(file, text, 0644);
		make_copy(rows[i].kind, rows[i].copy);
		result = conf_load_in_use(&conf, file, &err);
		if (result != (rows[i].cloud == -1 ? -1 : 0))
			fail_msg(
			    "case %zu: %s", i, result == 0 ? "" : err.text);
		if (result == 0 && conf.cloud != rows[i].cloud)
			fail_msg("case %zu: cloud is %d", i, conf.cloud);
		if (result == -1)
			assert_non_null(strstr(err.text, file));
		conf_free(&conf);
	}
}

/* Of the default file it is known where the copy is. */
static void
test_default_file_is_gone(void **state)
{
	struct conf conf;

	(void)state;
	if (access(CONF_DEFAULT_FILE, F_OK) == 0)
		skip();
	assert_int_equal(conf_load_tolerant(&conf, CONF_DEFAULT_FILE, NULL), 0);
	assert_string_equal(conf.submit_socket, "/run/msgraph/submit");
	conf_free(&conf);
	assert_int_equal(conf_load_tolerant(&conf, "/nonexistent/x", NULL), -1);
}

/* --- what is written --- */

static void
test_written(void **state)
{
	struct conf conf, again;
	struct error err;
	char text[256];
	struct stat st;
	mode_t mask = umask(077);

	(void)state;
	remove_files();
	snprintf(text, sizeof(text),
	    "submit_socket = %s/submit\nnews = 1\ncloud = china\n"
	    "max_recipients = 7\n",
	    folder);
	write_to(file, text, 0644);
	assert_int_equal(conf_load_running(&conf, file, &err), 0);
	write_to(copy, "cloud = usgov\n", 0600);
	assert_int_equal(conf_copy_write(&conf, file, &err), 0);
	umask(mask);
	assert_int_equal(stat(copy, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	/* what was passed over is not in it */
	assert_int_equal(conf_load(&again, copy, &err), 0);
	assert_int_equal(again.cloud, CLOUD_CHINA);
	assert_int_equal(again.max_recipients, 7);
	assert_string_equal(again.submit_socket, conf.submit_socket);
	conf_free(&again);
	conf_free(&conf);
}

/* An old copy would say what msgraphd does not do any more. */
static void
test_not_written(void **state)
{
	struct conf conf;
	struct error err;
	char text[256], fresh[80];

	(void)state;
	remove_files();
	snprintf(text, sizeof(text), "submit_socket = %s/submit\n", folder);
	write_to(file, text, 0644);
	write_to(copy, "cloud = usgov\n", 0644);
	snprintf(fresh, sizeof(fresh), "%s.new", copy);
	assert_int_equal(mkdir(fresh, 0755), 0);
	assert_int_equal(conf_load(&conf, file, &err), 0);
	assert_int_equal(conf_copy_write(&conf, file, &err), -1);
	assert_non_null(strstr(err.text, copy));
	assert_int_equal(access(copy, F_OK), -1);
	assert_int_equal(rmdir(fresh), 0);
	conf_free(&conf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_which_counts),
	    cmocka_unit_test(test_default_file_is_gone),
	    cmocka_unit_test(test_written),
	    cmocka_unit_test(test_not_written),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
