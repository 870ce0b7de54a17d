/*
 * credential.c - see credential.h. The kinds, and what they have in common.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "credential_common.h"
#include "credential_kind.h"
#include "lib/base/log.h"

#define DAY_SECONDS 86400LL
#define WARN_DAYS 30
/* Reading a certificate takes half a millisecond, in which nobody is served. */
#define WARN_AT_ONCE 8

static const struct credential_kind *const kinds[] = {
    &credential_secret,
    &credential_certificate,
    &credential_token,
    &credential_managed,
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* What changes in a file that is replaced. */
struct credential_seen {
	int is_there;
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified;
};

struct credential {
	const struct credential_kind *kind;
	struct credential_seen seen; /* all zeros: not looked at */
	char value[];
};

static const struct credential_kind *
credential_find_kind(const char *attribute)
{
	size_t i;

	for (i = 0; i < KINDS; i++)
		if (strcmp(kinds[i]->attribute, attribute) == 0)
			return kinds[i];
	return NULL;
}

int
credential_is_attribute(const char *name)
{
	return credential_find_kind(name) != NULL;
}

struct credential *
credential_new(const char *attribute, const char *value, struct error *err)
{
	const struct credential_kind *kind = credential_find_kind(attribute);
	struct credential *credential;
	const char *unfit;

	if (kind == NULL) {
		error_set(err, ERROR_OURS, "4.3.5",
		    "%s is no kind of credential", attribute);
		return NULL;
	}
	if ((unfit = kind->unfit(value)) != NULL) {
		error_set(err, ERROR_OURS, "4.3.5", "%s %s", attribute, unfit);
		return NULL;
	}
	credential = malloc(sizeof(*credential) + strlen(value) + 1);
	if (credential == NULL) {
		error_no_memory(err);
		return NULL;
	}
	credential->kind = kind;
	memset(&credential->seen, 0, sizeof(credential->seen));
	strcpy(credential->value, value);
	return credential;
}

void
credential_free(struct credential **credentialp)
{
	free(*credentialp);
	*credentialp = NULL;
}

const char *
credential_attribute(const struct credential *credential)
{
	return credential->kind->attribute;
}

const char *
credential_value(const struct credential *credential)
{
	return credential->value;
}

enum credential_proof
credential_proof(const struct credential *credential)
{
	return credential->kind->proof;
}

int
credential_check(
    const struct credential *credential, long long *ends, struct error *err)
{
	*ends = 0;
	return credential->kind->check(credential->value, ends, err);
}

struct secret *
credential_prove(const struct credential *credential,
    const struct identity *application, const char *audience, struct error *err)
{
	return credential->kind->prove(
	    credential->value, application, audience, err);
}

/* --- whether its file was replaced --- */

static int
credential_same_file(
    const struct credential_seen *a, const struct credential_seen *b)
{
	return a->device == b->device && a->inode == b->inode &&
	    a->size == b->size && a->modified.tv_sec == b->modified.tv_sec &&
	    a->modified.tv_nsec == b->modified.tv_nsec;
}

int
credential_is_replaced(struct credential *credential)
{
	const struct credential_seen was = credential->seen;
	struct credential_seen *now = &credential->seen;
	struct stat st;

	/* one that is gone comes back: it is compared with the one before */
	if (!credential->kind->is_replaced ||
	    stat(credential->value, &st) == -1)
		return 0;
	now->is_there = 1;
	now->device = st.st_dev;
	now->inode = st.st_ino;
	now->size = st.st_size;
	now->modified = st.st_mtim;
	return was.is_there && !credential_same_file(&was, now);
}

void
credential_carry(struct credential *to, const struct credential *from)
{
	if (to->kind == from->kind && strcmp(to->value, from->value) == 0)
		to->seen = from->seen;
}

/* --- once a day --- */

/* Which credentials are looked at in one step. */
struct credential_walk {
	size_t place, from, to;
};

static void
credential_warn(const char *entry, const struct credential *credential)
{
	struct error err;
	long long ends, left;

	if (credential_check(credential, &ends, &err) == -1) {
		log_warning("NOQUEUE: mail of entry %s would wait: %s", entry,
		    err.text);
		return;
	}
	left = ends - credential_now();
	if (ends != 0 && left < WARN_DAYS * DAY_SECONDS)
		log_warning("NOQUEUE: the certificate of entry %s, %s, ends in "
			    "%lld days; mail of the entry waits from then on",
		    entry, credential->value, left / DAY_SECONDS);
}

static void
credential_on_visit(
    void *arg, const char *entry, const struct credential *credential)
{
	struct credential_walk *walk = arg;

	if (walk->place >= walk->from && walk->place < walk->to)
		credential_warn(entry, credential);
	walk->place++;
}

int
credentials_warn(const struct credentials *credentials, size_t *at)
{
	struct credential_walk walk = {.from = *at, .to = *at + WARN_AT_ONCE};

	credentials->each(credentials->ctx, credential_on_visit, &walk);
	*at = walk.place > walk.to ? walk.to : 0;
	return *at != 0;
}
