"""Each allocation of the agent fails once: mail waits then. It
is never bounced, and nothing crashes. (libentra.so is driven the same way by
tests/unit/plugin_sasl.c, lib and daemon by their _alloc tests.)

Runs the programs as they are shipped: ASan has an allocator of its own.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from harness.agent import Agent
from harness.submitd import SubmitDaemon

USER = ("11111111-2222-3333-4444-555555555555:"
        "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee")
# what makes the agent think: two To, a stranger, 8-bit text and header
MESSAGE = (b"From: \"s@x.test\" <s@x.test>\r\nTo: a@x.test, c@x.test\r\n"
           b"To: b@x.test\r\nSubject: gr\xfc\xdfe\r\nMIME-Version: 1.0\r\n"
           b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n"
           b"gr\xc3\xbc\xc3\x9fe\r\n--b--\r\n")
HEADERS = [("From", "A <a@example.com>"), ("X-MSGraph-Mailbox", "x@y.test"),
           ("Subject", "s")]


@pytest.fixture(scope="module")
def preload(tmp_path_factory) -> Path:
    library = tmp_path_factory.mktemp("alloc") / "failalloc.so"
    source = Path(__file__).parent / "failalloc.c"
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-D_GNU_SOURCE",
                    "-o", library, source], check=True)
    return library


def every_failure(preload: Path, directory: Path):
    """Environments in which the first, second … allocation fails; until one
    is asked for that the program does not make."""
    mark = directory / "failed"
    for number in range(1, 5000):
        mark.unlink(missing_ok=True)
        yield {**os.environ, "LD_PRELOAD": str(preload),
               "FAIL_AT": str(number), "FAIL_MARK": str(mark)}
        if not mark.exists():
            assert number > 10, "nothing failed: is it preloaded?"
            return
    raise AssertionError("no end of allocations")


def test_agent_defers(preload, tmp_path):
    agent = Agent(tmp_path)
    deferred = 0
    with SubmitDaemon(agent.socket):
        argv = agent.argv("a@x.test", "b@x.test", "d@x.test")
        for env in every_failure(preload, tmp_path):
            done = agent.run(argv, MESSAGE, env=env)
            if done.returncode == 0:
                assert done.stdout.startswith(b"Graph accepted"), env
            else:
                deferred += 1
                assert done.returncode == 75, (env["FAIL_AT"], done)
                assert done.stdout.startswith(b"4."), (env["FAIL_AT"], done)
    assert deferred > 10
