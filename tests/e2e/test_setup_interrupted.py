"""msgraphctl setup and its --undo, interrupted at any step, and on a full disk."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from harness.network import needs_network
from harness.setup import UNCHANGED, Folder
from e2e.test_setup_undo import ALL, RECORD, STARTS, set_up

pytestmark = needs_network

PLAYED = """#!/bin/sh
echo >>{counter}
[ "$(wc -l <{counter})" -ne "$DIES_AT" ] || {death}
PATH=${{PATH#*:}}
exec postconf "$@"
"""
DEATHS = {"fails": "{ echo postconf: fatal: No space left >&2; exit 1; }",
          "is killed, and setup with it": "kill -9 $PPID $$"}


class Dying:
    """A postconf before the real one, which does not survive a call."""

    def __init__(self, folder: Path, death: str, monkeypatch) -> None:
        self.folder = folder
        self.counter = folder / "calls"
        self.monkeypatch = monkeypatch
        folder.mkdir()
        program = folder / "postconf"
        program.write_text(PLAYED.format(
            counter=self.counter, death=DEATHS[death]))
        program.chmod(0o755)

    def run(self, stock: Folder, number: int, *args: str) -> int:
        self.counter.write_text("")
        self.monkeypatch.setenv("DIES_AT", str(number))
        # -j: doctor, who comes last, asks postconf as well
        return stock.setup("-j", *args, path=str(self.folder)).returncode

    def calls(self) -> int:
        return self.counter.read_text().count("\n")


@pytest.mark.parametrize("start, death", [
    ("stock", "fails"), *((start, "is killed, and setup with it")
                          for start in ("stock", "old"))])
def test_interrupted_anywhere(tmp_path, monkeypatch, start, death):
    """At each of its calls of postconf: the next run does the rest, and
    --undo, interrupted too, takes back what there is."""
    dying = Dying(tmp_path / "bin", death, monkeypatch)
    whole = STARTS[start](tmp_path / "whole")
    set_up(whole, *ALL)
    wanted = tuple(text.replace(str(whole.path), "@") for text in whole.state())
    number = 0
    while True:
        number += 1
        folder = STARTS[start](tmp_path / str(number))
        state = folder.state()
        status = dying.run(folder, number, *ALL)
        if dying.calls() < number:
            assert status == 0
            break
        # what doctor finds afterwards is no matter of setup's status
        assert status != UNCHANGED
        back = 0
        if number % 2 or status == 0:
            assert folder.setup(*ALL).returncode in (0, UNCHANGED)
            assert tuple(text.replace(str(folder.path), "@")
                         for text in folder.state()) == wanted
            back = 20
        while dying.run(folder, (back := back + 1), "--undo") not in (
                0, UNCHANGED):
            assert back < 20
        assert folder.state() == state
        assert not (folder.path / RECORD).exists()
    assert number > 6


STOPPED = """#!/bin/sh
case $2 in
/tmp/msgraphctl.*) echo "$2" >{found}; kill -{stop} $PPID ;;
esac
PATH=${{PATH#*:}}
exec postconf "$@"
"""


@pytest.mark.parametrize("stop", [signal.SIGHUP, signal.SIGINT,
                                  signal.SIGTERM])
def test_stopped_with_a_folder_in_tmp(tmp_path, stop):
    """By ^C, kill or the end of the terminal: nothing is left there."""
    folder, found = Folder(tmp_path / "folder"), tmp_path / "found"
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/postconf"
    program.write_text(STOPPED.format(found=found, stop=stop.value))
    program.chmod(0o755)
    done = folder.setup("--dry-run", path=str(tmp_path / "bin"),
                        preexec_fn=lambda: signal.signal(stop, signal.SIG_DFL))
    assert done.returncode == -stop
    assert not Path(found.read_text().strip()).exists()


def test_full_disk(tmp_path):
    """Nothing is changed that was not written down before."""
    (tmp_path / "disk").mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "none",
                           str(tmp_path / "disk")], capture_output=True)
    if done.returncode != 0:
        pytest.skip("no file system of one's own is to be had here")
    try:
        folder = Folder(tmp_path / "disk/folder")
        ballast = tmp_path / "disk/ballast"
        with pytest.raises(OSError), ballast.open("wb", 0) as file:
            while True:
                file.write(b"x" * 4096)
        before = folder.content()
        done = folder.setup(*ALL)
        assert done.returncode == 1 and "No space left" in done.stderr
        assert "nothing was changed: " in done.stderr
        assert folder.content() == before
        ballast.unlink()
        set_up(folder, *ALL)
    finally:
        subprocess.run(["umount", str(tmp_path / "disk")], check=True)
