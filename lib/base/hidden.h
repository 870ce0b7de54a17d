/*
 * hidden.h - files where a service cannot see them.
 */
#ifndef MSGRAPH_HIDDEN_H
#define MSGRAPH_HIDDEN_H

/*
 * Returns what to do about a file that open(2) refused with this errno where
 * systemd's ProtectHome= hides its folder, so that no mode and owner would
 * help: a text that begins with "; ". "" for every other file or error.
 */
const char *hidden_remedy(const char *file, int error);

#endif
