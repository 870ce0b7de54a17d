from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
from oracle.readers import GMime, Lib


@pytest.fixture(scope="session")
def lib() -> Lib:
    return Lib()


@pytest.fixture(scope="session")
def gmime() -> GMime:
    return GMime()
