"""A stand-in for msgraphd's submit socket, for tests of the agent alone.

It takes one record a connection as lib/local/wire.h describes it, follows the
segments through the descriptor that came along, notes what it got and what
the agent looks like while it waits, and answers as it was told to. Questions of
policy get an answer of their own (policyd.py).
"""

from __future__ import annotations

import array
import dataclasses
import os
import queue
import re
import socket
import stat
import struct
from pathlib import Path

import pytest

from . import policyd
from .agent import Agent

SENT = b"status=sent\ndsn=2.0.0\ntext=Graph accepted, request-id=1\n\n"


def reply(status: str, dsn: str, text: str) -> bytes:
    """An answer of msgraphd."""
    return f"status={status}\ndsn={dsn}\ntext={text}\n\n".encode()


@dataclasses.dataclass
class Request:
    """What one agent handed over."""

    fields: list[tuple[str, str]]
    message: bytes
    raw: bytes
    attachments: list[bytes]  # what the record names, decoded
    file_mode: int
    file_links: int
    pid: int
    peak_memory: int  # bytes
    descriptors: int
    limits: str

    def get(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key == name]


def peer_pid(conn: socket.socket) -> int:
    cred = conn.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    return struct.unpack("3i", cred)[0]


def peak_memory(pid: int) -> int:
    text = Path(f"/proc/{pid}/status").read_text()
    match = re.search(r"^VmHWM:\s+(\d+) kB", text, re.M)
    assert match
    return int(match[1]) * 1024


def read_segments(fd: int, segments: list[str]) -> bytes:
    out = b""
    for segment in segments:
        offset, length = map(int, segment.split(","))
        assert length > 0
        piece = os.pread(fd, length, offset)
        assert len(piece) == length, "segment outside the spool file"
        out += piece
    return out


class SubmitDaemon(policyd.PolicyDaemon):
    """with SubmitDaemon(path) as daemon: ...; requests come from .next()."""

    def __init__(self, path: Path, answer: bytes = SENT) -> None:
        super().__init__(path)
        self.answer = answer
        self.answers: list[bytes] = []  # for the first requests, each once
        self.pieces = 1  # the answer is sent in so many pieces
        self.hang_up = True  # after the answer; else hold until stop
        self.read_request = True
        self._requests: queue.Queue[Request | Exception] = queue.Queue()

    def next(self) -> Request:
        request = self._requests.get(timeout=20)
        if isinstance(request, Exception):
            raise request
        return request

    def idle(self) -> bool:
        """Whether no request has come that next() did not return."""
        return self._requests.empty()

    def _take(self, conn: socket.socket) -> None:
        try:
            if self.read_request:
                request = self._read(conn)
                if request is None:
                    return
                self._requests.put(request)
            self._reply(conn)
        except OSError:
            raise
        except Exception as error:  # the test has to see it
            self._requests.put(error)
            conn.close()

    def _read(self, conn: socket.socket) -> Request | None:
        data, fds = b"", array.array("i")
        while not data.endswith(b"\n\n"):
            chunk, ancillary, _, _ = conn.recvmsg(
                65536, socket.CMSG_SPACE(4 * fds.itemsize))
            assert chunk, "record cut off"
            assert not data or not ancillary, "descriptor came late"
            for _, _, passed in ancillary:
                fds.frombytes(passed)
            data += chunk
        if data.startswith(policyd.FIRST):
            self.questions.append(policyd.read_question(data))
            with conn:
                conn.sendall(self.rule(self.questions[-1]))
            return None
        assert len(fds) == 1
        try:
            return self._request(conn, data, fds[0])
        finally:
            os.close(fds[0])

    @staticmethod
    def _request(conn: socket.socket, data: bytes, fd: int) -> Request:
        lines = data.decode("latin-1")[:-2].split("\n")
        fields = [(k, v) for k, _, v in (ln.partition("=") for ln in lines)]
        status, pid = os.fstat(fd), peer_pid(conn)
        raw = int(dict(fields)["raw"])
        return Request(
            fields=fields,
            message=read_segments(
                fd, [v for k, v in fields if k == "segment"]),
            raw=os.pread(fd, raw, 0),
            attachments=[read_segments(fd, [v]) for k, v in fields
                         if k == "attachment"],
            file_mode=stat.S_IMODE(status.st_mode),
            file_links=status.st_nlink,
            pid=pid,
            peak_memory=peak_memory(pid),
            descriptors=len(os.listdir(f"/proc/{pid}/fd")),
            limits=Path(f"/proc/{pid}/limits").read_text())

    def _reply(self, conn: socket.socket) -> None:
        answer = self.answers.pop(0) if self.answers else self.answer
        size = max(1, -(-len(answer) // self.pieces))
        for start in range(0, len(answer), size):
            conn.sendall(answer[start:start + size])
        if self.hang_up:
            conn.close()
        else:
            self._held.append(conn)


# --- for tests that import them

@pytest.fixture(name="agent")
def an_agent(tmp_path: Path) -> Agent:
    return Agent(tmp_path)


@pytest.fixture(name="daemon")
def its_daemon(agent: Agent):
    with SubmitDaemon(agent.socket) as daemon:
        yield daemon
