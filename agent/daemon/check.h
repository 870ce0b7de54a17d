/*
 * check.h - the part of "msgraphd -t" that goes beyond the settings themselves:
 * can the users who will read the files read them?
 */
#ifndef MSGRAPHD_CHECK_H
#define MSGRAPHD_CHECK_H

#include "lib/conf/conf.h"

/*
 * Checks that ca_file, if it is set, can be read and holds a certificate in PEM
 * form. 0, or -1 with *err that names the file and the remedy.
 */
int check_ca_file(const struct conf *conf, struct error *err);

/*
 * Checks files and folders that the settings, read from file, name. Run as
 * root, it checks as each of the users msgraphd, msgraph and postfix that
 * exists, in processes of their own; otherwise as the present user, for
 * msgraphd. Each complaint is a line on standard error. Returns how many users
 * have one.
 */
int check_access(const struct conf *conf, const char *file);

#endif
