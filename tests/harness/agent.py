"""Runs msgraph-agent as pipe(8) does, for tests of the agent alone."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
AGENT = ROOT / os.environ.get("MSGRAPH_BUILD", "build") / "msgraph-agent"

HEADER = b"From: s@x.test\r\nTo: a@x.test\r\n"
MESSAGE = HEADER + b"\r\nbody\r\n"
OPTIONS = ["--queue-id=4ZbQ2k1xYz", "--identity=tenant:client",
           "--mailbox=scan@x.test", "--sender=s@x.test"]
STATUS_LINE = re.compile(rb"[45]\.\d{1,3}\.\d{1,3} [^\r\n]+\Z")


class Agent:
    """Runs the agent with a configuration of its own."""

    def __init__(self, directory: Path) -> None:
        self.conf = directory / "msgraph.conf"
        self.socket = directory / "submit"
        self.configure()

    def configure(self, text: str = "") -> None:
        self.conf.write_text(f"submit_socket = {self.socket}\n{text}")

    def argv(self, *recipients: str) -> list[str]:
        return [str(AGENT), "-c", str(self.conf), *OPTIONS, "--",
                *(recipients or ["a@x.test"])]

    def run(self, argv: list[str] | None = None, message: bytes = MESSAGE,
            **popen: object) -> subprocess.CompletedProcess[bytes]:
        if "stdin" not in popen:
            popen["input"] = message
        done = subprocess.run(
            argv or self.argv(), stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, timeout=60, **popen)
        assert done.stderr == b""
        return done

    def fails(self, status: int, line: str, *args: object,
              **popen: object) -> None:
        """Runs; the output starts with line and is one status line."""
        done = self.run(*args, **popen)
        assert STATUS_LINE.match(done.stdout), done.stdout
        assert done.stdout.decode().startswith(line)
        assert done.returncode == status
