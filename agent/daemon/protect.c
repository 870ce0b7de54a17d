/*
 * protect.c - see protect.h.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "agent/daemon/base/wipemem.h"
#include "protect.h"

int
protect_process(struct error *err)
{
	const struct rlimit none = {0, 0};
	struct rlimit files;

	umask(077);
#ifndef __SANITIZE_ADDRESS__ /* its search for leaks uses ptrace */
	if (prctl(PR_SET_DUMPABLE, 0) == -1)
		return error_set(err, ERROR_OURS, "4.3.0",
		    "cannot forbid ptrace: %s", strerror(errno));
#endif
	if (setrlimit(RLIMIT_CORE, &none) == -1)
		return error_set(err, ERROR_OURS, "4.3.0",
		    "cannot turn core files off: %s", strerror(errno));
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	signal(SIGPIPE, SIG_IGN);
	if (wipemem_install() == -1)
		return error_set(err, ERROR_OURS, "4.3.0",
		    "cannot wipe freed memory: libcurl or OpenSSL refuses");
	return 0;
}
