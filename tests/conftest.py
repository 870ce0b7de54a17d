"""For all tests: what is skipped is written down (skipped.py), and the files that
take more than a minute begin first, so that none of them is waited for."""

from __future__ import annotations

import pytest

from skipped import pytest_terminal_summary  # noqa: F401

LONG = ("test_azure_faults.py", "test_documents.py",
        "test_setup_interrupted.py", "test_setup_undo.py", "test_standby.py")


def pytest_configure(config: pytest.Config) -> None:
    # later versions of pytest-xdist begin with the files of most tests
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name not in LONG)
