/*
 * admin_ask.h - asks msgraphd over its admin socket (lib/local/admin.h).
 */
#ifndef MSGRAPHCTL_ADMIN_ASK_H
#define MSGRAPHCTL_ADMIN_ASK_H

#include "lib/base/error.h"
#include "lib/local/admin.h"
#include "lib/local/admin_reply.h"

/* Longer than msgraphd lets a peer read. */
#define ADMIN_ASK_SECONDS 40

/* The longest answer that is read. */
#define ADMIN_ASK_MAX (256L * 1024 * 1024)

/*
 * Asks one question of the msgraphd whose settings are in a file, within
 * ADMIN_ASK_SECONDS. A mistake in the file is passed over, and for the default
 * file, which an admin may not be permitted to read, the defaults count. The
 * caller owns the reply. NULL with *err, which says what to do: not running,
 * not permitted, msgraphd says no (standing by, say), or the answer was cut.
 */
struct admin_reply *admin_ask(const char *conf_file,
    const struct admin_question *question, struct error *err);

/* Asks a question of one word, as admin_ask(). */
struct admin_reply *admin_ask_for(
    const char *conf_file, const char *request, struct error *err);

#endif
