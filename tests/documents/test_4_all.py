"""What tests/lint/commands.table says that these files run, they have run."""

from __future__ import annotations

import pytest
from lint.test_commands import ROWS, matches

from harness.typed import DONE


@pytest.mark.parametrize("pattern", [
    pattern for where, patterns in ROWS.items()
    if where.startswith("tests/documents/") for pattern in patterns])
def test_it_was_run(pattern):
    assert any(matches(pattern, command) for command in DONE)
