/*
 * state_folder.h - a state of its own for a test, in a folder that goes with
 * it.
 */
#ifndef TESTS_UNIT_STATE_FOLDER_H
#define TESTS_UNIT_STATE_FOLDER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/daemon/store/state.h"
#include "agent/daemon/store/vault.h"

static char folder[32];
static struct vault *vault;
static struct state *st;

static char *
in_folder(const char *name, char path[64])
{
	snprintf(path, 64, "%s/%s", folder, name);
	return path;
}

/* Both for cmocka. */
static int
state_begin(void **state)
{
	char path[64];

	(void)state;
	strcpy(folder, "/tmp/daemon_stateXXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	vault = vault_load(in_folder("key", path), 1, NULL);
	st = state_open(folder, vault, NULL);
	return st == NULL ? -1 : 0;
}

static int
state_end(void **state)
{
	char path[64];

	(void)state;
	state_close(&st);
	vault_free(&vault);
	unlink(in_folder("key", path));
	unlink(in_folder("state.db", path));
	return rmdir(folder);
}

#endif
