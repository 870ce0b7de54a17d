/*
 * request.c - see request.h.
 */
#include <stdlib.h>

#include "request.h"

void
delivery_request_free(struct delivery_request *request)
{
	attachments_free(&request->attachments);
	spool_free(&request->spool);
	free(request->recipients);
	free(request->keys.list);
}
