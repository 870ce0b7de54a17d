"""What the emulator's own tests share: one emulator, and a client of it."""

from __future__ import annotations


import pytest

from emulator.client import Emulator
from emulator.graph_client import CLIENT, SECRET, TENANT, Client


@pytest.fixture(scope="session")
def process(tmp_path_factory):
    with Emulator(tmp_path_factory.mktemp("m365")) as emulator:
        yield emulator


@pytest.fixture
def m365(process):
    process.reset()
    process.app(TENANT, CLIENT, SECRET,
                permissions=["Mail.Send", "Mail.ReadWrite"])
    return process


@pytest.fixture
def client(m365):
    """A client that holds a token; the record does not show how it got it."""
    signed = Client(m365).sign_in()
    yield signed
    signed.http.close()
