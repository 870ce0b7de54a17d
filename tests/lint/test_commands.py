"""Every command that README.md, docs/ and the man pages show is run by a test,
or has a reason why it cannot be; commands.table says which."""

from __future__ import annotations

import re

import pytest

from harness import document, example

TABLE = example.ROOT / "tests" / "lint" / "commands.table"
SHOWN = [*document.DOCUMENTS, *document.PAGES]
TEXT = "text"


def read_table() -> dict[str, list[str]]:
    """The patterns below each heading, which is the first word of its line."""
    table: dict[str, list[str]] = {}
    for line in TABLE.read_text().splitlines():
        if line.startswith(" "):
            table[heading].append(line.strip())
        elif line and not line.startswith("#"):
            heading = line.split()[0]
            assert heading not in table, heading
            table[heading] = []
    return table


ROWS = read_table()
PROGRAMS = set(" ".join(ROWS.pop("programs")).split())
REASONS = set(" ".join(ROWS.pop("reasons")).split())


def matches(pattern: str, command: str) -> bool:
    """A pattern is the command, with ... for whatever stands there."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("..."))),
                        command) is not None


def claims(command: str) -> list[str]:
    """Text is what nothing else claims."""
    found = [where for where, patterns in ROWS.items()
             if any(matches(pattern, command) for pattern in patterns)]
    return [where for where in found if where != TEXT] or found


def is_text(block: list[str]) -> bool:
    return claims(block[0]) == [TEXT]


def commands(name: str) -> list[str]:
    """Each once, and a block that is no shell's by its first line alone."""
    found = [command for block in document.blocks(name)
             for command in (block[:1] if is_text(block) else block)]
    if name in document.DOCUMENTS:
        found += document.inline(name, PROGRAMS)
    return list(dict.fromkeys(found))


COMMANDS = {name: commands(name) for name in SHOWN}


@pytest.mark.parametrize("name", SHOWN)
def test_every_command_is_claimed(name):
    """By one test or one reason; some by several tests."""
    for command in COMMANDS[name]:
        found = claims(command)
        assert found, f"no row of commands.table has {command!r}"
        assert len(found) == 1 or not REASONS & set(found), (command, found)


def has(where: str, pattern: str, names: list[str]) -> bool:
    """Whether a test names one of the documents, or has the command itself."""
    text = (example.ROOT / where).read_text()
    words = " ".join(text.replace("\\\n", " ").split())
    return pattern in words or any(
        name.rpartition("/")[2] in text for name in names)


@pytest.mark.parametrize("where", ROWS)
def test_every_row_is_shown(where):
    for pattern in ROWS[where]:
        names = [name for name in SHOWN for command in COMMANDS[name]
                 if matches(pattern, command)]
        assert names, f"nothing shows {pattern!r}"
        if where not in REASONS:
            assert has(where, pattern, names), (
                f"{where} has nothing from {sorted(set(names))}: {pattern!r}")


@pytest.mark.parametrize("start", ROWS["mention"])
def test_what_is_mentioned_is_run_elsewhere(start):
    """A mention is the beginning of a command that a test runs."""
    rest = {command for name in SHOWN for command in COMMANDS[name]
            if command.startswith(f"{start} ")}
    assert any(not REASONS & set(claims(command)) for command in rest)


def test_programs_are_shown():
    first = {word for name in SHOWN for command in COMMANDS[name]
             for word in command.split()}
    assert not PROGRAMS - first
