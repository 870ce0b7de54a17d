"""Where lib/ reads something else than GMime or Python's email do, in what
follows the grammar. Inputs that do not are passed over: tables in test_*.py
say what becomes of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from oracle import wellformed
from oracle.readers import (GMime, Lib, Part, fields_by_lib, fields_by_python,
                     is_unambiguous, keys_by_lib, keys_by_python, or_none,
                     parts_by_python)

ADDRESS_FIELDS = {"from", "sender", "reply-to", "to", "cc", "bcc",
                  "resent-from", "resent-to", "resent-cc", "resent-bcc"}
# folded or not, and nothing else that is no printable ASCII
PLAIN = re.compile(rb"(?:[ -~\t]|\r?\n[ \t])*")


@dataclass
class Report:
    compared: int = 0
    differ: list[tuple[bytes, Any, Any, Any]] = field(default_factory=list)

    def add(self, data: bytes, ours: Any, gmime: Any, python: Any) -> None:
        self.compared += 1
        if gmime != ours or python != ours:
            self.differ.append((data, ours, gmime, python))


class Readers:
    def __init__(self, lib: Lib, gmime: GMime) -> None:
        self.lib, self.gmime = lib, gmime

    def addresses(self, values: list[bytes]) -> Report:
        """Of lists that lib/ calls unambiguous: it stands in for a grammar,
        since it leaves such lists alone and repairs all others. Passed over
        are domains in ASCII form, as it alone knows which are the same, and
        what has no key, as nobody can have such a mailbox."""
        report = Report()
        for value, answer in zip(values, self.lib.addresses(values)):
            if is_unambiguous(answer) and PLAIN.fullmatch(value) \
                    and b"xn--" not in value.lower():
                ours, text = set(keys_by_lib(answer)), value.decode()
                if "" in ours:
                    continue
                python = keys_by_python(text)
                report.add(value, ours, set(self.gmime.keys(text)),
                           ours if python is None else set(python))
        return report

    def fields(self, messages: list[bytes]) -> Report:
        report = Report()
        for data, answer in zip(messages, self.lib.fields(messages)):
            if wellformed.header_end(data) is None \
                    or not wellformed.has_one_kind_of_line_end(data):
                continue
            ours = fields_by_lib(answer)[0]
            gmime = or_none(self.gmime.fields, data)
            python = fields_by_python(data)[0]
            report.add(data, *(
                None if found is None else
                [as_one_line(f) for f in found
                 if not f[0].lower().startswith("content-")]
                for found in (ours, gmime, python)))
        return report

    def parts(self, messages: list[bytes]) -> Report:
        report = Report()
        good = [m for m in messages if wellformed.message(m)]
        for data, ours in zip(good, self.lib.parts(good)):
            report.add(data, ours, or_none(self.gmime.parts, data),
                       or_none(lower_charset, parts_by_python(data)))
        return report


def as_one_line(item: tuple[str, str]) -> tuple[str, str]:
    return item[0], re.sub(r"\r?\n", "", item[1]).strip(" \t")


def lower_charset(part: Part) -> Part:
    if isinstance(part[1], list):
        return part[0], [lower_charset(inner) for inner in part[1]]
    return (*part[:3], part[3].lower())


def address_values(messages: list[bytes]) -> list[bytes]:
    """The values of the address fields in the headers."""
    out = []
    for data in messages:
        for match in wellformed.fields(data):
            if match[1].decode().lower() in ADDRESS_FIELDS:
                out.append(match[2])
    return out
