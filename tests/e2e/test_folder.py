"""make messages: what it finds in a folder, that it lets good messages pass,
and that it sees each kind of damage."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from corpus import CASES
from folder import standin
from folder.judge import findings
from folder.passage import Passage, Passed, envelope
from folder.sources import messages
from folder.views import Views
from harness.agent import ROOT
from oracle.readers import GMime, Lib

STANDIN = ROOT / "tests" / "folder" / "standin.py"
FIELD = ROOT / "tests" / "folder" / "field"
GOOD = b"""\
From: Scanner <scan@example.com>
To: Anna <a@example.org>, b@example.org
Subject: =?utf-8?Q?f=C3=BCr_Sie?=
Date: Sat, 1 Jan 2000 00:00:00 +0000
Message-ID: <1@example.com>
X-Job: 7
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain; charset=utf-8

Hello.
--b
Content-Type: application/pdf
Content-Transfer-Encoding: base64
Content-Disposition: attachment; filename="scan.pdf"

JVBERi0xLjQK
--b--
""".replace(b"\n", b"\r\n")
# one whose expectations go beyond what can be told from a message alone: an
# address that is repaired
APART = re.compile("apostrophes")


def run(place: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-B", "-m", "folder", *options, str(place)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests")}, text=True,
        capture_output=True, timeout=300, check=False)


def last(done: subprocess.CompletedProcess[str]) -> str:
    assert done.stdout, done.stderr
    return done.stdout.splitlines()[-1]


# --- what is a message

def test_sources(tmp_path):
    """*.eml, maildirs, mboxes, files that begin like a message; names with
    any bytes."""
    top = os.fsencode(tmp_path)
    files = {
        b"a.eml": b"no header at all",
        b"n\xff\x1b[1m.EML": GOOD,
        b"plain": GOOD,
        b"README": b"Note: this is none\n",
        b"empty.eml": b"",
        b"box/cur/1:2,S": GOOD,
        b"box/new/2": GOOD,
        b"box/tmp/3": GOOD,
        b"mbox": b"From a@b Sat Jan  1 00:00:00 2000\nSubject: 1\n\nFrom here"
                 b"\n\nFrom the sea\n\nFrom a@b Sat Jan  1 00:00:01 2000\n"
                 b"Subject: 2\n\nx" + b"y" * 200_000 + b"\n",
    }
    for name, data in files.items():
        path = os.path.join(top, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)
    os.makedirs(tmp_path / "box/tmp", exist_ok=True)
    os.mkfifo(tmp_path / "pipe.eml")
    found = {s.label.removeprefix(f"{tmp_path}/"): s.read(300_000)
             for s in messages(top)}
    assert sorted(found) == [
        "a.eml", "box/cur/1:2,S", "box/new/2", "mbox:1", "mbox:2",
        r"n\xff\x1b[1m.EML", "plain"]
    assert found["plain"] == GOOD
    assert found["mbox:1"].startswith(b"Subject: 1\n")
    assert b"From the sea" in found["mbox:1"]
    assert found["mbox:2"].startswith(b"Subject: 2\n")
    assert len(found["mbox:2"]) > 200_000


def test_nothing_there(tmp_path):
    done = run(tmp_path)
    assert done.returncode == 64
    assert done.stderr == "there is no message\n"


# --- what passes

def test_corpus_passes(tmp_path):
    """Our own messages, of which other tests look at all."""
    for name, case in list(CASES.items())[::4]:
        if not APART.match(name) and not case.refused:
            (tmp_path / f"{name}.eml").write_bytes(case.message)
    done = run(tmp_path)
    assert done.returncode == 0, done.stdout
    assert last(done).endswith(" 0 disagreements")
    assert " 0 deferred" in last(done)


def test_summary(tmp_path):
    """Refusals are counted by reason; the given recipient stands in."""
    (tmp_path / "good.eml").write_bytes(GOOD)
    (tmp_path / "no-to.eml").write_bytes(GOOD.replace(b"\nTo:", b"\nX-To:"))
    (tmp_path / "large.eml").write_bytes(GOOD + b"x\r\n" * 14_000_000)
    done = run(tmp_path, "--recipient", "given@example.org")
    assert last(done) == (
        "3 messages: 1 refused by the milter (552 5.3.4: 1), 0 deferred, "
        "0 bounced, 2 sent, 0 disagreements"), done.stdout
    assert "refused 552 5.3.4, for example" in done.stdout


# --- one message, in this process

@pytest.fixture(scope="module")
def views():
    return Views(Lib(), GMime())


def passages(agent: str = "") -> Iterator[Passage]:
    with tempfile.TemporaryDirectory(prefix="folder") as folder:
        passage = Passage(Path(folder), agent)
        yield passage
        passage.close()


@pytest.fixture(scope="module")
def passage():
    yield from passages()


@pytest.fixture(scope="module")
def damaged():
    """With the stand-in for the agent."""
    yield from passages(str(STANDIN))


def take(passage, views, message: bytes) -> tuple[Passed, list[str]]:
    passed = passage.take(message, len(message), envelope(
        message, "scan@example.com", "nobody@example.org"))
    return passed, list(map(str, findings(passed, message, views)))


@pytest.mark.parametrize("name", sorted(p.name for p in FIELD.glob("*.eml")))
def test_field(passage, views, name):
    """What clients were seen to send is refused or sent, never deferred, and
    bounces for no reason of its own."""
    passed, found = take(passage, views, (FIELD / name).read_bytes())
    assert passed.status in ("refused", "sent"), passed.reason
    assert not found


# --- what must be seen

WRONG = ["exit 1", "crash", "says sent", "defers", "bounces", "record"]


def test_stand_in_that_does_no_damage(damaged, views, monkeypatch):
    monkeypatch.setenv("FOLDER_DAMAGE", "")
    passed, found = take(damaged, views, GOOD)
    assert (passed.status, found) == ("sent", [])


@pytest.mark.parametrize("damage", [d for d in standin.DAMAGE if d] + WRONG)
def test_damage_is_seen(damaged, views, monkeypatch, damage):
    monkeypatch.setenv("FOLDER_DAMAGE", damage)
    assert take(damaged, views, GOOD)[1]


def test_disagreements_and_time_limit(tmp_path, monkeypatch):
    """What the program says of them."""
    monkeypatch.setenv("FOLDER_DAMAGE", "subject")
    (tmp_path / "good.eml").write_bytes(GOOD)
    done = run(tmp_path, "--agent", str(STANDIN))
    assert done.returncode == 1, done.stdout
    assert f"{tmp_path}/good.eml: Python: subject says 'other', was 'für Sie'"\
        in done.stdout
    assert not last(done).endswith(" 0 disagreements")
    monkeypatch.setenv("FOLDER_DAMAGE", "hangs")
    done = run(tmp_path, "--agent", str(STANDIN), "--seconds", "5")
    assert done.returncode == 1
    assert "good.eml: time or memory: not done after 5 s" in done.stdout
