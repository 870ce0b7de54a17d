"""Every command that the documents show is typed as it stands there, on a copy
of this host; tests/documents has them in order."""

from __future__ import annotations

import subprocess
import sys

import pytest

from harness import example


def test_documents():
    done = subprocess.run(
        ["tests/on-copy", sys.executable, "-B", "-m", "pytest",
         "tests/documents"], cwd=example.ROOT, text=True, timeout=900,
        stdin=subprocess.DEVNULL, capture_output=True)
    if done.returncode == 77:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stdout + done.stderr
