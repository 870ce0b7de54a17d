/*
 * failalloc.c - preloaded into a program under test: one of its allocations
 * fails, all others go through. FAIL_CONTROL names a file of three numbers that
 * it shares with the test: how many allocations there are still to come up to
 * the one that fails (0: none does), how many have failed, and how many have
 * not been freed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct control {
	atomic_long left, failed, live;
};

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *p, size_t size);
void __libc_free(void *p);

static struct control *control;

__attribute__((constructor)) static void
open_control(void)
{
	int fd = open(getenv("FAIL_CONTROL"), O_RDWR | O_CLOEXEC);
	void *p = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		abort();
	close(fd);
	control = p;
}

static int
fails(void)
{
	if (control == NULL || atomic_load(&control->left) <= 0 ||
	    atomic_fetch_sub(&control->left, 1) != 1)
		return 0;
	atomic_fetch_add(&control->failed, 1);
	errno = ENOMEM;
	return 1;
}

static void
count(long more)
{
	if (control != NULL)
		atomic_fetch_add(&control->live, more);
}

void *
malloc(size_t size)
{
	void *p = fails() ? NULL : __libc_malloc(size);

	count(p != NULL);
	return p;
}

void *
calloc(size_t number, size_t size)
{
	void *p = fails() ? NULL : __libc_calloc(number, size);

	count(p != NULL);
	return p;
}

void *
realloc(void *old, size_t size)
{
	void *p = fails() ? NULL : __libc_realloc(old, size);

	count(old == NULL && p != NULL);
	return p;
}

void
free(void *p)
{
	count(-(p != NULL));
	__libc_free(p);
}
