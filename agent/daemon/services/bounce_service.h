/*
 * bounce_service.h - the bounce socket: Postfix asks, as a lookup table,
 * whether a notice that it is about to queue is for a mailbox that sends
 * through us.
 */
#ifndef MSGRAPHD_BOUNCE_SERVICE_H
#define MSGRAPHD_BOUNCE_SERVICE_H

#include "service.h"

extern const struct service_kind bounce_service;

#endif
