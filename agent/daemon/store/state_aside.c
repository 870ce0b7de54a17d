/*
 * state_aside.c - moves a damaged state out of the way; see state.h.
 *
 * The file is not opened as a database: that would recover its log, write it
 * into the file and delete it. Somebody who wants to mend the state needs both
 * as they are.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/daemon/base/clock.h"
#include "state.h"

/* Where SQLite locks: "Database File Format", 1.3.2, the lock-byte page. */
#define LOCK_START 0x40000000L
#define LOCK_LENGTH 512

/* A running daemon holds a lock on the file for as long as it is open. */
static int
state_aside_is_locked(const char *file)
{
	struct flock lock = {.l_type = F_WRLCK,
	    .l_whence = SEEK_SET,
	    .l_start = LOCK_START,
	    .l_len = LOCK_LENGTH};
	int fd = open(file, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	int found = fd != -1 && fcntl(fd, F_GETLK, &lock) == 0 &&
	    lock.l_type != F_UNLCK;

	if (fd != -1)
		close(fd);
	return found;
}

int
state_move_aside(
    const char *directory, char *name, size_t size, struct error *err)
{
	static const char *const tails[] = {"-wal", "-shm", ""};
	char file[4096], from[4200], to[4200];
	size_t i;

	if (state_path(directory, file, sizeof(file)) == -1 ||
	    access(file, F_OK) == -1)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "there is no state in %s", directory);
	if (state_aside_is_locked(file))
		return error_set(err, ERROR_OURS, "4.3.5",
		    "msgraphd runs on %s; stop it first", file);
	snprintf(name, size, "%s.%lld", file, clock_wall());
	/* the database itself last: until then a second try finds all */
	for (i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		snprintf(from, sizeof(from), "%s%s", file, tails[i]);
		snprintf(to, sizeof(to), "%s%s", name, tails[i]);
		if (rename(from, to) == -1 && errno != ENOENT)
			return error_set(err, ERROR_OURS, "4.3.5",
			    "rename %s: %s", from, strerror(errno));
	}
	return 0;
}
