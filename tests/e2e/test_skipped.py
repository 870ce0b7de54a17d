"""What make check leaves out, and says so: a tool of lint in another version
than the one that judges, and a test that was skipped."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness import example

TESTS = example.ROOT / "tests"
JUDGE = TESTS / "judge"


def judge(folder: Path, version: str, wanted: str
          ) -> subprocess.CompletedProcess:
    """Judges with a tool that says this version and then finds a mistake."""
    tool = folder / "tool"
    tool.write_text(f'#!/bin/sh\n[ "$1" = --version ] || exit 3\n'
                    f"echo 'Some tool version {version} (of Debian 99)'\n")
    tool.chmod(0o755)
    return subprocess.run(
        [str(JUDGE), "tool", wanted, "tool", "file"], text=True,
        env={"PATH": f"{folder}:{os.environ['PATH']}",
             "SKIPPED": str(folder / "skipped")}, capture_output=True)


@pytest.mark.parametrize("version, wanted", [
    ("14.0.6", "14"), ("2.10", "2.10"), ("1.22.4", "1.22")])
def test_the_right_version_judges(tmp_path, version, wanted):
    assert judge(tmp_path, version, wanted).returncode == 3
    assert not (tmp_path / "skipped").exists()


@pytest.mark.parametrize("version, wanted", [
    ("19.1.7", "14"), ("2.17.1", "2.10"), ("2.1", "2.10"),
    ("1.23.0", "1.22"), ("140.1", "14")])
def test_another_version_is_skipped(tmp_path, version, wanted):
    done = judge(tmp_path, version, wanted)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (f"tool: skipped, needs tool {wanted} "
                           f"(this is {version})\n")
    assert (tmp_path / "skipped").read_text() == done.stdout


def test_no_tool_is_no_skip(tmp_path):
    done = subprocess.run([str(JUDGE), "no-such-tool", "1", "true"],
                          capture_output=True, text=True)
    assert done.returncode != 0 and "no-such-tool" in done.stderr


TEST_FILE = """\
import pytest

def test_runs():
    pass

@pytest.mark.skipif(True, reason="no moon")
def test_marked():
    pass

def test_here():
    pytest.skip("somebody has the port")
"""


def test_skipped_tests_are_named(tmp_path):
    (tmp_path / "test_some.py").write_text(TEST_FILE)
    done = subprocess.run(
        [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider",
         "-p", "skipped", f"--rootdir={tmp_path}", str(tmp_path)], capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(TESTS),
             "SKIPPED": str(tmp_path / "skipped")})
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "skipped").read_text() == (
        "test_some.py::test_marked: skipped, no moon\n"
        "test_some.py::test_here: skipped, somebody has the port\n")


def test_make_check_says_it():
    """What it would run: the list is emptied first and shown last."""
    ours = {name: value for name, value in os.environ.items()
            if not name.startswith("MAKE")}  # it may be make that runs us
    done = subprocess.run(["make", "-n", "check"], cwd=example.ROOT,
                          env=ours, capture_output=True, text=True)
    lines = done.stdout.splitlines()
    assert "build/skipped" in lines[0]
    assert "build/skipped" in "".join(lines[-3:])
