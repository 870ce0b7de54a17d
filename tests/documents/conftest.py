"""The copy of this host on which the documents are followed, from a host with
Postfix as Debian has it to one with nothing of ours. The files and their tests
are in the order in which an admin would come to them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from boot import host

from emulator.client import Emulator
from harness import cert

IS_COPY = "ON_COPY" in os.environ
LIVE = Path("/etc/letsencrypt/live/relay.example.com")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if not IS_COPY and Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.skip("only on a copy: tests/on-copy"))


@pytest.fixture(scope="session", autouse=True)
def stock() -> None:
    """Postfix will be asked for a configuration of Debian's; the relay's name
    leads here, and its certificate is one that this host trusts."""
    if not IS_COPY:
        return
    subprocess.run(
        ["debconf-set-selections"], check=True, text=True,
        input="postfix postfix/main_mailer_type select Local only\n")
    subprocess.run(["hostname", "relay.example.com"], check=True)
    with open("/etc/hosts", "a") as file:
        file.write("127.0.0.1 relay.example.com\n")
    LIVE.mkdir(parents=True)
    key, crt = cert.make(LIVE, "relay.example.com")
    shutil.copy(crt, "/usr/local/share/ca-certificates")
    key.rename(LIVE / "privkey.pem")
    crt.rename(LIVE / "fullchain.pem")
    subprocess.run(["update-ca-certificates"], check=True, capture_output=True)


@pytest.fixture(scope="session")
def m365() -> Iterator[Emulator]:
    """Entra and Graph; msgraph.conf, which make install brings, names it."""
    emulator = host.prepare()
    yield emulator
    emulator.stop()
