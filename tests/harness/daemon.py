"""msgraphd alone: started with a configuration of its own, and spoken to on
its sockets the way the plugin and the agent do."""

from __future__ import annotations

import array
import os
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .reasons import lacking
from .wait import wait_for

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("MSGRAPH_BUILD", ROOT / "build"))


@dataclass
class Reply:
    """What the submit socket answered; status is "" when it closed."""
    status: str = ""
    dsn: str = ""
    text: str = ""
    more: tuple[str, ...] = ()  # lines about single recipients


@dataclass
class Silence:
    """How long others waited for an answer at most; seconds."""
    longest: float = 0


class Daemon:
    """A msgraphd process in a directory of its own, logging to a file."""

    def __init__(self, directory: Path, settings: dict[str, str]) -> None:
        self.directory = directory
        self.settings = {
            "auth_socket": str(directory / "auth"),
            "bounce_socket": str(directory / "bounce"),
            "submit_socket": str(directory / "submit"),
            "admin_socket": str(directory / "admin"),
            "state_directory": str(directory / "state"),
            "vault_key_file": str(directory / "vault.key"),
            "allowed_tenants": "any",
            "identity_maps": str(directory / "identities"),
            "log_destination": "stderr",
            "log_level": "debug",
            **settings,
        }
        self.conf = directory / "msgraph.conf"
        self.log_file = directory / "msgraphd.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.env = dict(os.environ)
        self.half_close = False  # clients say that nothing more comes

    def write_conf(self) -> None:
        self.conf.write_text("".join(
            f"{name} = {value}\n" for name, value in self.settings.items()))

    def command(self, *args: str) -> list[str]:
        return [str(BUILD / "msgraphd"), "-c", str(self.conf), *args]

    def start(self) -> Daemon:
        (self.directory / "state").mkdir(exist_ok=True)
        (self.directory / "identities").touch()
        self.write_conf()
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(self.command(), stderr=log,
                                            env=self.env)
        self.wait(lambda: self.answers() or self.process.poll() is not None)
        return self

    def answers(self) -> bool:
        """The submit socket is the last thing that a start makes."""
        with socket.socket(socket.AF_UNIX) as sock:
            try:
                sock.connect(self.settings["submit_socket"])
            except OSError:
                return False
        return True

    def stop(self, number: int = signal.SIGTERM) -> int:
        if self.process is None:
            return 0
        process, self.process = self.process, None
        if process.poll() is None:
            process.send_signal(number)
        return process.wait(timeout=30)

    def __enter__(self) -> Daemon:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
        assert lacking(self.log()) == []

    @staticmethod
    def wait(condition: Callable[[], object], seconds: float = 60) -> None:
        wait_for(condition, "the daemon", seconds)

    def log(self) -> str:
        return self.log_file.read_text()

    # --- what it costs

    def peak_memory(self) -> int:
        """kB, since it was started."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0])

    @contextmanager
    def watched(self) -> Iterator[Silence]:
        """Asks something small all the time, to see how long the daemon lets
        others wait."""
        silence, done = Silence(), threading.Event()

        def ask() -> None:
            while not done.is_set():
                began = time.monotonic()
                self.bounce("To: nobody@example.net")
                silence.longest = max(silence.longest,
                                      time.monotonic() - began)
        thread = threading.Thread(target=ask)
        thread.start()
        try:
            yield silence
        finally:
            done.set()
            thread.join()

    # --- auth socket

    def auth(self, login: str, password: str, realm: str = "",
             timeout: float = 60) -> str:
        """The answer, "OK" or "NO reason"; "" when there was none."""
        parts = [login, password, "smtp", realm]
        request = b"".join(
            struct.pack(">H", len(p.encode())) + p.encode() for p in parts)
        answer = self.auth_raw(request, timeout)
        return "OK" if answer.startswith("OK user=") else answer

    def auth_raw(self, request: bytes, timeout: float = 60) -> str:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(timeout)
            sock.connect(self.settings["auth_socket"])
            sock.sendall(request)
            if self.half_close:
                sock.shutdown(socket.SHUT_WR)
            answer = read_all(sock)
        return answer[2:].decode() if answer else ""

    # --- bounce socket

    def bounce(self, *lines: str) -> list[str]:
        """What the table says to each line, over one connection."""
        answers = []
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(30)
            sock.connect(self.settings["bounce_socket"])
            for line in lines:
                request = f"mailbox {line}".encode()
                sock.sendall(b"%d:%s," % (len(request), request))
                size = b""
                while not size.endswith(b":"):
                    size += sock.recv(1)
                want = int(size[:-1]) + 1
                answer = b""
                while len(answer) < want:
                    answer += sock.recv(want - len(answer))
                answers.append(answer[:-1].decode())
        return answers

    # --- admin socket

    def admin(self, request: str, application: str = "",
              timeout: float = 60) -> list[dict[str, str]]:
        """The records of an answer; the last one is "end"."""
        question = f"request={request}\n"
        if application:
            question += f"application={application}\n"
        return records(self.admin_raw(question.encode() + b"\n", timeout))

    def admin_raw(self, question: bytes, timeout: float = 60) -> bytes:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(timeout)
            sock.connect(self.settings["admin_socket"])
            sock.sendall(question)
            return read_all(sock)

    # --- submit socket

    def submit(self, message: bytes, segments: list[tuple[int, int]]
               | None = None, timeout: float = 60, more: str = "",
               **fields: str) -> Reply:
        """Hands a message over; segments default to all of it, and more is
        lines that follow them."""
        lines = {"queue_id": "4TESTqueue", "mailbox": "scan@example.com",
                 "sender": "scan@example.com",
                 "recipient": "rcpt@example.org",
                 "raw": str(len(message)), **fields}
        record = "".join(f"{name.replace('_', '-')}={value}\n"
                         for name, value in lines.items())
        for offset, length in segments or [(0, len(message))]:
            record += f"segment={offset},{length}\n"
        return self.submit_raw((record + more).encode() + b"\n", message,
                               timeout)

    def submit_raw(self, record: bytes, message: bytes,
                   timeout: float = 60) -> Reply:
        with tempfile.TemporaryFile() as spool, \
                socket.socket(socket.AF_UNIX) as sock:
            spool.write(message)
            spool.flush()
            sock.settimeout(timeout)
            sock.connect(self.settings["submit_socket"])
            rights = array.array("i", [spool.fileno()])
            sent = sock.sendmsg([record], [
                (socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
            if sent < len(record):
                sock.sendall(record[sent:])
            if self.half_close:
                sock.shutdown(socket.SHUT_WR)
            answer = read_all(sock).decode()
        lines = [line for line in answer.splitlines() if line]
        known = [line for line in lines
                 if line.startswith(("status=", "dsn=", "text="))]
        return Reply(**dict(line.split("=", 1) for line in known),
                     more=tuple(line for line in lines if line not in known))


def records(answer: bytes) -> list[dict[str, str]]:
    """The records of an answer of the admin socket, which must be whole."""
    assert answer.endswith(b"\n\n"), answer[-200:]
    found = [dict(line.split("=", 1) for line in record.splitlines())
             for record in answer.decode().removesuffix("\n\n").split("\n\n")]
    assert found[-1]["record"] == "end"
    return found


def read_all(sock: socket.socket) -> bytes:
    parts = []
    while True:
        try:
            part = sock.recv(65536)
        except ConnectionResetError:
            part = b""
        if not part:
            return b"".join(parts)
        parts.append(part)
