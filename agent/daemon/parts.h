/*
 * parts.h - makes the parts of msgraphd, hands them to each other, and ends
 * them.
 */
#ifndef MSGRAPHD_PARTS_H
#define MSGRAPHD_PARTS_H

#include "agent/daemon/base/msgraphd.h"
#include "lib/base/error.h"

/*
 * Makes all parts; d has the settings, and zeros else. 0; or -1 with *err, and
 * parts_stop() frees what there is.
 */
int parts_start(struct msgraphd *d, struct error *err);

/* Frees all parts but the event loop, in an order in which none is missed. */
void parts_stop(struct msgraphd *d);

#endif
