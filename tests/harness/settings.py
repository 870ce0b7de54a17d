"""What msgraphd -t says of a msgraph.conf."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from .process import BUILD

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def read_settings(conf: Path) -> dict[str, str]:
    """Every setting with its value."""
    done = subprocess.run([str(BUILD / "msgraphd"), "-c", str(conf), "-t"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = (line.split(" =", 1) for line in done.stdout.splitlines()
            if line and not line.startswith("#"))
    return {name: value.strip() for name, value in rows}


def seconds(text: str) -> int:
    number, unit = re.fullmatch(r"(\d+)([smhd]?)", text).groups()
    return int(number) * SECONDS[unit or "s"]
