"""Which code is in which program: what holds secrets has no reader of mail, so
no hostile message can reach it. The linker's own tables are asked."""
from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness.process import BUILD

# made beside the programs by every "make"
MAIL = Path(__file__).resolve().parents[2] / "build" / "mail.a"


def functions(file: Path, *options: str) -> set[str]:
    """The functions that an archive or program defines."""
    out = subprocess.run(
        ["nm", "--defined-only", "--format=posix", *options, file],
        capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in out.splitlines()]
    return {row[0] for row in rows if len(row) > 1 and row[1] in "Tt"}


@pytest.mark.parametrize("program, reads_mail", [
    ("msgraphd", False), ("libentra.so", False),
    ("msgraph-agent", True), ("msgraph-milter", True)])
def test_who_reads_mail(program, reads_mail):
    offered = functions(MAIL, "--extern-only")
    assert {"address_next", "header_next", "mime_next"} <= offered
    present = functions(BUILD / program)
    assert present, f"{program} is stripped: its parts cannot be told"
    assert bool(offered & present) == reads_mail
