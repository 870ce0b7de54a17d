/*
 * managed_try.c - managed_try(); see managed.h.
 */
#include "managed.h"

struct managed_try {
	enum error_class class; /* of the error; ERROR_NONE: there is a token */
	struct error *err;
};

static void
managed_try_on_answer(void *ctx, const struct entra_answer *answer)
{
	struct managed_try *attempt = ctx;

	if (answer->result == ENTRA_ACCEPTED) {
		attempt->class = ERROR_NONE;
		return;
	}
	attempt->class = answer->result == ENTRA_MISCONFIGURED
	    ? ERROR_OURS
	    : ERROR_TEMPORARY;
	error_set(attempt->err, attempt->class, "4.3.5", "%s", answer->text);
}

int
managed_try(const struct conf *conf, const struct managed_request *request,
    struct error *err)
{
	struct managed_try attempt = {.class = ERROR_TEMPORARY, .err = err};
	struct event_base *base = event_base_new();
	struct http *plain = base == NULL ? NULL : http_new_plain(base, err);

	error_no_memory(err);
	/* the loop ends when nothing is left to wait for */
	if (plain != NULL &&
	    managed_start(base, plain, conf, request, managed_try_on_answer,
		&attempt, err) != NULL)
		event_base_dispatch(base);
	http_free(&plain);
	if (base != NULL)
		event_base_free(base);
	return attempt.class == ERROR_NONE ? 0 : -1;
}
