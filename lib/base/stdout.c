/*
 * stdout.c - see stdout.h.
 *
 * A full disk shows when the buffer is written, and with NFS (and a quota) only
 * when the file is closed: so each program asks once, at its end, and what
 * prints need not.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "stdout.h"

void
stdout_begin(void)
{
	int fd;

	/* opened the wrong way round; open(2) takes the lowest that is free */
	for (fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) == -1 &&
		    open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) == -1)
			return;
}

int
stdout_end(const char *program, int status)
{
	int failed = ferror(stdout) || status == EX_IOERR;

	errno = 0;
	if (fclose(stdout) == 0 && !failed)
		return status;
	fprintf(stderr, "%s: cannot write the output%s%s\n", program,
	    errno != 0 ? ": " : "", errno != 0 ? strerror(errno) : "");
	return EX_IOERR;
}
