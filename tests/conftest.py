"""For all tests: what is skipped is written down (skipped.py), and the files that
take longest begin first, so that none of them is waited for at the end."""

from __future__ import annotations

import pytest

from skipped import pytest_terminal_summary  # noqa: F401

# longest first; "pytest --durations=0 -vv" has the figures
LONG = ("azure_faults", "setup_undo", "setup_interrupted", "setup",
        "identities_managed", "identities_credentials", "setup_running",
        "maps_socketmap", "plugin_standalone", "documents", "maps_whole",
        "moving_over", "standby", "fairness", "daemon_trouble", "doctor",
        "daemon_fair", "daemon_alone", "doctor_harmless", "a_day")


def turn(item: pytest.Item) -> int:
    name = item.path.stem.removeprefix("test_")
    return LONG.index(name) if name in LONG else len(LONG)


def pytest_configure(config: pytest.Config) -> None:
    # later versions of pytest-xdist begin with the files of most tests
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=turn)
