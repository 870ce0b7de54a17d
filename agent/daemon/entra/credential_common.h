/*
 * credential_common.h - what several kinds of credentials need.
 */
#ifndef MSGRAPHD_CREDENTIAL_COMMON_H
#define MSGRAPHD_CREDENTIAL_COMMON_H

/* Returns why the value is no absolute path, or NULL when it is one. */
const char *credential_unfit_path(const char *value);

/*
 * Returns what the system's clock says, in seconds since 1970. Entra compares
 * with its own, so clock_wall(), which follows late, is no help.
 */
long long credential_now(void);

#endif
