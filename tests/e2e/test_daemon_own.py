"""msgraphd alone, with credentials of the relay's own: what stays of them in its
memory, and that nobody signs in by them."""

from __future__ import annotations

import signal
import threading

import pytest

from harness import leaks
from harness.arc import arc_folder
from harness.credentials import Certificate, Issuer
from harness.daemon import Daemon
from harness.daemon_alone import (  # noqa: F401
    CLIENT, TENANT, USER, m365, send, settings_for, shared_m365)

SECRET = "the-relays~own+secret/of=this-test"
SUBJECT = "system:serviceaccount:mail:relay"
ENTRY = {"identity": USER, "entry": "printers"}


@pytest.fixture
def daemon(m365, tmp_path):  # noqa: F811
    table = tmp_path / "identities"
    table.write_text("")
    daemon = Daemon(tmp_path, {**settings_for(m365), "allowed_tenants": "any",
                               "identity_maps": str(table)})
    with daemon:
        yield daemon


def give(daemon: Daemon, attribute: str, text: str,
         is_file: bool = True) -> None:
    """An entry with such a credential, in force."""
    file = daemon.directory / "credential"
    file.write_text(text)
    file.chmod(0o400)
    (daemon.directory / "identities").write_text(
        f"printers application={TENANT}/{CLIENT} "
        f"{attribute}={file if is_file else text}\n")
    reloaded = daemon.log().count("configuration reloaded")
    daemon.process.send_signal(signal.SIGHUP)
    Daemon.wait(lambda: daemon.log().count("configuration reloaded")
                > reloaded)


def proof(m365) -> str:  # noqa: F811
    """The secret or assertion of the last request."""
    return m365.requests("token")[-1].body.decode().rpartition("=")[2]


def wait_wiped(daemon: Daemon, *values: str | bytes) -> None:
    Daemon.wait(lambda: not leaks.in_memory(values, daemon.process.pid), 3)


def test_secret_is_wiped(m365, daemon):  # noqa: F811
    m365.app(TENANT, CLIENT, SECRET)
    give(daemon, "secret_file", SECRET)
    assert send(daemon, **ENTRY).status == "sent"
    wait_wiped(daemon, SECRET)


def test_key_and_assertion_are_wiped(m365, daemon):  # noqa: F811
    certificate = Certificate()
    m365.app(TENANT, CLIENT, certificates=[certificate.public])
    give(daemon, "certificate_file", certificate.pem)
    assert send(daemon, **ENTRY).status == "sent"
    numbers = certificate.key.private_numbers()
    wait_wiped(daemon, proof(m365), *certificate.pem.splitlines()[3:20])
    # as OpenSSL has them: the least byte first
    for number in (numbers.d, numbers.p, numbers.q, numbers.dmp1):
        wait_wiped(daemon, number.to_bytes(256, "little")[:64])


def test_federated_token_is_wiped(m365, daemon):  # noqa: F811
    issuer = Issuer()
    token = issuer.token(SUBJECT)
    m365.app(TENANT, CLIENT, federated=[issuer.trust(SUBJECT)])
    give(daemon, "federated_token_file", token)
    assert send(daemon, **ENTRY).status == "sent"
    assert proof(m365) == token
    wait_wiped(daemon, token, token.rpartition(".")[2])


def test_key_of_arc_is_wiped(m365, daemon):  # noqa: F811
    m365.identities(arc=f"{TENANT}/{CLIENT}", arc_owner="root")
    give(daemon, "managed_identity", "arc", is_file=False)
    with arc_folder():
        assert send(daemon, **ENTRY).status == "sent"
    _, second = m365.requests("imds")
    key = second.header("Authorization").removeprefix("Basic ")
    assert len(key) == 64
    wait_wiped(daemon, key)


def test_search_finds_an_assertion_in_use(m365, daemon):  # noqa: F811
    certificate = Certificate()
    m365.app(TENANT, CLIENT, certificates=[certificate.public])
    give(daemon, "certificate_file", certificate.pem)
    m365.rules({"endpoint": "token", "action": "stall", "accept": True})
    sending = threading.Thread(target=send, args=(daemon,), kwargs=ENTRY)
    sending.start()
    m365.wait_stalled()
    assert leaks.in_memory([proof(m365)], daemon.process.pid)
    m365.release()
    sending.join()
    wait_wiped(daemon, proof(m365))


def test_failures_are_wiped(m365, daemon):  # noqa: F811
    certificate = Certificate()
    m365.app(TENANT, CLIENT, SECRET)
    give(daemon, "certificate_file", certificate.pem)
    m365.rules({"endpoint": "token", "action": "close", "when": "after"})
    for _ in range(2):  # once without an answer, once refused
        assert send(daemon, **ENTRY).status == "deferred"
        wait_wiped(daemon, proof(m365), *certificate.pem.splitlines()[3:20])
    (daemon.directory / "credential").unlink()
    give(daemon, "secret_file", f"{SECRET}\n{SECRET}\n")
    assert send(daemon, **ENTRY).status == "deferred"
    wait_wiped(daemon, SECRET)


def test_nobody_signs_in_by_it(m365, daemon):  # noqa: F811
    """Only by Entra's answer to the very secret that a client shows."""
    m365.app(TENANT, CLIENT, SECRET)
    give(daemon, "secret_file", SECRET)
    assert send(daemon, **ENTRY).status == "sent"
    asked = len(m365.requests("token"))
    m365.rules({"endpoint": "token", "times": -1, "status": 503})
    assert daemon.auth(USER, SECRET) == ""  # not now
    m365.clear_rules()
    m365.app(TENANT, CLIENT, "another~secret")
    Daemon.wait(lambda: daemon.auth(USER, SECRET).startswith("NO"))
    assert len(m365.requests("token")) > asked + 1
    # and it sends on, by its token
    assert send(daemon, **ENTRY).status == "sent"


def test_its_token_is_nobodys_secret(m365, daemon):  # noqa: F811
    """Mail of a client that has signed in goes by that client's secret."""
    m365.app(TENANT, CLIENT, SECRET, "typed~secret")
    give(daemon, "secret_file", SECRET)
    assert daemon.auth(USER, "typed~secret").startswith("OK")
    assert send(daemon, identity=USER).status == "sent"
    assert send(daemon, **ENTRY).status == "sent"
    used = [request.body.decode().rpartition("=")[2]
            for request in m365.requests("token")]
    assert used == ["typed~secret", SECRET.replace("+", "%2B").replace(
        "/", "%2F").replace("=", "%3D")]
