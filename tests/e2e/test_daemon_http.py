"""msgraphd alone, with a server that ends its connections in its own ways."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator

import pytest

from emulator.client import Emulator
from harness.daemon import Daemon
from harness.daemon_alone import (  # noqa: F401
    MESSAGE, SECRET, USER, daemon, m365, shared_m365)
from harness.drafts import Large, Part
from harness.tls_server import ACCEPTED, Server

CREATED = (b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n"
           b"Content-Length: 16\r\n\r\n{\"id\":\"draft-1\"}")
LAST = b"\r\nConnection: close\r\n\r\n"
LONG = MESSAGE + (b"x" * 70 + b"\r\n") * 40_000


@pytest.fixture
def server(m365: Emulator, daemon: Daemon) -> Iterator[Server]:
    """What msgraphd takes for Graph, with the emulator's token."""
    server = Server(m365)
    daemon.auth(USER, SECRET)
    daemon.stop()
    daemon.settings["graph_endpoint"] = server.url
    daemon.start()
    yield server
    server.close()


def test_http_1_1_alone_is_offered(daemon, server):
    """A server that has both would choose HTTP/2."""
    assert daemon.submit(MESSAGE, identity=USER).status == "sent"
    assert server.protocols == ["http/1.1"]


def test_202_before_the_whole_message_is_no_acceptance(daemon, server):
    server.serve = server.accept_and_reset
    reply = daemon.submit(LONG, identity=USER)
    assert (reply.status, reply.dsn) == ("deferred", "4.4.1"), reply
    assert "before it had the whole message" in reply.text
    assert ", http=202, outcome=unknown, " in daemon.log()
    server.serve = server.accept
    assert daemon.submit(LONG, identity=USER).status == "sent"


def test_early_202_counts_when_the_rest_was_taken(daemon, server):
    server.serve = lambda conn: server.accept(conn, early=True)
    assert daemon.submit(LONG, identity=USER).status == "sent"


@pytest.mark.parametrize("what", ["messages", "attachments"])
def test_early_201_is_no_draft_and_no_attachment(daemon, server, what):
    """Nobody knows what of it is there: another draft, and all of it."""
    seen: list[str] = []

    def serve(conn: ssl.SSLSocket) -> None:
        head, body = server.head(conn)
        seen.append(head.split()[1].decode().rpartition("/")[2])
        if seen[-1] == what and seen.count(what) == 1:
            conn.sendall(CREATED)
            time.sleep(0.3)
            server.reset(conn)
            return
        server.rest(conn, head, body)
        answer = ACCEPTED if seen[-1] == "send" else CREATED
        # or the next request comes over a connection that is closing
        conn.sendall(answer.replace(b"\r\n\r\n", LAST))
    server.serve = serve
    large = Large([Part(2_900_000)], rest=LONG)
    assert large.submit(daemon).status == "deferred"
    first = len(seen)
    assert large.submit(daemon).status == "sent"
    assert [step for step in seen[first:] if step != "draft-1"] == [
        "messages", "attachments", "send"]


def test_lost_connection_is_called_so(daemon, server):
    """libcurl speaks of its seek callback when it may not post again."""
    def serve(conn: ssl.SSLSocket) -> None:
        server.accept(conn)
        server.head(conn)
    server.serve = serve
    assert daemon.submit(MESSAGE, identity=USER).status == "sent"
    reply = daemon.submit(MESSAGE + b"2\r\n", identity=USER)
    assert (reply.status, reply.dsn) == ("deferred", "4.4.1"), reply
    assert reply.text.startswith(
        "no answer from Graph: the connection was lost; Graph may have")
    assert "seek" not in daemon.log()
