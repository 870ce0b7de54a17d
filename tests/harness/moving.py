"""The pages about moving here from another relay, and which test shows that ours
does the same for a setting of theirs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Callable

from . import example

E2E = Path(__file__).resolve().parents[1] / "e2e"
ROW = re.compile(r"^\| (.+?) \| (.+) \|$", re.M)

# (page, setting): test
shown: dict[tuple[str, str], str] = {}


def moves(page: str, *settings: str) -> Callable:
    """Marks the test of settings that a page names in the first column of a
    table."""
    def register(test: Callable) -> Callable:
        for setting in settings:
            shown[page, setting] = test.__name__
        return test
    return register


def elsewhere(page: str, test: str, *settings: str) -> None:
    """Names a test of another file: "test_x.py::test_name"."""
    file, _, name = test.partition("::")
    if not re.search(rf"^def {name}\(", (E2E / file).read_text(), re.M):
        raise example.ExampleError(f"there is no {test}")
    for setting in settings:
        shown[page, setting] = test


def rows(page: str) -> dict[str, str]:
    """Each setting of the page's tables, and what the page says of it."""
    text = (example.ROOT / "docs" / page).read_text()
    found = {}
    for names, ours in ROW.findall(text):
        if names not in ("there", "`Get-InboundConnector`") and "---" not in names:
            for name in re.findall(r"`([^`]+)`", names) or [names]:
                found[name] = ours
    return found
