"""Each allocation of the agent and the milter fails once: mail waits then, or
goes as it would have gone. It is never bounced, and nothing crashes or grows.
The C library's own allocations fail too, such as those of iconv. (libentra.so is driven the same
way by tests/unit/plugin_sasl.c, lib and daemon by their _alloc tests.)

Runs the programs as they are shipped: ASan has an allocator of its own.
"""

from __future__ import annotations

import os
import resource
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.agent import Agent
from harness.milter import PROGRAM, Milter, stamp
from harness.miltermta import Gone
from harness.site import answers
from harness.submitd import SubmitDaemon
from harness.wait import wait_for

USER = ("11111111-2222-3333-4444-555555555555:"
        "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee")
# what makes the agent think: two To, a stranger, 8-bit text and header
MESSAGE = (b"From: \"s@x.test\" <s@x.test>\r\nTo: a@x.test, c@x.test\r\n"
           b"To: b@x.test\r\nSubject: gr\xfc\xdfe\r\nMIME-Version: 1.0\r\n"
           b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n"
           b"gr\xc3\xbc\xc3\x9fe\r\n--b--\r\n")
# and two files that must go by themselves, under names that must be read
LARGE = b"".join(
    b"--b\r\nContent-Type: application/pdf\r\n"
    b"Content-Transfer-Encoding: base64\r\n"
    b"Content-Disposition: attachment; %s\r\n\r\n" % name +
    b"bWFpbCE=\r\n" * 8000
    for name in (b"filename*=iso-8859-2''%BEluva.pdf",
                 b'filename="=?koi8-r?B?0NLJ18XU?=.pdf"')
).join([MESSAGE[:-len(b"--b--\r\n")], b"--b--\r\n"])
LARGE = LARGE.replace(b'"s@x.test" <s@x.test>',
                      b"=?windows-1251?Q?=EF=F0?= <s@x.test>", 1)
HEADERS = [("From", "A <a@example.com>"), ("X-MSGraph-Mailbox", "x@y.test"),
           ("Subject", "s")]


class Allocator:
    """Lets one allocation fail in the programs that run with env."""

    def __init__(self, library: Path, control: Path) -> None:
        self.control = control
        control.write_bytes(struct.pack("lll", 0, 0, 0))
        self.env = {**os.environ, "LD_PRELOAD": str(library),
                    "FAIL_CONTROL": str(control)}

    def set(self, left: int) -> None:
        with self.control.open("r+b") as file:
            file.write(struct.pack("ll", left, 0))

    def read(self) -> tuple[int, int, int]:
        """Allocations up to the one that fails, failed, not freed."""
        return struct.unpack("lll", self.control.read_bytes())

    def each(self) -> Iterator[int]:
        """The first, second … allocation from now on fails; until one is
        asked for that is not made."""
        for number in range(1, 5000):
            self.set(number)
            yield number
            if self.read()[1] == 0:
                assert number > 10, "nothing failed: is it preloaded?"
                self.set(0)
                return
        raise AssertionError("no end of allocations")


@pytest.fixture
def allocator(tmp_path) -> Allocator:
    library = tmp_path / "failalloc.so"
    source = Path(__file__).parent / "failalloc.c"
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-D_GNU_SOURCE",
                    "-o", library, source], check=True)
    return Allocator(library, tmp_path / "control")


def sent(request) -> tuple:
    """All that an agent hands over."""
    return request.fields, request.message, request.attachments


@pytest.fixture
def agent(tmp_path) -> Agent:
    agent = Agent(tmp_path)
    agent.configure("sendmail_limit = 64k")
    return agent


@pytest.mark.parametrize("message, files", [(MESSAGE, []), (LARGE, [
    "\u017eluva.pdf", "\u043f\u0440\u0438\u0432\u0435\u0442.pdf"])],
    ids=["small", "large"])
def test_agent_defers(allocator, agent, message, files):
    deferred = 0
    with SubmitDaemon(agent.socket) as daemon:
        argv = agent.argv("a@x.test", "b@x.test", "d@x.test")
        assert agent.run(argv, message).returncode == 0
        whole = sent(daemon.next())
        assert [value.encode("latin-1").decode() for name, value in whole[0]
                if name == "attachment-name"] == files
        for number in allocator.each():
            done = agent.run(argv, message, env=allocator.env)
            if done.returncode == 0:
                assert done.stdout.startswith(b"Graph accepted"), number
            else:
                deferred += 1
                assert done.returncode == 75, (number, done)
                assert done.stdout.startswith(b"4."), (number, done)
            while not daemon.idle():  # no answer came through
                assert sent(daemon.next()) == whole, number
    assert deferred > 10


