/*
 * failalloc.c - preloaded into a program under test: its FAIL_AT-th allocation
 * fails, all others go through. When it has failed, it makes the file that
 * FAIL_MARK names, so that the test knows when it has been through all.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *p, size_t size);

static atomic_long done;

static int
fails(void)
{
	static long at = -1;
	const char *text, *mark;

	if (at == -1)
		at = (text = getenv("FAIL_AT")) == NULL ? 0 : atol(text);
	if (at == 0 || atomic_fetch_add(&done, 1) + 1 != at)
		return 0;
	if ((mark = getenv("FAIL_MARK")) != NULL)
		close(open(mark, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
	errno = ENOMEM;
	return 1;
}

void *
malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	return fails() ? NULL : __libc_calloc(count, size);
}

void *
realloc(void *p, size_t size)
{
	return fails() ? NULL : __libc_realloc(p, size);
}
