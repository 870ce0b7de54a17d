/*
 * Files that hold a secret (agent/daemon/base/secret_file.c): a row is what a
 * file holds and what becomes of it. No error shows a part of it.
 */
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/daemon/base/secret_file.h"

#define BYTES(s) s, sizeof(s) - 1

static char folder[] = "/tmp/secret_fileXXXXXX";
static char file[64];

static int
make_folder(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(file, sizeof(file), "%s/file", folder);
	return 0;
}

static int
remove_folder(void **state)
{
	(void)state;
	unlink(file);
	return rmdir(folder);
}

static void
write_file(const char *bytes, size_t len, mode_t mode)
{
	FILE *out;

	unlink(file);
	out = fopen(file, "wx");
	assert_non_null(out);
	assert_int_equal(fwrite(bytes, 1, len, out), len);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(chmod(file, mode), 0);
}

static void
assert_refused(const char *said)
{
	struct error err;

	assert_null(secret_file_line("the secret", file, &err));
	assert_int_equal(err.class, ERROR_OURS);
	assert_non_null(strstr(err.text, "the secret"));
	assert_non_null(strstr(err.text, file));
	if (strstr(err.text, said) == NULL || strstr(err.text, "pa55") != NULL)
		fail_msg("%s", err.text);
}

static void
test_lines(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *line; /* NULL: refused */
	} rows[] = {
	    {BYTES("u:pa55"), "u:pa55"},
	    {BYTES("u:pa55\n"), "u:pa55"},
	    {BYTES("u:pa55\r\n"), "u:pa55"},
	    {BYTES(" u:p#?@%/\\ \303\274 \n"), " u:p#?@%/\\ \303\274 "},
	    {BYTES(""), NULL},
	    {BYTES("\n"), NULL},
	    {BYTES("\r\n"), NULL},
	    {BYTES("\nu:pa55\n"), NULL},
	    {BYTES("u:pa55\n\n"), NULL},
	    {BYTES("u:pa55\nu:pa55\n"), NULL},
	    {BYTES("u:pa55\0\n"), NULL},
	    {BYTES("u:pa55\tx\n"), NULL},
	    {BYTES("u:pa55\177\n"), NULL},
	};
	struct secret *secret;
	struct error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		write_file(rows[i].bytes, rows[i].len, 0400);
		if (rows[i].line == NULL) {
			assert_refused("one line of 1 to 1024 bytes");
			continue;
		}
		secret = secret_file_line("the secret", file, &err);
		assert_non_null(secret);
		assert_string_equal(secret->bytes, rows[i].line);
		assert_int_equal(secret->len, strlen(rows[i].line));
		secret_free(&secret);
	}
}

static void
test_longest(void **state)
{
	char bytes[SECRET_MAX + 10];
	struct secret *secret;
	struct error err;

	(void)state;
	memset(bytes, 'x', sizeof(bytes));
	bytes[SECRET_MAX] = '\r';
	bytes[SECRET_MAX + 1] = '\n';
	write_file(bytes, SECRET_MAX + 2, 0600);
	secret = secret_file_line("the secret", file, &err);
	assert_non_null(secret);
	assert_int_equal(secret->len, SECRET_MAX);
	secret_free(&secret);
	write_file(bytes, SECRET_MAX + 3, 0600);
	assert_refused("one line");
	memset(bytes, 'x', sizeof(bytes));
	write_file(bytes, SECRET_MAX + 1, 0600);
	assert_refused("one line");
	write_file(bytes, sizeof(bytes), 0600);
	assert_refused("one line");
}

static void
test_who_may_read(void **state)
{
	static const mode_t modes[] = {0440, 0404, 0600 | 0040, 0777, 0410};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		write_file(BYTES("u:pa55\n"), modes[i]);
		assert_refused("run: chmod 0400");
	}
	if (geteuid() != 0)
		return;
	write_file(BYTES("u:pa55\n"), 0400);
	assert_int_equal(chown(file, 12345, (gid_t)-1), 0);
	assert_refused("belongs to uid 12345; run: chown root");
}

#define DAEMON 12345

/* Gives the file a list of access: one more user or group beside the usual. */
static int
write_acl(uint16_t tag, uint32_t id, uint16_t group, uint16_t other)
{
	struct {
		struct posix_acl_xattr_header header;
		struct posix_acl_xattr_entry entries[5];
	} acl = {{POSIX_ACL_XATTR_VERSION},
	    {{ACL_USER_OBJ, 4, ACL_UNDEFINED_ID}, {tag, 4, id},
		{ACL_GROUP_OBJ, group, ACL_UNDEFINED_ID},
		{ACL_MASK, 4, ACL_UNDEFINED_ID},
		{ACL_OTHER, other, ACL_UNDEFINED_ID}}};
	struct posix_acl_xattr_entry own_group = acl.entries[2];

	if (tag == ACL_GROUP) {
		acl.entries[2] = acl.entries[1];
		acl.entries[1] = own_group;
	}
	return setxattr(file, "system.posix_acl_access", &acl, sizeof(acl), 0);
}

/* The group's bits are a mask then: systemd's credentials have mode 0440. */
static void
test_lists_of_access(void **state)
{
	static const struct {
		uint16_t tag;
		uint32_t id;
		uint16_t group, other;
		int is_taken;
	} rows[] = {
	    {ACL_USER, DAEMON, 0, 0, 1},
	    {ACL_USER, DAEMON, 4, 0, 0},
	    {ACL_USER, DAEMON, 0, 4, 0},
	    {ACL_USER, 54321, 0, 0, 0},
	    {ACL_GROUP, DAEMON, 0, 0, 0},
	};
	struct secret *secret;
	struct error err;
	size_t i;

	(void)state;
	if (geteuid() != 0)
		skip(); /* it is another user's file */
	assert_int_equal(chmod(folder, 0755), 0);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		write_file(BYTES("u:pa55\n"), 0400);
		if (write_acl(rows[i].tag, rows[i].id, rows[i].group,
			rows[i].other) == -1)
			skip(); /* the file system has no such lists */
		assert_int_equal(seteuid(DAEMON), 0);
		secret = secret_file_line("the secret", file, &err);
		assert_int_equal(seteuid(0), 0);
		assert_int_equal(secret != NULL, rows[i].is_taken);
		secret_free(&secret);
	}
}

static void
test_what_it_is(void **state)
{
	char other[80];

	(void)state;
	snprintf(other, sizeof(other), "%s.other", file);
	write_file(BYTES("u:pa55\n"), 0400);
	assert_int_equal(rename(file, other), 0);
	assert_int_equal(symlink(other, file), 0);
	assert_refused("symbolic link");
	unlink(other);
	unlink(file);
	assert_refused("No such file");
	assert_int_equal(mkfifo(file, 0400), 0);
	assert_refused("not a regular file");
	unlink(file);
	assert_int_equal(mkdir(file, 0700), 0);
	assert_refused("not a regular file");
	assert_int_equal(rmdir(file), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lines),
	    cmocka_unit_test(test_longest),
	    cmocka_unit_test(test_who_may_read),
	    cmocka_unit_test(test_lists_of_access),
	    cmocka_unit_test(test_what_it_is),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
