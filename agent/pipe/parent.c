/*
 * parent.c - whether the process that feeds us is still there. See parent.h.
 *
 * A message has no end mark on its way through pipe(8): it ends where the
 * pipe ends. When pipe(8) is killed while it writes, what has arrived
 * looks like a whole message, and would be sent, cut off, besides the whole one
 * that Postfix tries again. The kernel marks a process as exiting before it
 * closes its descriptors, so who sees the end of the pipe and then no such mark
 * knows that it was closed on purpose. (A new parent alone would come
 * too late: that is arranged after the descriptors are closed.)
 *
 * Who finds process 1 for a parent was too late to see pipe(8) go.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "parent.h"

#define EXITING 0x4u /* PF_EXITING, include/linux/sched.h */

static pid_t parent;

void
parent_init(void)
{
	parent = getppid();
}

/* The word "flags" of proc(5)'s stat; 0 where it cannot be read. */
static unsigned int
process_flags(pid_t pid)
{
	char path[64], stat[1024];
	const char *after_name;
	unsigned int flags;
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return 0;
	len = read(fd, stat, sizeof(stat) - 1);
	close(fd);
	if (len <= 0)
		return 0;
	stat[len] = '\0';
	after_name = strrchr(stat, ')');
	if (after_name == NULL ||
	    sscanf(after_name + 1, " %*c %*d %*d %*d %*d %*d %u", &flags) != 1)
		return 0;
	return flags;
}

int
parent_alive(void)
{
	int exiting = (process_flags(parent) & EXITING) != 0;

	return !exiting && parent != 1 && getppid() == parent;
}
