/*
 * conf_line.c - splits one line of msgraph.conf into name and value.
 *
 * This file knows the form of a line, and conf.c knows what a name means.
 */
#include <ctype.h>
#include <string.h>

#include "conf_private.h"

static int
conf_line_wrong(struct error *err, const char *what)
{
	return error_set(err, ERROR_OURS, "4.3.5", "%s", what);
}

static char *
conf_line_trim(char *s)
{
	size_t len;

	while (isspace((unsigned char)*s))
		s++;
	len = strlen(s);
	while (len > 0 && isspace((unsigned char)s[len - 1]))
		s[--len] = '\0';
	return s;
}

/*
 * What does not look like a name is not shown: a line that lacks its '=' may
 * have one in a password.
 */
static int
conf_line_is_name(const char *s)
{
	size_t len = 0;

	while (isalnum((unsigned char)s[len]) || s[len] == '_' || s[len] == '-')
		len++;
	return len > 0 && s[len] == '\0';
}

/*
 * fgets(3) does not tell of a NUL, and what stands behind one would be dropped
 * unseen. Its own terminator is the last NUL in the buffer.
 */
static int
conf_line_check(const char line[CONF_LINE_SIZE], struct error *err)
{
	const char *end = memrchr(line, '\0', CONF_LINE_SIZE);

	if (strlen(line) != (size_t)(end - line))
		return conf_line_wrong(err, "the line holds a NUL");
	if (end - line == CONF_LINE_SIZE - 1)
		return conf_line_wrong(err, "the line is too long");
	return 0;
}

int
conf_line_split(
    char line[CONF_LINE_SIZE], char **name, char **value, struct error *err)
{
	char *equals;

	if (conf_line_check(line, err) == -1)
		return -1;
	*value = NULL;
	*name = conf_line_trim(line);
	if (**name == '\0' || **name == '#') {
		*name = NULL;
		return 0;
	}
	if ((equals = strchr(*name, '=')) != NULL) {
		*equals = '\0';
		*name = conf_line_trim(*name);
		*value = conf_line_trim(equals + 1);
	}
	if (*value == NULL || !conf_line_is_name(*name))
		return conf_line_wrong(err, "not of the form \"name = value\"");
	return 0;
}
