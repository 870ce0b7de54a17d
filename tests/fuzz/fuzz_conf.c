/*
 * Fuzzes the reader of msgraph.conf. What is refused leaves nothing and says
 * where; what is taken, printed and read again is the same.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/conf/conf_private.h"
#include "tests/unit/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever is wrong with it, it says where msgraphd listens. */
static void
check_tolerant(const char *path)
{
	struct conf conf;

	REQUIRE(conf_load_tolerant(&conf, path, NULL) == 0);
	REQUIRE(conf.submit_socket != NULL && conf.submit_socket[0] == '/');
	conf_free(&conf);
}

/* Loads these bytes as a file would be. */
static int
load(struct conf *conf, const void *bytes, size_t len, struct error *err)
{
	char path[64];
	int fd = memfd_create("conf", MFD_CLOEXEC), result;

	REQUIRE(fd != -1);
	REQUIRE(write(fd, bytes, len) == (ssize_t)len);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	memset(err, 0, sizeof(*err));
	result = conf_load(conf, path, err);
	if (result == -1)
		REQUIRE(strncmp(err->text, path, strlen(path)) == 0);
	check_tolerant(path);
	close(fd);
	return result;
}

static char *
print(const struct conf *conf, size_t *len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, len);

	REQUIRE(out != NULL);
	conf_print(conf, out);
	REQUIRE(fclose(out) == 0);
	return text;
}

static void
check_refused(const struct conf *conf, const struct error *err)
{
	const struct conf empty = {0};

	REQUIRE(memcmp(conf, &empty, sizeof(empty)) == 0);
	REQUIRE(err->class == ERROR_OURS);
	REQUIRE(strcmp(err->dsn, "4.3.5") == 0);
	REQUIRE(strpbrk(err->text, "\r\n") == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *first, *second;
	size_t first_len, second_len;
	struct conf conf;
	struct error err;

	if (load(&conf, data, size, &err) == -1) {
		check_refused(&conf, &err);
		return 0;
	}
	REQUIRE(conf.login_endpoint != NULL && conf.graph_endpoint != NULL);
	REQUIRE(conf.state_directory != NULL && conf.auth_socket != NULL);
	REQUIRE(conf_delimiters(&conf)[0] != '\0');
	first = print(&conf, &first_len);
	conf_free(&conf);
	REQUIRE(load(&conf, first, first_len, &err) == 0);
	second = print(&conf, &second_len);
	conf_free(&conf);
	REQUIRE(first_len == second_len);
	REQUIRE(memcmp(first, second, first_len) == 0);
	free(first);
	free(second);
	return 0;
}
