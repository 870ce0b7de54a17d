/*
 * throttle_scope.h - whom an answer asks to slow down. The outcome table names
 * the scope, and the throttles keep it.
 */
#ifndef MSGRAPHD_THROTTLE_SCOPE_H
#define MSGRAPHD_THROTTLE_SCOPE_H

enum throttle_scope {
	THROTTLE_NOBODY,
	THROTTLE_MAILBOX, /* one mailbox, for one application */
	THROTTLE_APPLICATION, /* all mailboxes of the application */
	THROTTLE_TENANT /* all applications of the tenant */
};

#endif
