/*
 * size.c - see size.h. Pure.
 *
 * A client that announces nothing, or less than it sends, is Postfix's to stop
 * (message_size_limit): it counts, and this filter sees no bodies.
 */
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "size.h"

/* Postfix has refused what is no number; one that passes all is too large. */
static int
size_is_over(const char *digits, long max)
{
	long size;

	errno = 0;
	size = strtol(digits, NULL, 10);
	return errno != 0 || size > max;
}

int
size_check(char *const *argv, long max, struct error *err)
{
	for (argv++; *argv != NULL; argv++) {
		if (strncasecmp(*argv, "SIZE=", 5) != 0 ||
		    !size_is_over(*argv + 5, max))
			continue;
		return error_set(err, ERROR_PERMANENT, "5.3.4",
		    "the message is larger than %ld bytes, which is the most "
		    "that this service accepts",
		    max);
	}
	return 0;
}
