/*
 * commands.h - what main.c and the tests know of the commands: their names.
 */
#ifndef MSGRAPHCTL_COMMANDS_H
#define MSGRAPHCTL_COMMANDS_H

#include "command.h"

extern const struct command command_username;

#endif
