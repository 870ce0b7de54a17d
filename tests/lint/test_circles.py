"""No two files of these folders need each other: a reader can begin with the
one that needs none."""

from __future__ import annotations

import re

import pytest

from lint import sources

OWN = re.compile(r'^#include "(\w+)\.h"$', re.M)


def needs(folder: str) -> dict[str, set[str]]:
    """For each C file of the folder, the others whose headers it includes."""
    files = {path.stem: path.read_text()
             for path in (sources.ROOT / folder).glob("*.c")}
    return {name: set(OWN.findall(text)) & set(files) - {name}
            for name, text in files.items()}


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


@pytest.mark.parametrize("folder", ["agent/daemon/delivery",
                                    "agent/daemon/throttle",
                                    "agent/daemon/turn"])
def test_no_two_files_need_each_other(folder):
    found = needs(folder)
    assert found
    assert circle(found) == set()
