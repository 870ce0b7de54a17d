"""msgraphd -t as root says what the daemon would meet, as the users that will
read: each row spoils one thing, and names the user, the file and the remedy."""

from __future__ import annotations

import grp
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.process import BUILD
from harness import cert

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


class Host:
    """The places of an installation. The settings lie in /etc/msgraph, by an
    overlay that only the program under test sees."""

    def __init__(self, root: Path) -> None:
        root.chmod(0o755)
        self.root = root
        for name in ("upper", "work"):
            (root / name).mkdir()
        shutil.copy(BUILD / "msgraphd", root)
        for name in ("passwd", "group"):
            shutil.copy(f"/etc/{name}", root / "upper" / name)
        self.etc = root / "upper" / "msgraph"
        self.spool = root / "spool"
        self.state = root / "state"
        gid = grp.getgrnam("msgraph").gr_gid
        for folder, mode in ((self.etc, 0o750), (self.spool, 0o3770)):
            folder.mkdir()
            os.chown(folder, 0, gid)
            folder.chmod(mode)
        self.state.mkdir(mode=0o700)
        shutil.chown(self.state, "msgraphd")
        self.key = self.etc / "vault.key"
        self.key.write_bytes(bytes(range(32)))
        shutil.chown(self.key, "msgraphd")
        self.key.chmod(0o400)
        _, pem = cert.make(root)
        self.ca = self.etc / "ca.pem"
        shutil.copy(pem, self.ca)
        self.ca.chmod(0o644)
        self.password = self.etc / "proxy.password"
        self.password.write_text("user:secret\n")
        shutil.chown(self.password, "msgraphd")
        self.password.chmod(0o400)
        self.conf = self.etc / "msgraph.conf"
        self.conf.write_text(
            f"auth_socket = {self.spool}/auth\n"
            f"state_directory = {self.state}\n"
            "vault_key_file = /etc/msgraph/vault.key\n"
            "ca_file = /etc/msgraph/ca.pem\n"
            "proxy_password_file = /etc/msgraph/proxy.password\n")

    def check(self, *before: str) -> subprocess.CompletedProcess:
        layers = (f"lowerdir=/etc,upperdir={self.root}/upper,"
                  f"workdir={self.root}/work")
        script = (f"mount -t overlay overlay -o {layers} /etc || exit 99\n"
                  f'exec "$@" {self.root}/msgraphd -t')
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", script, "sh", *before],
            capture_output=True, text=True)
        if done.returncode == 99:
            pytest.skip(f"no overlay here: {done.stderr}")
        return done


@pytest.fixture
def host() -> Iterator[Host]:
    with tempfile.TemporaryDirectory() as folder:
        yield Host(Path(folder))


def test_sound_host_has_no_complaint(host):
    done = host.check()
    assert (done.returncode, done.stderr) == (0, "")


def test_what_the_first_start_makes_may_be_missing(host):
    host.key.unlink()
    host.state.rmdir()
    done = host.check()
    assert (done.returncode, done.stderr) == (0, "")


def own(path: Path, user: str) -> None:
    shutil.chown(path, user)


def move(host: Host, setting: str) -> None:
    """Where the unit hides it, and root's folder is closed in any case."""
    kept = [line for line in host.conf.read_text().splitlines()
            if not line.startswith(setting)]
    host.conf.write_text("\n".join([*kept, f"{setting} = /root/there", ""]))


SPOILED = {
    "settings": (lambda h: h.conf.chmod(0o600), "msgraphd", "msgraph.conf",
                 "chmod it to 0644"),
    "settings, for the agent": (lambda h: h.conf.chmod(0o600), "msgraph",
                                "msgraph.conf", "chmod it to 0644"),
    "folder of the settings": (lambda h: h.etc.chmod(0o700), "msgraph",
                               "msgraph.conf", "open to group msgraph"),
    "ca_file closed": (lambda h: h.ca.chmod(0o600), "msgraphd", "ca.pem",
                       "chmod it to 0644"),
    "ca_file missing": (lambda h: h.ca.unlink(), "msgraphd", "ca.pem",
                        "No such file"),
    "ca_file empty": (lambda h: h.ca.write_text(""), "msgraphd", "ca.pem",
                      "no certificate"),
    "ca_file hidden": (lambda h: move(h, "ca_file"), "msgraphd",
                       "/root/there", "ProtectHome="),
    "password hidden": (lambda h: move(h, "proxy_password_file"), "msgraphd",
                        "/root/there", "ProtectHome="),
    "identities hidden": (lambda h: move(h, "identity_maps"), "msgraphd",
                          "/root/there", "ProtectHome="),
    "map hidden": (lambda h: (move(h, "identity_maps"), h.conf.write_text(
        h.conf.read_text().replace("/root/there", "texthash:/root/there"))),
        "msgraphd", "/root/there", "ProtectHome="),
    "key of root's": (lambda h: own(h.key, "root"), "msgraphd", "vault.key",
                      "chown msgraphd /etc/msgraph/vault.key"),
    "key open": (lambda h: h.key.chmod(0o440), "msgraphd", "vault.key",
                 "run: chmod 0400"),
    "key short": (lambda h: h.key.write_bytes(b"x"), "msgraphd", "vault.key",
                  "restore it"),
    "key lost": (lambda h: (h.key.unlink(), (h.state / "state.db").touch()),
                 "msgraphd", "vault.key", "restore it"),
    "state of root's": (lambda h: own(h.state, "root"), "msgraphd", "state",
                        "chown -R msgraphd"),
    "password of root's": (lambda h: own(h.password, "root"), "msgraphd",
                           "proxy.password", "Permission denied"),
    "spool closed": (lambda h: h.spool.chmod(0o700), "postfix", "spool",
                     "gpasswd -a postfix msgraph"),
}


@pytest.mark.parametrize("name", SPOILED)
def test_what_a_user_cannot_read_is_named(host, name):
    spoil, user, file, remedy = SPOILED[name]
    spoil(host)
    done = host.check()
    assert done.returncode == 78
    [line] = [line for line in done.stderr.splitlines()
              if f"as user {user}: " in line]
    assert file in line and remedy in line
    assert "secret\n" not in done.stderr and "user:" not in done.stderr
    assert "state_directory = " in done.stdout  # the settings all the same


def test_as_msgraphd_it_speaks_for_itself(host):
    """As at "systemctl reload"."""
    host.key.chmod(0o440)
    done = host.check("runuser", "-u", "msgraphd", "--")
    assert done.returncode == 78
    assert done.stderr.count("\n") == 1 and "as user msgraphd: " in done.stderr
