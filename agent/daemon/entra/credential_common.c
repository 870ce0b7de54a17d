/*
 * credential_common.c - see credential_common.h.
 */
#include <time.h>

#include "credential_common.h"

const char *
credential_unfit_path(const char *value)
{
	return value[0] == '/' ? NULL : "must be a path that begins with /";
}

long long
credential_now(void)
{
	struct timespec now;

	return clock_gettime(CLOCK_REALTIME, &now) == -1 ? 0 : now.tv_sec;
}
