/*
 * doctor.c - see doctor.h.
 *
 * A check is a child process, and writes its findings into memory that it
 * shares with this one: they are kept when the child hangs or dies. The child
 * leads a process group, so that programs it has started end with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/ctl/base/stops.h"
#include "lib/local/sock.h"
#include "doctor.h"

#define DOCTOR_AT_ONCE 8

enum doctor_state { DOCTOR_IDLE, DOCTOR_WAITS, DOCTOR_RUNS, DOCTOR_DONE };

struct doctor {
	const struct check *list;
	size_t count;
	struct report *reports; /* one for each, shared with the children */
	struct {
		enum doctor_state state;
		pid_t pid;
		long long deadline;
	} runs[CHECKS_MAX];
};

struct doctor *
doctor_new(const struct check *list)
{
	struct doctor *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->list = list;
	while (list[d->count].name != NULL && d->count < CHECKS_MAX)
		d->count++;
	d->reports = mmap(NULL, CHECKS_MAX * sizeof(*d->reports),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (d->reports == MAP_FAILED) {
		free(d);
		return NULL;
	}
	return d;
}

void
doctor_free(struct doctor **doctor)
{
	if (*doctor != NULL)
		munmap((*doctor)->reports,
		    CHECKS_MAX * sizeof(*(*doctor)->reports));
	free(*doctor);
	*doctor = NULL;
}

/* Returns the place of the name that text begins with, or count. */
static size_t
doctor_find(const struct doctor *d, const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < d->count; i++)
		if (strlen(d->list[i].name) == len &&
		    strncmp(d->list[i].name, text, len) == 0)
			break;
	return i;
}

/*
 * Takes the next of the checks that the one at place comes after, from *at on.
 */
static size_t
doctor_next_before(const struct doctor *d, const char **at)
{
	size_t len, found;

	*at += strspn(*at, " ");
	len = strcspn(*at, " ");
	found = doctor_find(d, *at, len);
	*at += len;
	return found;
}

static void
doctor_want_place(struct doctor *d, size_t place)
{
	const char *at = d->list[place].after;
	size_t before;

	if (d->runs[place].state != DOCTOR_IDLE)
		return;
	d->runs[place].state = DOCTOR_WAITS;
	while ((before = doctor_next_before(d, &at)) < d->count)
		doctor_want_place(d, before);
}

int
doctor_want(struct doctor *d, const char *name)
{
	size_t i;

	if (name == NULL) {
		for (i = 0; i < d->count; i++)
			doctor_want_place(d, i);
		return 0;
	}
	if ((i = doctor_find(d, name, strlen(name))) == d->count)
		return -1;
	doctor_want_place(d, i);
	return 0;
}

/* --- what was found --- */

static enum check_status
doctor_report_worst(const struct report *report)
{
	enum check_status worst = CHECK_OK;
	size_t i;

	/* critical is worse than unknown: one knows */
	for (i = 0; i < report->count; i++)
		if (worst != CHECK_CRITICAL &&
		    report->findings[i].status > worst)
			worst = report->findings[i].status;
	for (i = 0; i < report->count; i++)
		if (report->findings[i].status == CHECK_CRITICAL)
			worst = CHECK_CRITICAL;
	return worst;
}

enum check_status
doctor_worst(const struct doctor *d)
{
	enum check_status worst = CHECK_OK, one;
	size_t i;

	for (i = 0; i < d->count; i++) {
		if (d->runs[i].state != DOCTOR_DONE)
			continue;
		one = doctor_report_worst(&d->reports[i]);
		if (one == CHECK_CRITICAL)
			return one;
		if (one != CHECK_SKIPPED && one > worst)
			worst = one;
	}
	return worst;
}

const struct report *
doctor_report(const struct doctor *d, size_t place)
{
	return d->runs[place].state == DOCTOR_IDLE ? NULL : &d->reports[place];
}

/* --- running --- */

static void
doctor_done(struct doctor *d, size_t place)
{
	d->runs[place].state = DOCTOR_DONE;
	if (d->reports[place].count == 0)
		check_say(
		    &d->reports[place], CHECK_OK, "%s", d->list[place].about);
}

/*
 * Returns 1 when all that it comes after has ended well. What has found no more
 * than a warning has no consequences elsewhere.
 */
static int
doctor_may_run(struct doctor *d, size_t place)
{
	const char *at = d->list[place].after;
	size_t before;

	while ((before = doctor_next_before(d, &at)) < d->count) {
		if (d->runs[before].state != DOCTOR_DONE)
			return 0;
		if (doctor_report_worst(&d->reports[before]) > CHECK_WARNING) {
			check_say(&d->reports[place], CHECK_SKIPPED,
			    "not looked at because of %s",
			    d->list[before].name);
			doctor_done(d, place);
			return 0;
		}
	}
	return 1;
}

