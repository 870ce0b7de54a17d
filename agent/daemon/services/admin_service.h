/*
 * admin_service.h - the admin socket: msgraphctl asks what goes on, and forgets
 * applications. lib/local/admin.h has the protocol.
 */
#ifndef MSGRAPHD_ADMIN_SERVICE_H
#define MSGRAPHD_ADMIN_SERVICE_H

#include "service.h"

extern const struct service_kind admin_service;

#endif
