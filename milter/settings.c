/*
 * settings.c - counts references to configurations. See settings.h.
 *
 * The mutex guards the pointer and all counts; a struct conf itself is only
 * read once it is current, so it needs none. Any thread.
 */
#include <pthread.h>
#include <stdlib.h>

#include "settings.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct settings *current;

static void
settings_swap(struct settings *next)
{
	struct settings *old;

	pthread_mutex_lock(&lock);
	old = current;
	current = next;
	pthread_mutex_unlock(&lock);
	settings_put(&old);
}

int
settings_load(const char *file, int is_reload, struct error *err)
{
	struct settings *s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return error_no_memory(err);
	s->refs = 1;
	if ((is_reload ? conf_load_running : conf_load)(&s->conf, file, err) ==
	    -1) {
		free(s);
		return -1;
	}
	settings_swap(s);
	return 0;
}

struct settings *
settings_get(void)
{
	struct settings *s;

	pthread_mutex_lock(&lock);
	s = current;
	if (s != NULL)
		s->refs++;
	pthread_mutex_unlock(&lock);
	return s;
}

void
settings_put(struct settings **settingsp)
{
	struct settings *s = *settingsp;
	unsigned int left;

	*settingsp = NULL;
	if (s == NULL)
		return;
	pthread_mutex_lock(&lock);
	left = --s->refs;
	pthread_mutex_unlock(&lock);
	if (left > 0)
		return;
	conf_free(&s->conf);
	free(s);
}

void
settings_clear(void)
{
	settings_swap(NULL);
}
