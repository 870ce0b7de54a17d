/*
 * disposition.h - what becomes of one field of the header.
 */
#ifndef MSGRAPH_AGENT_FATE_H
#define MSGRAPH_AGENT_FATE_H

enum field_fate {
	FIELD_STAYS,
	FIELD_GOES,
	FIELD_CHANGES /* its new bytes, with a line end, are given */
};

#endif
