/*
 * options.h - what master.cf tells the agent.
 */
#ifndef MSGRAPH_AGENT_OPTIONS_H
#define MSGRAPH_AGENT_OPTIONS_H

#include <stddef.h>

#include "lib/base/cmdline.h"
#include "lib/base/error.h"
#include "lib/local/route.h"

/* Strings are borrowed from argv, or point into the struct that was filled. */
struct options {
	int answer; /* 'h' or 'V', for cmdline_answer(); 0: deliver */
	const char *conf_file;
	const char *queue_id;
	struct route route; /* what --mailbox says */
	char canonical[IDENTITY_CANONICAL_SIZE]; /* the application in it */
	/*
	 * The application of the route as a canonical name; without one, who
	 * signed in, which may be empty: nobody did.
	 */
	const char *identity;
	const char *entry; /* empty: none */
	const char *mailbox; /* the one that sends */
	const char *instead_of; /* the route's, where mailbox is its fallback;
				   NULL: it is the route's */
	int is_unrouted; /* mailbox is no address: it came past the milter */
	const char *sender; /* empty: the null sender */
	const char **originals; /* owned; as many as were given */
	size_t original_count;
	char *const *recipients; /* at least one */
	size_t recipient_count;
};

extern const struct cmdline options_cmdline;

/*
 * Reads argv. 0; or -1 with an error of class ERROR_OURS (4.3.5): a wrong
 * master.cf is the operator's to mend and costs no mail. Prints nothing.
 * options_free() takes what either result leaves.
 */
int options_parse(struct options *, int argc, char **argv, struct error *);
void options_free(struct options *);

#endif
