"""Which connection msgraphd uses: none that holds an answer nobody asked for,
none that was made before a reload, and whom it trusts."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import cert
from harness.daemon import Daemon
from harness.daemon_alone import (  # noqa: F401
    SECRET, USER, daemon, m365, send, settings_for, shared_m365)
from harness.drafts import RANGE, Large, Part
from harness.tls_server import ACCEPTED, Server, answer

TOKEN = answer("200 OK", json.dumps(
    {"token_type": "Bearer", "expires_in": 3599,
     "access_token": "a.b.c"}).encode())
REFUSED = answer("401 Unauthorized", json.dumps(
    {"error": "invalid_client", "error_description": "no"}).encode())
TOO_LARGE = answer("400 Bad Request", json.dumps(
    {"error": {"code": "ErrorMessageSizeExceeded",
               "message": "too large"}}).encode())


# --- what may be left on a connection after an answer

def one_record_more(conn: ssl.SSLSocket, first: bytes, more: bytes) -> None:
    conn.sendall(first)
    conn.sendall(more)


def in_one_record(conn: ssl.SSLSocket, first: bytes, more: bytes) -> None:
    """libcurl reads a body, and not a byte further."""
    head, end, body = first.partition(b"\r\n\r\n")
    conn.sendall(head + end)
    conn.sendall(body + more)


def end_of_tls(conn: ssl.SSLSocket, first: bytes, _more: bytes) -> None:
    """No data, but nothing to send a request to either."""
    conn.sendall(first)
    conn.settimeout(0)
    try:
        conn.unwrap()
    except OSError:
        pass  # the client has not said the same yet
    conn.settimeout(None)


LEFT_OVER = [one_record_more, in_one_record, end_of_tls]


class Chatty:
    """Answers the first request, and leaves something behind."""

    def __init__(self, server: Server, leave: Callable, first: bytes,
                 more: bytes, then: Callable[[bytes], bytes]) -> None:
        self.server, self.leave, self.then = server, leave, then
        self.first, self.more = first, more
        self.left = threading.Event()
        self.connections: list[int] = []  # of each request
        server.serve = self.serve

    def serve(self, conn: ssl.SSLSocket) -> None:
        number = len(self.server.protocols)
        while True:
            _, body = self.server.read(conn)
            self.connections.append(number)
            if len(self.connections) > 1:
                conn.sendall(self.then(body))
                continue
            # so that all of it arrives at once
            conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
            self.leave(conn, self.first, self.more)
            conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
            self.left.set()
            if self.leave is end_of_tls:
                conn.recv(1)


@pytest.fixture
def server(m365):
    server = Server(m365)
    yield server
    server.close()


def restart(daemon: Daemon, **settings: str) -> None:
    daemon.stop()
    daemon.settings |= settings
    daemon.start()


@pytest.mark.parametrize("leave", LEFT_OVER)
def test_left_over_answer_of_graph_is_not_believed(daemon, server, leave):
    """The second message is refused, and nobody wonders what became of it."""
    assert daemon.auth(USER, SECRET) == "OK"
    restart(daemon, graph_endpoint=server.url)
    chatty = Chatty(server, leave, answer("202 Accepted", b"{}"), ACCEPTED,
                    lambda body: TOO_LARGE)
    assert send(daemon, identity=USER).status == "sent"
    assert chatty.left.wait(10)
    reply = send(daemon, identity=USER)
    assert (reply.status, reply.dsn) == ("bounced", "5.3.4"), reply
    assert chatty.connections == [1, 2]
    assert "outcome=unknown" not in daemon.log()


@pytest.mark.parametrize("leave", LEFT_OVER)
def test_left_over_token_lets_nobody_in(daemon, server, leave):
    """Each question to Entra has a connection of its own."""
    restart(daemon, login_endpoint=server.url)
    chatty = Chatty(server, leave, TOKEN, TOKEN, lambda body: REFUSED)
    assert daemon.auth(USER, SECRET) == "OK"
    assert chatty.left.wait(10)
    assert daemon.auth(USER, "rubbish").startswith("NO")
    assert chatty.connections == [1, 2]


@pytest.mark.parametrize("leave", LEFT_OVER)
def test_left_over_answer_of_an_upload_host(m365, daemon, server, leave):
    assert daemon.auth(USER, SECRET) == "OK"
    upload = Server(m365)
    chatty = Chatty(
        upload, leave, answer("200 OK", json.dumps(
            {"nextExpectedRanges": [f"{RANGE}-"]}).encode()),
        answer("201 Created"), lambda body: answer("201 Created"))
    answers = {
        "messages": answer("201 Created", b'{"id":"draft-1"}'),
        "createUploadSession": answer("201 Created", json.dumps(
            {"uploadUrl": upload.url + "/up"}).encode()),
        "send": ACCEPTED}

    def graph(conn: ssl.SSLSocket) -> None:
        while True:
            step, _ = server.read(conn)
            conn.sendall(answers[step])
    server.serve = graph
    restart(daemon, graph_endpoint=server.url)
    assert Large([Part(RANGE + 1000)]).submit(daemon).status == "sent"
    assert chatty.connections == [1, 2]
    upload.close()


# --- answers without end

def accepted_and_trailers(conn: ssl.SSLSocket) -> None:
    conn.sendall(b"HTTP/1.1 202 Accepted\r\n"
                 b"Transfer-Encoding: chunked\r\n\r\n0\r\n")
    endless(conn, b"X-Fill: " + b"x" * 50 + b"\r\n")


def short_trailers(conn: ssl.SSLSocket) -> None:
    """Each costs libcurl more than its bytes."""
    conn.sendall(b"HTTP/1.1 202 Accepted\r\n"
                 b"Transfer-Encoding: chunked\r\n\r\n0\r\n")
    endless(conn, b"a:b\r\n")


def interim_answers(conn: ssl.SSLSocket) -> None:
    endless(conn, b"HTTP/1.1 102 Processing\r\nX-Fill: xxxxxx\r\n\r\n")


def endless(conn: ssl.SSLSocket, piece: bytes) -> None:
    while True:
        conn.sendall(piece * 200)


def memory(daemon: Daemon) -> int:
    """The most that the process ever had, in kB."""
    status = Path(f"/proc/{daemon.process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


@pytest.mark.parametrize("talk, status", [
    (accepted_and_trailers, "sent"), (short_trailers, "sent"),
    (interim_answers, "deferred")])
def test_endless_answer_is_cut_off(daemon, server, talk, status):
    assert daemon.auth(USER, SECRET) == "OK"
    restart(daemon, graph_endpoint=server.url, request_timeout="20s")

    def serve(conn: ssl.SSLSocket) -> None:
        server.read(conn)
        talk(conn)
    server.serve = serve
    before, start = memory(daemon), time.monotonic()
    reply = send(daemon, identity=USER)
    assert reply.status == status, reply
    assert time.monotonic() - start < 15
    assert memory(daemon) - before < 16_000


# --- whom to trust

def reload(daemon: Daemon) -> None:
    count = daemon.log().count("configuration reloaded")
    daemon.process.send_signal(signal.SIGHUP)
    Daemon.wait(lambda: daemon.log().count("configuration reloaded") > count)


@pytest.fixture
def strange_ca(tmp_path):
    """The certificate of nobody in these tests."""
    (tmp_path / "strange").mkdir()
    return cert.make(tmp_path / "strange")[1]


@pytest.mark.parametrize("seconds", [0, 3])
def test_replaced_bundle_counts_from_the_reload_on(
        m365, daemon, tmp_path, strange_ca, seconds):
    """Also where a connection is open that the old one made good."""
    bundle = tmp_path / "bundle.pem"
    shutil.copy(m365.ca_file, bundle)
    restart(daemon, ca_file=str(bundle))
    assert daemon.auth(USER, SECRET) == "OK"
    assert send(daemon, identity=USER).status == "sent"
    shutil.copy(strange_ca, bundle)
    reload(daemon)
    time.sleep(seconds)  # libcurl tells the age of a connection in seconds
    reply = send(daemon, identity=USER)
    assert (reply.status, reply.dsn) == ("deferred", "4.4.1"), reply
    assert "certificate" in reply.text
    assert daemon.auth(USER, "another") == ""
    shutil.copy(m365.ca_file, bundle)
    reload(daemon)
    assert send(daemon, identity=USER).status == "sent"


class WithStore(Daemon):
    """A msgraphd for which a folder is the system's store."""

    def command(self, *args: str) -> list[str]:
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c",
                'mount --bind "$0" /etc/ssl/certs && exec "$@"',
                str(self.directory / "store"), *super().command(*args)]


def may_mount() -> bool:
    return subprocess.run(
        ["unshare", "--mount", "mount", "--bind", "/etc", "/etc"],
        capture_output=True).returncode == 0


@pytest.mark.skipif(not may_mount(), reason="no mounts in here")
@pytest.mark.parametrize("ca_file, answer", [(False, "OK"), (True, "")])
def test_ca_file_replaces_the_store(m365, tmp_path, strange_ca, ca_file,
                                    answer):
    """Not only its bundle but the folder of single certificates too."""
    store = tmp_path / "store"
    store.mkdir()
    shutil.copy(m365.ca_file, store / "ca.pem")
    subprocess.run(["openssl", "rehash", str(store)], check=True)
    shutil.copy(strange_ca, store / "ca-certificates.crt")
    settings = settings_for(m365)
    settings["ca_file"] = str(strange_ca) if ca_file else ""
    with WithStore(tmp_path, settings) as daemon:
        assert daemon.auth(USER, SECRET) == answer
        assert ("certificate" in daemon.log()) == ca_file
