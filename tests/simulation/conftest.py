"""One emulator for all; a msgraphd with a movable clock for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulation.day import SimulatedDaemon
from emulator.client import Emulator


@pytest.fixture(scope="session")
def shared_m365(tmp_path_factory):
    with Emulator(tmp_path_factory.mktemp("m365")) as m365:
        yield m365


@pytest.fixture
def m365(shared_m365: Emulator):
    shared_m365.reset()
    return shared_m365


@pytest.fixture
def daemon(m365: Emulator, tmp_path: Path):
    with SimulatedDaemon(tmp_path, {
            "login_endpoint": m365.url, "graph_endpoint": m365.url,
            "ca_file": m365.ca_file, "request_timeout": "10s",
            "throttle_wait": "0s"}) as daemon:
        yield daemon
