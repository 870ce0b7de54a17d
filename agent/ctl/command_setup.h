/*
 * command_setup.h - what the two files of "msgraphctl setup" share: its options
 * are read in one, and carried out in the other.
 */
#ifndef MSGRAPHCTL_COMMAND_SETUP_H
#define MSGRAPHCTL_COMMAND_SETUP_H

#include <limits.h>

#include "agent/ctl/setup/listeners.h"
#include "agent/ctl/setup/plan.h"
#include "command.h"

#define SETUP_UNCHANGED 2 /* exit status: all is as wanted */
#define SETUP_FAILED 1
#define SETUP_TENANTS_MAX 64

struct setup {
	const struct ctl *ctl;
	const struct command *command;
	char folder[4096]; /* Postfix's */
	char share[PATH_MAX]; /* with the fragments */
	char conf_file[4096]; /* msgraph.conf; a link is followed */
	struct fragments fragments;
	struct listeners listeners;
	struct wish wish;
	int is_dry; /* show, and touch nothing */
	int is_forced; /* undo also what something still needs */
	int is_told; /* an error says itself whether something was changed */
};

/* Says what went wrong, and that nothing was changed. Returns SETUP_FAILED. */
int setup_fail(const struct setup *setup, struct error *err);

/* Carries out what the options ask for. Returns the exit status. */
int setup_do(struct setup *setup);
int setup_undo(struct setup *setup);
int setup_print(struct setup *setup);

#endif
