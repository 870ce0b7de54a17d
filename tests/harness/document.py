"""README.md and docs/, from which tests take the commands and tables that an
admin is told."""

from __future__ import annotations

import re

from . import example


class DocumentError(Exception):
    """The document does not say what a test expects of it."""


def section(document: str, heading: str) -> str:
    """What stands below a heading, up to the next of its level or above."""
    text = (example.ROOT / document).read_text()
    found = re.search(rf"^(#+) {re.escape(heading)}\n", text, re.M)
    if not found:
        raise DocumentError(f"{document} has no heading {heading!r}")
    rest = text[found.end():]
    end = re.search(rf"^#{{1,{len(found[1])}}} ", rest, re.M)
    return rest[:end.start()] if end else rest


def lines(text: str) -> list[str]:
    """The lines of the indented blocks, those that end in \\ joined."""
    found = re.findall(r"^    (\S.*(?:(?<=\\)\n.*)*)", text, re.M)
    return [re.sub(r"\s*\\\n\s*", " ", line) for line in found]


def line(text: str, start: str) -> str:
    """The only line of the indented blocks that starts so."""
    found = [line for line in lines(text) if line.startswith(start)]
    if len(found) != 1:
        raise DocumentError(f"{len(found)} lines start with {start!r}")
    return found[0]


def files(text: str) -> dict[str, str]:
    """The files that are given whole: a line that ends in the name, and the
    indented block after it."""
    found = re.findall(r"`(/\S+)`\n\n((?:    .*\n)+)", text)
    return {name: re.sub("(?m)^    ", "", block) for name, block in found}
