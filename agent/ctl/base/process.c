/*
 * process.c - see process.h.
 */
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "process.h"
#include "run.h"

long long
process_started(pid_t pid)
{
	unsigned long long ticks = 0;
	struct timespec now;
	char path[64], line[1024] = "";
	const char *at;
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	if (pid <= 0 || (in = fopen(path, "re")) == NULL)
		return 0;
	if (fgets(line, sizeof(line), in) == NULL)
		line[0] = '\0';
	fclose(in);
	/* the name, in parentheses, may hold blanks (proc(5)) */
	at = strrchr(line, ')');
	if (at == NULL ||
	    sscanf(at + 1,
		" %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d "
		"%*d %*d %*d %*d %llu",
		&ticks) != 1)
		return 0;
	clock_gettime(CLOCK_BOOTTIME, &now);
	return (long long)time(NULL) -
	    (now.tv_sec -
		(long long)(ticks / (unsigned long)sysconf(_SC_CLK_TCK)));
}

/* In a child: becomes the program that the process runs. */
static int
process_ask(void *path)
{
	execl(path, path, "-V", (char *)NULL);
	return 1;
}

void
process_version(pid_t pid, char version[PROCESS_VERSION_SIZE])
{
	const struct passwd *user;
	struct stat st;
	struct error err;
	struct buf out;
	char path[64], name[64];

	version[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%ld", (long)pid);
	if (geteuid() != 0 || stat(path, &st) == -1 ||
	    (user = getpwuid(st.st_uid)) == NULL)
		return;
	snprintf(name, sizeof(name), "%s", user->pw_name);
	strcat(path, "/exe");
	buf_init(&out, 1024);
	/* "msgraph-milter VERSION" */
	if (run_as(name, NULL, process_ask, path, &out, &err) == 0 &&
	    out.bytes != NULL)
		sscanf(out.bytes, "%*s %31s", version);
	buf_free(&out);
}
