/*
 * failmalloc.h - lets one allocation of the code under test fail, and looks at
 * what is freed.
 *
 * The linker sends the calls that our own objects make here (-Wl,--wrap, which
 * the Makefile gives to tests whose name ends in _alloc); libraries keep the
 * real functions, and so do ASan's checks. A test counts up:
 *
 *	for (n = 1; fail_at(n), result = code_under_test(), fail_end(); n++)
 *		assert that result is a failure
 *
 * so the loop ends with the first run in which nothing failed.
 */
#ifndef TESTS_FAILMALLOC_H
#define TESTS_FAILMALLOC_H

#include <malloc.h>
#include <stddef.h>
#include <string.h>

static struct {
	size_t countdown; /* 1: the next one fails; 0: none does */
	int failed; /* one has */
	int on; /* 1: so do all after it */
	const char *secret; /* what no freed block may hold; NULL: anything */
	int seen; /* how many did */
} fail_state;

void *__real_malloc(size_t);
void *__real_calloc(size_t, size_t);
void *__real_realloc(void *, size_t);
void *__real_reallocarray(void *, size_t, size_t);
char *__real_strdup(const char *);
void __real_free(void *);
void *__wrap_malloc(size_t);
void *__wrap_calloc(size_t, size_t);
void *__wrap_realloc(void *, size_t);
void *__wrap_reallocarray(void *, size_t, size_t);
char *__wrap_strdup(const char *);
void __wrap_free(void *);

/* The n-th allocation from now on fails, n counted from 1. */
static inline void
fail_at(size_t n)
{
	fail_state.countdown = n;
	fail_state.failed = 0;
	fail_state.on = 0;
}

/* The n-th and all that follow. */
static inline void
fail_from(size_t n)
{
	fail_at(n);
	fail_state.on = 1;
}

/* Allocations work again. 1 when one has failed. */
static inline int
fail_end(void)
{
	fail_state.countdown = 0;
	return fail_state.failed;
}

static inline int
fails(void)
{
	if (fail_state.countdown == 0)
		return 0;
	if (fail_state.countdown > 1) {
		fail_state.countdown--;
		return 0;
	}
	fail_state.failed = 1;
	if (!fail_state.on)
		fail_state.countdown = 0;
	return 1;
}

/* A block goes back: is the secret still in it? */
static inline void
look_at(void *p)
{
	if (p != NULL && fail_state.secret != NULL &&
	    memmem(p, malloc_usable_size(p), fail_state.secret,
		strlen(fail_state.secret)) != NULL)
		fail_state.seen++;
}

void *
__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *
__wrap_realloc(void *p, size_t size)
{
	if (fails())
		return NULL;
	look_at(p);
	return __real_realloc(p, size);
}

void *
__wrap_reallocarray(void *p, size_t count, size_t size)
{
	if (fails())
		return NULL;
	look_at(p);
	return __real_reallocarray(p, count, size);
}

char *
__wrap_strdup(const char *s)
{
	return fails() ? NULL : __real_strdup(s);
}

void
__wrap_free(void *p)
{
	look_at(p);
	__real_free(p);
}

#endif
