from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
from oracle.readers import GMime, Lib


@pytest.fixture(scope="session")
def lib(tmp_path_factory) -> Lib:
    return Lib(tmp_path_factory.mktemp("oracle"))


@pytest.fixture(scope="session")
def gmime() -> GMime:
    return GMime()
