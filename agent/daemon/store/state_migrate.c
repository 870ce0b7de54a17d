/*
 * state_migrate.c - takes over a state of the format before; see state_sql.h.
 *
 * A copy is made first, state.db-2. Somebody who wants to go back to the
 * version before puts that in place of the state. All changes are one
 * transaction, so a crash leaves the old format or the new one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "state_sql.h"

#define STATE_MIGRATE_COPY "-2"

static int
state_migrate_fail(const char *what, const char *file, struct error *err)
{
	return error_set(err, ERROR_OURS, "4.3.5",
	    "cannot copy the state before it is taken over: %s %s: %s", what,
	    file, strerror(errno));
}

static int
state_migrate_sync(const char *file, struct error *err)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int result = fd == -1 ? -1 : fsync(fd);

	if (result == -1)
		state_migrate_fail("sync", file, err);
	if (fd != -1)
		close(fd);
	return result;
}

/* Writes a copy with all that the log still holds, and gives it its name. */
static int
state_migrate_copy(struct state *state, struct error *err)
{
	char new[4200], name[4200];
	char *sql;
	int result;

	snprintf(name, sizeof(name), "%s" STATE_MIGRATE_COPY, state->file);
	snprintf(new, sizeof(new), "%s.new", name);
	if (unlink(new) == -1 && errno != ENOENT)
		return state_migrate_fail("unlink", new, err);
	if ((sql = sqlite3_mprintf("VACUUM INTO %Q", new)) == NULL)
		return error_no_memory(err);
	result = state_run(state, sql, err);
	sqlite3_free(sql);
	if (result == -1 || state_migrate_sync(new, err) == -1)
		return -1;
	return rename(new, name) == 0 ? 0
				      : state_migrate_fail("rename", new, err);
}

int
state_migrate(struct state *state, struct error *err)
{
	if (state_migrate_copy(state, err) == -1 ||
	    state_run(state, "BEGIN IMMEDIATE", err) == -1)
		return -1;
	if (state_run(state,
		"ALTER TABLE hold RENAME TO throttle;"
		"ALTER TABLE delivery RENAME COLUMN fate TO status;"
		"PRAGMA user_version = 3;",
		err) == 0 &&
	    state_credential_migrate(state, err) == 0 &&
	    state_run(state, "COMMIT", err) == 0)
		return 0;
	state_run(state, "ROLLBACK", NULL);
	return -1;
}
