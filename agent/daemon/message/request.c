/*
 * request.c - see request.h.
 */
#include <stdlib.h>

#include "request.h"

void
delivery_request_free(struct delivery_request *request)
{
	size_t i;

	for (i = 0; i < request->each_count; i++)
		free(request->each[i].address);
	free(request->each);
	free(request->other.list);
	free(request->told.list);
	attachments_free(&request->attachments);
	source_free(&request->source);
	free(request->recipients);
	free(request->keys.list);
}
