/*
 * credential_kind.c - see credential_kind.h. What several kinds need.
 */
#include <time.h>

#include "credential_kind.h"

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
