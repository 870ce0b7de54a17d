"""What "msgraphd -t" says of the table of identities and of the files that it
names, as the users that read them: a row is a table, and the lines on standard
error."""

from __future__ import annotations

import os
import pwd
import re
import subprocess
from pathlib import Path

import pytest

from harness.process import BUILD

TENANT = "11111111-2222-3333-4444-555555555555"
APP = f"application={TENANT}/aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
OTHER = f"application={TENANT}/cccccccc-bbbb-cccc-dddd-eeeeeeeeeeee"


@pytest.fixture(name="folder")
def folder_that_msgraphd_reaches(tmp_path):
    # pytest closes its folders to other users
    for path in (tmp_path, *tmp_path.parents):
        if path.owner() == "root" and str(path).startswith("/tmp/"):
            path.chmod(0o755)
    return tmp_path


def check(folder: Path, maps: object) -> subprocess.CompletedProcess:
    conf = folder / "msgraph.conf"
    conf.write_text(f"identity_maps = {maps}\n"
                    f"state_directory = {folder}/none\n"
                    f"vault_key_file = {folder}/vault.key\n"
                    f"auth_socket = {folder}/auth\n")
    done = subprocess.run([BUILD / "msgraphd", "-c", conf, "-t"], text=True,
                          capture_output=True, timeout=30)
    done.stderr = done.stderr.replace(str(folder), "FOLDER")
    return done


def run(folder: Path, table: str) -> subprocess.CompletedProcess:
    maps = folder / "identities"
    maps.write_text(table.replace("FOLDER", str(folder)))
    maps.chmod(0o644)
    return check(folder, maps)


def secret(folder, name: str, mode: int, owner: str) -> None:
    file = folder / name
    file.write_text("a secret of the relay\n")
    file.chmod(mode)
    if os.geteuid() == 0:
        os.chown(file, pwd.getpwnam(owner).pw_uid, -1)


WARNED = {
    "nothing": ("", ""),
    "alike": (f"a {APP} senders=@x,@y\nb {APP} senders=@y,@x\n", ""),
    "other applications": (f"a {APP} senders=@x\nb {OTHER} senders=@y\n", ""),
    "for other clients": (
        f"a {APP} senders=@x\n"
        f"b {APP} secret_file=FOLDER/good clients=::1 senders=@y\n", ""),
    "differ": (
        f"a {APP} senders=@x\nb {APP} senders=@y rate_limit=1/s\n",
        'warning: FOLDER/identities:2: entries "a" and "b" have one '
        "application and differ in senders rate_limit: whoever has its "
        "secret can sign in as either\n"),
    "one without": (
        f"a {APP}\nb {APP} recipients=@y from=a@x\n",
        'warning: FOLDER/identities:2: entries "a" and "b" have one '
        "application and differ in from recipients: "),
    "everybody": (
        f"a {APP} secret_file=FOLDER/good senders=any\n"
        "  clients=192.0.2.0/24,0.0.0.0/0,::/0\n",
        'warning: FOLDER/identities:1: entry "a" takes mail from everybody '
        "(clients=0.0.0.0/0)\n"
        'warning: FOLDER/identities:1: entry "a" takes mail from everybody '
        "(clients=::/0)\n"),
    "later": (f"a {APP} expires=2199-12-31 expect=26h\n", ""),
    "ended": (
        f"a {APP} expires=2026-01-31\n",
        'warning: FOLDER/identities:1: the secret of entry "a" ends on '
        "2026-01-31 (expires)\n"),
}


@pytest.mark.parametrize("name", WARNED)
def test_warning(folder, name):
    table, said = WARNED[name]
    secret(folder, "good", 0o400, "msgraphd")
    done = run(folder, table)
    assert done.returncode == 0, done.stderr
    assert said in done.stderr and bool(said) == bool(done.stderr)


def test_mistake(folder):
    done = run(folder, f"a {APP}\nb {APP} sender=@x\n")
    assert done.returncode == 78
    assert re.fullmatch(
        r'msgraphd: as user \w+: FOLDER/identities:2: unknown attribute '
        r'"sender"; did you mean "senders"\?\n', done.stderr)


def test_file_that_is_missing(folder):
    done = run(folder, "")
    assert done.returncode == 0
    (folder / "msgraph.conf").write_text("identity_maps = /nowhere/at/all\n")
    done = subprocess.run(
        [BUILD / "msgraphd", "-c", folder / "msgraph.conf", "-t"], text=True,
        capture_output=True, timeout=30)
    assert done.returncode == 78
    assert "/nowhere/at/all: there is no such file" in done.stderr


def test_each_file_that_cannot_be_used(folder):
    """As msgraphd, also where root asks."""
    secret(folder, "good", 0o400, "msgraphd")
    secret(folder, "open", 0o444, "msgraphd")
    done = run(folder, "".join(
        f"{name} {APP} secret_file=FOLDER/{name}\n"
        for name in ("good", "open", "missing")))
    assert done.returncode == 78
    lines = done.stderr.splitlines()
    assert len(lines) == 2
    for number, name, line in ((2, "open", lines[0]), (3, "missing", lines[1])):
        assert re.match(rf"msgraphd: as user \w+: FOLDER/identities:{number}: "
                        rf".*FOLDER/{name}", line)
    assert "a secret" not in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_table_that_msgraphd_cannot_read(folder):
    run(folder, f"a {APP}\n")
    (folder / "identities").chmod(0o600)
    done = subprocess.run(
        [BUILD / "msgraphd", "-c", folder / "msgraph.conf", "-t"], text=True,
        capture_output=True, timeout=30)
    assert done.returncode == 78
    assert re.match(r"msgraphd: as user msgraphd: .*/identities: Permission "
                    "denied; msgraphd must be able to read it", done.stderr)


# --- identities(5)

PAGE = Path(__file__).parents[2] / "agent/daemon/identities/identities.5"
EXAMPLES = re.findall(r"^\.Bd -literal\n(\w+ +application=.*?)\.Ed$",
                      PAGE.read_text(), re.M | re.S)
ATTRIBUTES = re.findall(r"^\.It Ic (\w+) No = ", PAGE.read_text(), re.M)


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_example_of_the_manual_is_taken(folder, number):
    """But for its files, which are not there."""
    done = run(folder, EXAMPLES[number].replace(
        "application=<tenant>/<client>", APP))
    for line in done.stderr.splitlines():
        assert "No such file" in line or line.startswith("warning: "), line


def test_manual_has_examples():
    assert len(EXAMPLES) == 3 and len(ATTRIBUTES) > 10


@pytest.mark.parametrize("name", ["frobnicate", *ATTRIBUTES])
def test_attribute_of_the_manual_is_known(folder, name):
    said = run(folder, f"a {name}=\n").stderr
    assert ("nothing stands behind the '='" in said) == (name != "frobnicate")
