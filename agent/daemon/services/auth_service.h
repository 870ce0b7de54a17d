/*
 * auth_service.h - the auth socket: libentra.so, or any saslauthd client, asks
 * whether a user name and a secret are good.
 */
#ifndef MSGRAPHD_AUTH_SERVICE_H
#define MSGRAPHD_AUTH_SERVICE_H

#include "service.h"

extern const struct service_kind auth_service;

#endif
