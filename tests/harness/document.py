"""README.md and docs/, from which tests take the commands and tables that an
admin is told."""

from __future__ import annotations

import re
from collections.abc import Iterator

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


# --- all that an admin is told to type

DOCUMENTS = ["README.md", *sorted(
    f"docs/{path.name}" for path in example.ROOT.glob("docs/*.md"))]
PAGES = sorted(str(path.relative_to(example.ROOT)) for top in (
    "agent", "lib", "milter", "saslauthd-plugin")
    for path in (example.ROOT / top).rglob("*.[58]"))
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
INLINE = re.compile(r"`([^`]+)`")
CMDLET = re.compile(r"[A-Z][a-z]+-[A-Z]\w+$")


def indented(text: str) -> list[str]:
    """The indented blocks, those of lists included, and the fenced blocks of a
    shell."""
    def indent(found: re.Match) -> str:
        return re.sub("(?m)^", "    ", found[2]) if found[1] in (
            "sh", "powershell") else ""
    found = re.findall(r"(?<=\n\n) {4,}\S.*\n(?:(?: {4}.*)?\n)*",
                       FENCE.sub(indent, text))
    return [re.sub(rf"(?m)^{re.match(' *', block)[0]}", "", block)
            for block in found]


def displayed(text: str) -> list[str]:
    """The same of a man page."""
    return re.findall(r"(?m)^\.Dl (.*\n)", text) + re.findall(
        r"(?ms)^\.Bd -literal.*?\n(.*?)^\.Ed$", text)


def typed(block: str) -> Iterator[str]:
    """What a shell reads as one, in words with one blank between: a line, with
    those after a \\ or |, up to the end of a here document, but for comments."""
    command, end = "", None
    for line in block.splitlines():
        command += f"\n{line}"
        here = re.search(r"<<(\w+)$", line)
        end = here[1] if here else None if line == end else end
        if end or line.endswith(("\\", "|")):
            continue
        words = re.sub(r"\\\n|\s+", " ", re.sub(r"\s{2,}# .*", "", command))
        if words.strip():
            yield " ".join(words.split())
        command = ""


def blocks(document: str) -> list[list[str]]:
    """The commands of each block that stands apart. Blocks hold other text,
    too: settings, lines of a log."""
    text = (example.ROOT / document).read_text()
    cut = displayed if document in PAGES else indented
    return [list(typed(block)) for block in cut(text)]


def inline(document: str, programs: set[str]) -> list[str]:
    """What stands within the text and begins with one of the programs, and has
    more words than that."""
    text = FENCE.sub("", (example.ROOT / document).read_text())
    text = re.sub(r"(?m)^    .*$", "", text)
    found = []
    for quoted in INLINE.findall(text):
        first, *more = [word for word in quoted.split() if not re.match(
            r"[A-Z_]+=", word)] or [""]
        if more and (first in programs or CMDLET.match(first)
                     ) or first.startswith("tests/") and first != quoted:
            found.append(" ".join(quoted.split()))
    return found


def command(document: str, start: str) -> str:
    """The only command that begins so, or is just that."""
    found = [line for block in blocks(document) for line in block]
    if document in DOCUMENTS:
        found += inline(document, {start.split()[0]})
    same = {line for line in found if line == start} or {
        line for line in found if line.startswith(start)}
    if len(same) != 1:
        raise DocumentError(f"{document} has {start!r} as {same}")
    return same.pop()
