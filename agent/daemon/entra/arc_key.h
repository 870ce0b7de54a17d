/*
 * arc_key.h - the file by which Azure Arc's agent makes sure that a request
 * comes from somebody on this machine who may have its tokens.
 *
 * Microsoft: "Authenticate against Azure resources with Azure Arc-enabled
 * servers"; what is refused is what Microsoft's own libraries (MSAL) refuse.
 */
#ifndef MSGRAPHD_ARC_KEY_H
#define MSGRAPHD_ARC_KEY_H

#include "lib/base/error.h"
#include "lib/base/secret.h"

/* Where the agent writes these files. There is no setting for it. */
#define ARC_KEY_FOLDER "/var/opt/azcmagent/tokens"
#define ARC_KEY_MAX 4096

/*
 * Reads the file that a challenge (WWW-Authenticate) names: one of this folder
 * that ends in ".key", a regular file and no link, of at most ARC_KEY_MAX
 * visible characters. The caller owns the result. NULL with *err (ERROR_OURS,
 * 4.3.5), which names the remedy and shows nothing of the file.
 */
struct secret *arc_key_read(
    const char *folder, const char *challenge, struct error *err);

#endif
