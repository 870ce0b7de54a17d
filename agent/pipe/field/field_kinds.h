/*
 * field_kinds.h - fields with a structure of their own. For field.c.
 */
#ifndef MSGRAPH_AGENT_FIELD_KINDS_H
#define MSGRAPH_AGENT_FIELD_KINDS_H

#include "fold.h"

/* From, To and their like: names and comments, and domains as A-labels. */
void field_addresses(struct fold *, struct span value);

/* Content-Type and Content-Disposition: RFC 2231 for parameters. */
void field_params(struct fold *, struct span value);

#endif