@pytest.mark.parametrize("descriptors", range(4, 12))
def test_agent_without_descriptors(agent, descriptors):
    """iconv has no error of its own for this: see lib/charset.c."""
    with SubmitDaemon(agent.socket) as daemon:
        assert agent.run(message=LARGE).returncode == 0
        whole = sent(daemon.next())
        done = agent.run(message=LARGE, preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_NOFILE, (descriptors, descriptors)))
        if done.returncode == 0:
            assert sent(daemon.next()) == whole
        else:
            assert done.returncode == 75 and done.stdout.startswith(b"4.3.")
        assert daemon.idle()
    if descriptors == 4:  # the spool file has the last one
        assert b"convert text from windows-1251" in done.stdout, done


NO_MODULES = ["unshare", "--mount", "sh", "-c",
              'for d in /usr/lib/*/gconv /usr/lib*/gconv; do '
              '[ ! -d "$d" ] || mount -t tmpfs none "$d" || exit 99; done; '
              'exec "$@"', "sh"]


@pytest.mark.skipif(
    subprocess.run([*NO_MODULES, "true"], capture_output=True).returncode != 0,
    reason="may not mount")
def test_agent_without_modules_of_iconv(agent):
    """As on a system where their package is not installed."""
    with SubmitDaemon(agent.socket) as daemon:
        done = agent.run(NO_MODULES + agent.argv(), LARGE)
        assert done.returncode == 75, done
        assert done.stdout.startswith(
            b"4.3.5 cannot convert text from windows-1251: "), done
        assert daemon.idle()
        # what needs none goes
        assert agent.run(NO_MODULES + agent.argv(), MESSAGE).returncode == 0


def test_milter_starts_or_says_no(allocator, tmp_path):
    """systemd starts it again, and Postfix waits."""
    milter = Milter(tmp_path).ask_stand_in()
    said_no = 0
    for number in allocator.each():
        process = subprocess.Popen([PROGRAM, "-c", milter.conf],
                                   env=allocator.env, stderr=subprocess.PIPE)
        try:
            wait_for(lambda: process.poll() is not None
                     or answers(Path(milter.socket)),
                     f"the milter, allocation {number}")
            if process.poll() is None:
                is_accepted(milter, number)
            # what it saw in its first moment may also have come out by now
            status = process.poll()
            assert status in (None, 1), (number, status)
            said_no += status == 1
        finally:
            process.kill()
            output = process.communicate()[1]
        assert status is None or b"msgraph-milter" in output, number
    milter.close()
    assert said_no > 10


HALF = b"Failed to malloc pollfd array"


def test_milter_whose_libmilter_is_half_dead(allocator, tmp_path):
    """A thread of libmilter's ends without memory, and those that say nothing
    at once would never be answered. Which allocation it is differs."""
    milter = Milter(tmp_path).ask_stand_in()
    for number in 4 * list(range(15, 60)):
        allocator.set(number)
        process = subprocess.Popen([PROGRAM, "-c", milter.conf],
                                   env=allocator.env, stderr=subprocess.PIPE)
        os.set_blocking(process.stderr.fileno(), False)
        output = b""

        def is_settled() -> bool:
            nonlocal output
            output += process.stderr.read() or b""
            return b" listening on " in output or HALF in output or \
                process.poll() is not None
        try:
            wait_for(is_settled, f"the milter, allocation {number}")
            if HALF in output:
                assert process.wait(timeout=30) == 1
                output += process.stderr.read()
                break
        finally:
            process.kill()
            process.wait()
            process.stderr.close()
    milter.close()
    if HALF not in output:
        pytest.skip("libmilter has no such thread here")
    assert b"error: libmilter does not answer after its start" in output
    assert b" listening on " not in output


@pytest.fixture
def milter(allocator, tmp_path):
    milter = Milter(tmp_path).ask_stand_in().start(env=allocator.env)
    yield milter
    allocator.set(0)
    assert milter.stop() == 0, milter.log()
    milter.close()


def test_milter_answers_tempfail(allocator, milter):
    """It is one process that lives through all of them, and keeps nothing of
    what it began."""
    idle = allocator.read()[2]
    failed = 0
    for number in allocator.each():
        failed += not is_accepted(milter, number)
        assert milter.process.poll() is None, (number, milter.log())
    assert failed > 10
    assert is_accepted(milter, 0)
    wait_for(lambda: allocator.read()[2] <= idle, lambda:
             f"{idle} allocations as before, not {allocator.read()[2]}")


def is_accepted(milter: Milter, number: int) -> bool:
    """Two messages over one connection. Postfix takes a connection that
    breaks for a tempfail, since milter_default_action says so."""
    try:
        with milter.mta() as mta:
            answers = [mta.message(HEADERS, "<e@example.com>", USER)
                       for _ in range(2)]
    except (Gone, ConnectionError):
        return False
    for answer in answers:
        if answer.action == "reply":
            assert answer.text.startswith("451 4.3.0 "), (number, answer)
        elif answer.action != "tempfail":
            assert answer.action == "continue", (number, answer)
            assert stamp(answer) == "a@example.com", (number, answer)
    return all(answer.action == "continue" for answer in answers)

