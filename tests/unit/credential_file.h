/*
 * credential_file.h - a folder with the file of a credential.
 */
#ifndef TESTS_UNIT_CREDENTIAL_FILE_H
#define TESTS_UNIT_CREDENTIAL_FILE_H

#include <sys/stat.h>
#include <unistd.h>

#include "agent/daemon/entra/credential.h"
#include "pem_file.h"

#define PAIR "certificate_file"

static char folder[] = "/tmp/credentialXXXXXX";
static char file[64], other[64];

static int
begin(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(file, sizeof(file), "%s/file", folder);
	snprintf(other, sizeof(other), "%s/other", folder);
	pem_begin();
	return 0;
}

static int
end(void **state)
{
	(void)state;
	pem_end();
	unlink(file);
	unlink(other);
	return rmdir(folder);
}

/* Writes what a row says, 0400: PEM by its letters, or the text. */
static void
write_at(const char *path, const char *attribute, const char *text)
{
	FILE *out;

	unlink(path);
	out = fopen(path, "wx");
	assert_non_null(out);
	if (strcmp(attribute, PAIR) == 0)
		pem_write(out, text);
	else
		fputs(text, out);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(chmod(path, 0400), 0);
}

#endif
