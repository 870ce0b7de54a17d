"""What the tests of msgraphd alone share: an emulator with one application, a
msgraphd that asks it, and messages that no other is like."""

from __future__ import annotations

import itertools
import os
import tempfile
from pathlib import Path

import pytest

from emulator.client import Emulator

from .daemon import Daemon, Reply

TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
USER = f"{TENANT}:{CLIENT}"
SECRET = "s3cr3t~with+odd/chars=&%"
MESSAGE = (b"From: scan@example.com\r\nTo: rcpt@example.org\r\n"
           b"Subject: t\r\n\r\nbody\r\n")
NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def shared_m365(tmp_path_factory):
    with Emulator(tmp_path_factory.mktemp("m365")) as m365:
        yield m365


@pytest.fixture
def m365(shared_m365):
    shared_m365.reset()
    shared_m365.app(TENANT, CLIENT, SECRET)
    return shared_m365


@pytest.fixture
def daemon(m365, tmp_path):
    daemon = Daemon(tmp_path, settings_for(m365))
    with daemon:
        yield daemon


@pytest.fixture
def open_folder():
    """One that every user may read, unlike pytest's."""
    with tempfile.TemporaryDirectory(prefix="msgraph-") as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


def settings_for(m365: Emulator) -> dict[str, str]:
    return {"login_endpoint": m365.url, "graph_endpoint": m365.url,
            "imds_endpoint": m365.imds, "ca_file": m365.ca_file, "connect_timeout": "2s",
            "request_timeout": "3s"}


def send(daemon: Daemon, **fields: str) -> Reply:
    """A message that no other is like: the journal knows them by bytes."""
    return daemon.submit(
        MESSAGE + f"number {next(NUMBERS)}\r\n".encode(), **fields)


def token_requests(m365: Emulator) -> int:
    return len(m365.requests("token"))
