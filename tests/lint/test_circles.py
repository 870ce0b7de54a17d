"""No two files of these folders need each other: a reader can begin with the
one that needs none. Asked are the headers that a file includes, and the
programs as built: whose functions a file's object calls."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from lint import sources

OWN = re.compile(r'^#include "(\w+)\.h"$', re.M)


def needs(folder: str) -> dict[str, set[str]]:
    """For each C file of the folder, the others whose headers it includes, in
    its own header or beside it."""
    files = {path.stem: path.read_text() + own_header(path)
             for path in (sources.ROOT / folder).glob("*.c")}
    return {name: set(OWN.findall(text)) & set(files) - {name}
            for name, text in files.items()}


def own_header(path: Path) -> str:
    header = path.with_suffix(".h")
    return header.read_text() if header.exists() else ""


def symbols(obj: Path, which: str) -> set[str]:
    """The names that an object defines, or that it needs from others."""
    return set(subprocess.run(["nm", "-j", which, str(obj)], check=True,
                              capture_output=True, text=True).stdout.split())


def calls(folder: str) -> dict[str, set[str]]:
    """For each C file of the folder, the others whose names it uses."""
    objects = {path.stem: sources.BUILD / "obj" / folder / f"{path.stem}.o"
               for path in (sources.ROOT / folder).glob("*.c")}
    owner = {symbol: name for name, obj in objects.items()
             for symbol in symbols(obj, "--extern-only")
             - symbols(obj, "--undefined-only")}
    return {name: {owner[symbol] for symbol in
                   symbols(obj, "--undefined-only") if symbol in owner}
            for name, obj in objects.items()}


def circle(needed: dict[str, set[str]]) -> set[str]:
    """The files that are left when those that need none are taken away, again
    and again."""
    left = dict(needed)
    while free := [name for name in left if not left[name] & set(left)]:
        for name in free:
            del left[name]
    return set(left)


def test_a_circle_is_found():
    assert circle({"a": {"b"}, "b": {"c"}, "c": set()}) == set()
    assert circle({"a": {"b"}, "b": {"a"}, "c": {"a"}}) == {"a", "b", "c"}


@pytest.mark.parametrize("asked", [needs, calls])
@pytest.mark.parametrize("folder", ["agent/daemon/delivery",
                                    "agent/daemon/entra",
                                    "agent/daemon/identities",
                                    "agent/daemon/throttle",
                                    "agent/daemon/turn"])
def test_no_two_files_need_each_other(folder, asked):
    found = asked(folder)
    assert found
    assert circle(found) == set()
