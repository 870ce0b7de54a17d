#!/usr/bin/python3
"""Holds every #include of the source to folders.table, beside this file.

folders.py [TREE]            names each include that the table forbids
folders.py --picture [TREE]  prints the table as a Mermaid flowchart

An include is written in one of two ways only: bare for a header of the same
folder, with its folders from the top for any other. So a reader sees at once
what a file uses, and this needs to resolve nothing.

Exit status: 0 all is well; 1 a rule is broken (a line each, as compilers write
them: FILE:LINE: text); 2 the table itself is wrong.
"""
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

TABLE = Path(__file__).resolve().with_name("folders.table")
SOURCES = ("agent", "lib", "milter", "saslauthd-plugin")
INCLUDE = re.compile(r'\s*#\s*include\s*(<[^>]+>|"[^"]+")')


class TableError(Exception):
    """The table cannot be used as it is."""


@dataclass
class Rules:
    """What the table says."""

    uses: dict[str, list[str]] = field(default_factory=dict)
    places: dict[str, list[str]] = field(default_factory=dict)

    def reach(self, folder: str, below: tuple[str, ...] = ()) -> set[str]:
        """All folders that a folder may use, itself included."""
        if folder in below:
            raise TableError(" uses ".join([*below, folder]) + ": a circle")
        found = {folder}
        for used in self.uses[folder]:
            found |= self.reach(used, (*below, folder))
        return found


def read_table(text: str) -> Rules:
    """The rules; TableError for what is no rule."""
    rules = Rules()
    for number, line in enumerate(text.splitlines(), 1):
        line = line.split("#")[0].strip()
        if not line:
            continue
        name, colon, rest = line.partition(":")
        into = rules.places if name.startswith("<") else rules.uses
        if not colon or name in into:
            raise TableError(f"line {number}: no rule, or a second one for "
                             f"the same name: {line}")
        into[name] = rest.split()
    for folder, used in rules.uses.items():
        for name in used:
            if name not in rules.uses:
                raise TableError(f"{folder} uses {name}, which has no line")
        rules.reach(folder)
    return rules


def is_within(path: str, place: str) -> bool:
    """Whether a file is the place, or stands in or under it."""
    return path == place or path.startswith(place + "/")


def check_include(rules: Rules, path: str, included: str) -> str | None:
    """What is wrong with one include, written as in the source, or None."""
    folder = path.rpartition("/")[0]
    if included.startswith("<"):
        places = rules.places.get(included)
        if places is None or any(is_within(path, place) for place in places):
            return None
        return f"{included} may be used in {', '.join(places)} alone"
    target, _, name = included.strip('"').rpartition("/")
    if not target:
        return None
    if target == folder:
        return f'{included} is in the same folder: write "{name}"'
    if target not in rules.uses:
        return f"{included} is in no folder of the table"
    allowed = rules.reach(folder)
    if target not in allowed:
        may = ", ".join(sorted(allowed - {folder})) or "no other folder"
        return f"{folder} must not use {target}; it may use {may}"
    return None


def check_file(rules: Rules, tree: Path, path: str) -> list[str]:
    """What is wrong in one file."""
    folder = path.rpartition("/")[0]
    if folder not in rules.uses:
        return [f"{path}:1: {folder} has no line in {TABLE.name}"]
    wrong = []
    text = (tree / path).read_text(errors="replace")
    for number, line in enumerate(text.splitlines(), 1):
        found = INCLUDE.match(line)
        problem = found and check_include(rules, path, found[1])
        if problem:
            wrong.append(f"{path}:{number}: {problem}")
    return wrong


def check_tree(rules: Rules, tree: Path) -> list[str]:
    """What is wrong in all C files of a tree."""
    wrong, seen = [], set()
    for source in SOURCES:
        for file in sorted((tree / source).rglob("*.[ch]")):
            path = file.relative_to(tree).as_posix()
            seen.add(path.rpartition("/")[0])
            wrong += check_file(rules, tree, path)
    return wrong + [f"{TABLE.name}: {folder} has a line and no files"
                    for folder in rules.uses if folder not in seen]


def picture(rules: Rules) -> str:
    """The table as a flowchart in Mermaid's words."""
    lines = ["```mermaid", "flowchart TD"]
    for folder, used in rules.uses.items():
        lines.append(f"    {folder}")
        lines += [f"    {folder} --> {name}" for name in used]
    return "\n".join([*lines, "```"])


def main(words: list[str]) -> int:
    """Runs one call; returns the exit status."""
    try:
        rules = read_table(TABLE.read_text())
    except TableError as error:
        print(f"{TABLE.name}: {error}", file=sys.stderr)
        return 2
    if words[:1] == ["--picture"]:
        print(picture(rules))
        return 0
    tree = Path(words[0]) if words else TABLE.parents[2]
    wrong = check_tree(rules, tree)
    print("\n".join(wrong), end="\n" if wrong else "", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
