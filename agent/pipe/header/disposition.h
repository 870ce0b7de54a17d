/*
 * disposition.h - what becomes of one field of the header.
 */
#ifndef MSGRAPH_AGENT_DISPOSITION_H
#define MSGRAPH_AGENT_DISPOSITION_H

enum disposition {
	FIELD_STAYS,
	FIELD_GOES,
	FIELD_CHANGES /* its new bytes, with a line end, are given */
};

#endif
