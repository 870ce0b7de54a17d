/*
 * commands.h - what main.c and the tests know of the commands: their names.
 */
#ifndef MSGRAPHCTL_COMMANDS_H
#define MSGRAPHCTL_COMMANDS_H

#include "command.h"

extern const struct command command_doctor;
extern const struct command command_entra_script;
extern const struct command command_forget;
extern const struct command command_identities;
extern const struct command command_setup;
extern const struct command command_status;
extern const struct command command_test_login;
extern const struct command command_test_send;
extern const struct command command_username;

#endif
