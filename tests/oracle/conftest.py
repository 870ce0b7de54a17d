from __future__ import annotations

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from readers import GMime, Lib  # noqa: E402


@pytest.fixture(scope="session")
def lib(tmp_path_factory) -> Lib:
    return Lib(tmp_path_factory.mktemp("oracle"))


@pytest.fixture(scope="session")
def gmime() -> GMime:
    return GMime()
