/*
 * logtail.h - what Postfix logs from a moment on: in its own file, the journal
 * or mail.log, whichever this host has.
 */
#ifndef MSGRAPHCTL_LOGTAIL_H
#define MSGRAPHCTL_LOGTAIL_H

#include <sys/types.h>

#include "agent/ctl/base/postconf.h"

struct logtail {
	char file[4096]; /* "" for the journal */
	off_t offset; /* in the file */
	char cursor[512]; /* in the journal; "" where there is none */
};

/* Appends to out the lines of the text that have one of these words. */
void logtail_choose(
    const char *text, const char *const *words, size_t count, struct buf *out);

/* Marks the end of the log. */
void logtail_mark(struct logtail *tail, const struct postconf *postconf);

/* Appends to out all that was logged since. */
void logtail_read(const struct logtail *tail, struct buf *out);

/*
 * Appends to lines what master and the postfix command have logged since, once
 * it holds the word and nothing more comes; for some seconds at most. Returns 1
 * when the word has come.
 */
int logtail_wait(
    const struct logtail *tail, const char *word, struct buf *lines);

#endif
