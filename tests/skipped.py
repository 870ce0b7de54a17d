"""A pytest plugin: writes the tests that were skipped, with the reason, to
build/skipped, which "make check" shows at its end."""

from __future__ import annotations

import os
from pathlib import Path

USUAL = Path(__file__).resolve().parents[1] / "build" / "skipped"


def pytest_terminal_summary(terminalreporter) -> None:
    reports = terminalreporter.stats.get("skipped", [])
    if not reports:
        return
    file = Path(os.environ.get("SKIPPED", USUAL))
    file.parent.mkdir(exist_ok=True)
    with file.open("a") as lines:
        for report in reports:
            reason = report.longrepr[2].removeprefix("Skipped: ")
            lines.write(f"{report.nodeid}: skipped, {reason}\n")
