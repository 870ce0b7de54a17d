/*
 * parent.c - whether the process that feeds us is still there. See parent.h.
 *
 * A message has no end mark on its way through pipe(8): it ends where the
 * pipe ends. When pipe(8) is killed while it writes, what has arrived
 * looks like a whole message, and would be sent, cut off, besides the whole one
 * that Postfix tries again. The kernel marks a process as exiting before it
 * closes its descriptors, so the end of the pipe without such a mark
 * behind it means that it was closed on purpose. (A new parent alone would come
 * too late: that is arranged after the descriptors are closed.)
 *
 * Where other users' processes are hidden (proc(5)'s hidepid, systemd's
 * ProtectProc), the mark cannot be read. There all that is left is to wait for
 * the rest of an exit, which follows within microseconds of processor time:
 * first nobody reads our output any more, then there is a new parent.
 *
 * An agent whose parent is process 1 was too late to see pipe(8) go.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "parent.h"

#define EXITING 0x4u /* PF_EXITING, include/linux/sched.h */

/* As long as a busy processor may keep an exit waiting. */
#define EXIT_MS 250
#define STEP_MS 5

static pid_t parent;

void
parent_init(void)
{
	parent = getppid();
}

/* The word "flags" of proc(5)'s stat. -1 where it cannot be read. */
static int
parent_read_flags(pid_t pid, unsigned int *flags)
{
	char path[64], stat[1024];
	const char *after_name;
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	len = read(fd, stat, sizeof(stat) - 1);
	close(fd);
	if (len <= 0)
		return -1;
	stat[len] = '\0';
	after_name = strrchr(stat, ')');
	if (after_name == NULL ||
	    sscanf(after_name + 1, " %*c %*d %*d %*d %*d %*d %u", flags) != 1)
		return -1;
	return 0;
}

/* 1 when what an exit does last is not seen for so long. */
static int
parent_stays(void)
{
	struct pollfd output = {.fd = STDOUT_FILENO};
	int waited;

	for (waited = 0; waited < EXIT_MS; waited += STEP_MS) {
		if (getppid() != parent)
			return 0;
		if (poll(&output, 1, STEP_MS) > 0 &&
		    (output.revents & POLLERR) != 0)
			return 0;
	}
	return 1;
}

int
parent_alive(void)
{
	unsigned int flags;

	if (parent == 1)
		return 0;
	if (parent_read_flags(parent, &flags) == -1)
		return parent_stays();
	return (flags & EXITING) == 0 && getppid() == parent;
}
