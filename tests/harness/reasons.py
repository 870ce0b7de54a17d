"""Each line of msgraphd's that ends with another status than "sent" says why, in
one of a few words."""

from __future__ import annotations

import re

REASONS = ("throttled", "credential", "identity", "permission", "mailbox",
           "recipient", "size", "content", "endpoint", "unknown", "configuration")
STATUS = re.compile(r"[,:] status=(?!sent)[a-z]+(,| \()")
WITH_REASON = re.compile(
    rf"[,:] reason=(?:{'|'.join(REASONS)})"
    r"(?:, dsn=[45][.\d]+)?, status=[a-z]+ \(")


def lacking(log: str) -> list[str]:
    """Lines that lack a reason, or have it in the wrong place."""
    return [line for line in log.splitlines()
            if STATUS.search(line) and not WITH_REASON.search(line) or
            ", status=sent (" in line and "reason=" in line.split(" (")[0]]
