/*
 * version.h - the version of all programs. docs/packaging.md says where else it
 * stands.
 */
#ifndef MSGRAPH_VERSION_H
#define MSGRAPH_VERSION_H

#define MSGRAPH_VERSION "0.2.0"

#endif