static void
doctor_child(
    const struct check *check, const struct host *host, struct report *report)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t none;

	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* libraries print what is for nobody here */
	if (null != -1) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
	}
	/* a path that does not begin with "/" leads where Postfix's leads */
	if ((host->postfix == NULL ||
		chdir(postfix_queue(host->postfix)) == -1) &&
	    chdir("/") == -1)
		_exit(1);
	check->run(host, report);
	_exit(0);
}

static void
doctor_start(struct doctor *d, const struct host *host, size_t place)
{
	pid_t pid = fork();

	if (pid == 0)
		doctor_child(&d->list[place], host, &d->reports[place]);
	if (pid == -1) {
		check_say(&d->reports[place], CHECK_UNKNOWN, "fork: %s",
		    strerror(errno));
		doctor_done(d, place);
		return;
	}
	setpgid(pid, pid);
	d->runs[place].pid = pid;
	d->runs[place].deadline = sock_now() + CHECK_SECONDS * 1000LL;
	d->runs[place].state = DOCTOR_RUNS;
}

/* Starts what may run, unless it is too late. Returns how many run. */
static size_t
doctor_start_some(struct doctor *d, const struct host *host, int late)
{
	size_t i, running = 0;

	for (i = 0; i < d->count; i++)
		if (d->runs[i].state == DOCTOR_RUNS)
			running++;
	/*
	 * a check comes after others of the list: one pass sees all that ended
	 */
	for (i = 0; !late && i < d->count && running < DOCTOR_AT_ONCE; i++)
		if (d->runs[i].state == DOCTOR_WAITS && doctor_may_run(d, i)) {
			doctor_start(d, host, i);
			running++;
		}
	return running;
}

/* Looks whether the check has ended, and ends it where its time is up. */
static void
doctor_look(struct doctor *d, size_t place, long long now)
{
	pid_t pid = d->runs[place].pid;
	int status;

	if (waitpid(pid, &status, WNOHANG) == pid) {
		if (!WIFEXITED(status))
			check_say(&d->reports[place], CHECK_UNKNOWN,
			    "the check was ended by signal %d",
			    WTERMSIG(status));
	} else if (now >= d->runs[place].deadline) {
		kill(-pid, SIGKILL);
		waitpid(pid, &status, 0);
		check_say(&d->reports[place], CHECK_UNKNOWN,
		    "the check did not end within its time");
		check_remedy(&d->reports[place],
		    "try it alone: msgraphctl doctor %s", d->list[place].name);
	} else {
		return;
	}
	doctor_done(d, place);
}

/* Ends the checks that run, and this process by the signal. */
static void
doctor_stop(const struct doctor *d, int stop)
{
	sigset_t set;
	size_t i;

	for (i = 0; i < d->count; i++)
		if (d->runs[i].state == DOCTOR_RUNS)
			kill(-d->runs[i].pid, SIGKILL);
	sigemptyset(&set);
	sigaddset(&set, stop);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(stop);
}

static void
doctor_wait(struct doctor *d, const sigset_t *signals, long long deadline)
{
	const struct timespec step = {.tv_nsec = 100 * 1000 * 1000};
	int caught = sigtimedwait(signals, NULL, &step);
	long long now = sock_now();
	size_t i;

	if (caught > 0 && caught != SIGCHLD)
		doctor_stop(d, caught);
	for (i = 0; i < d->count; i++) {
		if (now >= deadline && d->runs[i].state == DOCTOR_RUNS)
			d->runs[i].deadline = now;
		if (d->runs[i].state == DOCTOR_RUNS)
			doctor_look(d, i, now);
	}
}

/* Blocks the end of a child, and what would end this process with some left. */
static void
doctor_block(sigset_t *signals, sigset_t *old)
{
	sigemptyset(signals);
	sigaddset(signals, SIGCHLD);
	stops_add(signals);
	sigprocmask(SIG_BLOCK, signals, old);
}

void
doctor_run(struct doctor *d, const struct host *host)
{
	long long deadline = sock_now() + DOCTOR_SECONDS * 1000LL;
	sigset_t signals, old;
	size_t i;

	doctor_block(&signals, &old);
	while (doctor_start_some(d, host, sock_now() >= deadline) > 0)
		doctor_wait(d, &signals, deadline);
	sigprocmask(SIG_SETMASK, &old, NULL);
	for (i = 0; i < d->count; i++)
		if (d->runs[i].state == DOCTOR_WAITS) {
			check_say(&d->reports[i], CHECK_UNKNOWN,
			    "the time was up before its turn");
			doctor_done(d, i);
		}
}
