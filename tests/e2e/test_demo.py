"""make demo: what it shows, what it leaves running when asked to, and that
nothing is left behind."""

from __future__ import annotations

import os
import re
import signal
import smtplib
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

import demo.demo as program
import pytest

from harness import document, example
from harness.process import BUILD
from harness.site import App
from harness.wait import wait_for

TESTS = example.ROOT / "tests"
WITH_USERS = TESTS / "with-users"


@pytest.fixture
def scratch():
    """The demo's own place for temporary files, empty again at the end.
    Not pytest's, which is closed to the users that the programs run as."""
    folder = Path(tempfile.mkdtemp(prefix="demo-"))
    folder.chmod(0o755)
    yield folder
    wait_for(lambda: list(folder.iterdir()) == [],
             lambda: f"{list(folder.iterdir())} to go")
    folder.rmdir()


def demo(scratch: Path, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [str(WITH_USERS), sys.executable, "-B", "-m", "demo.demo"],
        env={"PATH": os.environ["PATH"], "TMPDIR": str(scratch),
             "PYTHONPATH": str(TESTS), "MSGRAPH_BUILD": str(BUILD),
             **environment},
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=120)


def test_each_step_is_shown(scratch):
    done = demo(scratch)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    for text in ("235 2.7.0", "250 2.0.0 Ok: queued as", "status=sent",
                 "sendMail -> 202", "byte for byte", "535 5.7.8",
                 "235 2.7.0 Authentication successful, as scanner@lookup",
                 "as scan@example.com (not root@printer)",
                 "nothing is left behind"):
        assert text in done.stdout
    queue_id = re.search(r"queued as (\w+)", done.stdout)[1]
    assert f"{queue_id}: to=<you@example.org>, relay=msgraph" in done.stdout
    assert "action=accept" in done.stdout and "no line" not in done.stdout


def test_left_running(scratch):
    words = document.command("README.md", "make demo KEEP=").split()[2:]
    done = demo(scratch, **dict(word.split("=") for word in words))
    if "Address already in use" in done.stdout:
        pytest.skip("somebody has port 8025")
    assert done.returncode == 0, done.stdout + done.stderr
    pid = int(re.search(r"^Stop:  kill (\d+)$", done.stdout, re.M)[1])
    try:
        user, secret = credentials(done.stdout)
        with smtplib.SMTP("127.0.0.1", 8025) as client:
            client.starttls()
            client.login(user, secret)
            client.sendmail("scan@example.com", ["b@example.org"],
                            "Subject: second\n\nHello.\n")
        record = re.search(r"(http://\S+/mail)", done.stdout)[1]
        wait_for(lambda: b'"second"' in urllib.request.urlopen(
            record).read(), "the second message")
    finally:
        os.kill(pid, signal.SIGTERM)


def credentials(text: str) -> tuple[str, str]:
    """From whichever way to send was printed."""
    found = re.search(r"login\(\"(.*)\", \"(.*)\"\)", text) or re.search(
        r"--auth-user '(.*)' \\\n +--auth-password '(.*)'", text)
    return found[1], found[2]


@pytest.mark.parametrize("has_swaks, asks", [
    (True, "--protect-prompt"), (False, "getpass")])
def test_a_real_secret_is_asked_for(monkeypatch, has_swaks, asks):
    """Never in a command line, where every process sees it."""
    monkeypatch.setattr(program, "has_swaks", lambda: has_swaks)
    job = program.Job(App("t", "c", "s3cret"), "scan@example.com",
                   "you@example.org", True)
    text = program.how_to_send(job, 8025)
    assert asks in text and "t@c" in text
    assert "s3cret" not in text and "--auth-password" not in text


@pytest.mark.parametrize("environment, said", [
    ({"TENANT": "x"}, "CLIENT SECRET_FILE FROM TO must be given"),
    ({"TENANT": "x", "CLIENT": "x", "SECRET_FILE": "/none", "FROM": "x",
      "TO": "x"}, "/none"),
    ({"TENANT": "x", "CLIENT": "x", "SECRET_FILE": "/dev/null", "FROM": "x",
      "TO": "x"}, "is empty"),
])
def test_mistakes_are_told(scratch, environment, said):
    done = demo(scratch, **environment)
    assert done.returncode == 1
    assert said in done.stdout
    assert "Traceback" not in done.stderr


def test_users_are_not_left(scratch):
    before = (Path("/etc/passwd").read_text(), Path("/etc/group").read_text())
    done = subprocess.run([str(WITH_USERS), "id", "msgraphd"],
                          capture_output=True, text=True)
    assert done.returncode == 0
    assert "(msgraph)" in done.stdout
    assert (Path("/etc/passwd").read_text(),
            Path("/etc/group").read_text()) == before
