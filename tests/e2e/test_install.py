"""make install and make uninstall: what is put where, readable whatever the
umask, and naming the places where it was put."""

from __future__ import annotations

import os
import re
import stat
import subprocess
from pathlib import Path

import pytest

from harness import document, example
from harness.process import BUILD

CONF = "etc/msgraph/msgraph.conf"


def make(root: Path, *targets: str, **variables: str) -> None:
    """As an admin with a narrow umask; what is built is taken as it is."""
    words = [f"{name}={value}" for name, value in
             {"BUILD": str(BUILD), "DESTDIR": str(root), **variables}.items()]
    subprocess.run(
        ["make", "-s", "-o", "all", *targets, *words], cwd=example.ROOT,
        check=True, umask=0o077, env={"PATH": os.environ["PATH"]})


def files(root: Path) -> dict[str, Path]:
    return {str(path.relative_to(root)): path
            for path in root.rglob("*") if not path.is_dir()}


ELSEWHERE = document.command("docs/by-hand.md", "make install PREFIX=")


@pytest.fixture(params=["/usr", ELSEWHERE.partition("=")[2]])
def prefix(request) -> str:
    return request.param


PROGRAMS = ("msgraphd", "msgraph-milter", "msgraph-agent", "msgraphctl")


@pytest.fixture
def installed(tmp_path, prefix) -> Path:
    make(tmp_path, "install", PREFIX=prefix)
    return tmp_path


def test_everybody_may_read_it(installed):
    for path in installed.rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        is_open = path.is_dir() or (
            path.name in PROGRAMS and path.parent.name != "completions")
        assert mode == (0o755 if is_open else 0o644), path


def test_files_name_the_prefix(installed, prefix):
    """A path where nothing is keeps mail waiting, or starts no service."""
    place = re.compile(
        r"/usr(?:/local)?/(?:sbin|libexec|share/doc)/\S*msgraph[^\s:]*")
    named = 0
    for name, path in files(installed).items():
        if "/man" not in name and not re.search(
                "/lib/systemd|/doc/|/share/postfix-msgraph/", name):
            continue
        for found in place.findall(path.read_text()):
            named += 1
            assert found.startswith(f"{prefix}/"), name
            assert (installed / found[1:]).exists(), (name, found)
    assert named >= 7  # units, twice; pipe's argv; man pages


def test_nothing_else_of_the_examples_changes(installed, prefix):
    share = installed / prefix[1:] / "share"
    ours = files(example.EXAMPLES)
    theirs = {**files(share / "doc/postfix-msgraph/examples"),
              **files(share / "postfix-msgraph")}
    assert theirs.keys() == ours.keys()
    for name, path in theirs.items():
        text = path.read_text()
        if prefix != "/usr":
            text = text.replace(f"{prefix}/", "/usr/")
        assert text == ours[name].read_text(), name


def test_settings_stay(installed, prefix):
    (installed / CONF).write_text("cloud = china\n")
    make(installed, "install", PREFIX=prefix)
    assert (installed / CONF).read_text() == "cloud = china\n"


def test_folders_that_exist_stay(installed, prefix):
    """Above all /etc/msgraph, which tmpfiles.d has closed to others."""
    folders = [path for path in installed.rglob("*") if path.is_dir()]
    for path in folders:
        path.chmod(0o750)
        os.chown(path, 1, 2)
    make(installed, "install", PREFIX=prefix)
    for path in folders:
        info = path.stat()
        assert (stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid) == (
            0o750, 1, 2), path


def test_an_update_brings_users_and_folders():
    """Before the services that need them start, and from where make install
    has put them."""
    block = "\n".join(document.lines(
        document.section("docs/operations.md", "Updating")))
    places = [block.find(words) for words in (
        "make install", "systemd-sysusers msgraph.conf",
        "systemd-tmpfiles --create msgraph.conf", "systemctl daemon-reload",
        "systemctl restart")]
    assert -1 not in places and places == sorted(places), block


def test_uninstall_leaves_the_settings_alone(installed, prefix):
    target = document.command("docs/packaging.md", "make uninstall").split()[1]
    make(installed, target, PREFIX=prefix)
    assert list(files(installed)) == [CONF]
    left = [path for path in installed.rglob("*") if "msgraph" in path.name]
    assert left == [installed / "etc/msgraph", installed / CONF]
