/*
 * submit_service.h - the submit socket: msgraph-agent hands a finished message
 * over and waits for the outcome. lib/local/wire.h has the protocol.
 */
#ifndef MSGRAPHD_SUBMIT_SERVICE_H
#define MSGRAPHD_SUBMIT_SERVICE_H

#include "service.h"

extern const struct service_kind submit_service;

#endif
