"""docs/operations.md: a backup, an update, the way back and the removal."""

from __future__ import annotations

import subprocess
from pathlib import Path

from boot.host import CLIENT, KEY, STATE, TENANT, auth

from harness.typed import Step, follow, is_active

OPERATIONS = "docs/operations.md"
FOLDERS = ("/etc/msgraph", "/var/lib/msgraph", "/var/spool/postfix/msgraph")


def run(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True,
                          text=True).stdout


def test_secret_is_forgotten():
    assert auth().code == 235
    follow(OPERATIONS, Step("msgraphctl forget", here={
        "forget": f"forget {TENANT}/{CLIENT}"}))
    assert auth(secret="wrong").code == 535
    assert auth().code == 235


def test_backup():
    """As a restore leaves them."""
    run("systemctl", "stop", "msgraphd")
    run("chown", "-R", "root:root", str(KEY), str(STATE.parent))
    for command in ("chown msgraphd /etc", "chown -R msgraphd"):
        follow(OPERATIONS, Step(command))
    run("systemctl", "start", "msgraphd")
    assert is_active("msgraphd") and auth().code == 235


def test_state_is_moved_aside():
    follow(OPERATIONS, Step("systemctl stop 'msgraphd*'"))
    KEY.write_bytes(b"x" * 32)
    follow(OPERATIONS, Step("msgraphd -M"))
    assert list(STATE.parent.glob("state.db?*"))
    follow(OPERATIONS, Step("systemctl start msgraphd"))
    assert is_active("msgraphd", "msgraphd-auth.socket",
                     "msgraphd-submit.socket")
    assert auth().code == 235


def test_update():
    follow(OPERATIONS, Step("make && make install"))
    follow(OPERATIONS, Step("systemctl daemon-reload && systemctl restart",
                            logged="reload -- version"))
    follow(OPERATIONS, Step("msgraphctl setup", "^msgraphctl setup: ", 2))
    assert is_active("msgraphd", "msgraph-milter") and auth().code == 235


def test_way_back():
    follow(OPERATIONS, Step("postconf -M# 8025/inet",
                            logged="reload -- version"))
    follow(OPERATIONS, Step("postqueue -p", "Mail queue is empty"))
    follow(OPERATIONS, Step("msgraphctl setup --undo", "^remove "))
    assert "msgraph" not in run("postconf", "-M")
    follow(OPERATIONS, Step("systemctl disable --now"))
    said = run("systemctl", "list-units", "--no-legend", "--state=active",
               "msgraph-milter*", "msgraphd*")
    assert not said.strip(), said


def test_removal():
    follow(OPERATIONS, Step("make uninstall"))
    assert not Path("/usr/sbin/msgraphd").exists()
    follow(OPERATIONS, Step("gpasswd -d postfix"))
    for name in ("msgraph", "msgraphd", "msgraph-admin"):
        for kind in ("passwd", "group"):
            assert subprocess.run(["getent", kind, name]).returncode != 0
    follow(OPERATIONS, Step("rm -r /etc/msgraph"))
    assert not any(Path(folder).exists() for folder in FOLDERS)
