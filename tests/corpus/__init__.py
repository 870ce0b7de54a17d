"""A corpus of messages in the shapes that clients send, with their envelopes
and what has to become of them. See case.py for how a case reads."""

from __future__ import annotations

from . import (addresses, broken, charsets, clients, devices, field,
               headers, programs, reports, signed, structure)
from .case import Case

__all__ = ["CASES", "Case"]


def _collect() -> dict[str, Case]:
    found: dict[str, Case] = {}
    for module in (devices, programs, clients, signed, reports, structure,
                   charsets, headers, addresses, broken, field):
        for case in module.cases():
            assert case.name not in found, f"two cases {case.name}"
            found[case.name] = case
    return found


CASES = _collect()
