"""msgraphctl setup --undo: Postfix is as it was, whatever it was; and what an
admin has changed since stays."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.network import needs_network
from harness.setup import (
    BY_HAND, OLD_BOUNCES, OLD_MASTER, SMARTHOST, UNCHANGED, Folder)
from e2e.test_main_cf import ELSEWHERE

pytestmark = needs_network

TENANT = "11111111-2222-3333-4444-555555555555"
ALL = ("--service", "8025", "--service", "submissions", "--service",
       "local", "--bounces", "--tenant", TENANT)
RECORD = "msgraph_setup.undo"


def old(path: Path) -> Folder:
    folder = Folder(path, "msgraph_time_limit = 600s\n", OLD_MASTER.replace(
        "    -o non_smtpd_milters=\n", "    # twice, and in braces\n"
        "    -o syslog_name=a -o syslog_name=b -v -o { queue_minfree = 0 }\n"
        "    -o non_smtpd_milters=\n"))
    folder.postconf(*OLD_BOUNCES)
    (path / "msgraph_route.pcre").write_text("/^X:/ FILTER msgraph:x\n")
    return folder


def hostile(path: Path) -> Folder:
    """All that main.cf may say, without the paths of another place."""
    return Folder(path, "".join(
        f"{name} = {value}\n" for name, value in ELSEWHERE.items()
        if name != "queue_directory"))


def cut(path: Path) -> Folder:
    """Without the end of the last line: postconf adds its own to that line."""
    folder = Folder(path, "msgraph_time_limit = 600s", BY_HAND)
    for name in ("main.cf", "master.cf"):
        file = path / name
        file.write_text(file.read_text().rstrip("\n"))
    folder.cool()
    return folder


def own_cleanup(path: Path) -> Folder:
    """Of bounces; and no trace service, and one service twice."""
    folder = Folder(path)
    file = path / "master.cf"
    text = re.sub(r"(?m)^bounce .*$", "bounce\\tunix - - y - 0\\n\\tbounce\\n"
                  "# here\\n\\t-o { cleanup_service_name = cleanup }\\n",
                  file.read_text())
    file.write_text(re.sub(r"(?m)^trace ", "#trace ", text) +
                    "defer unix - - y - 0 bounce -o syslog_name=x\n")
    folder.cool()
    return folder


STARTS: dict[str, Callable[[Path], Folder]] = {
    "stock": Folder,
    "smarthost": lambda path: Folder(path, SMARTHOST),
    "by hand": lambda path: Folder(path, "", BY_HAND),
    "old": old,
    "hostile": hostile,
    "cut": cut,
    "own cleanup": own_cleanup,
}


@pytest.fixture(params=STARTS)
def folder(request, tmp_path) -> Folder:
    return STARTS[request.param](tmp_path / "folder")


@pytest.fixture
def stock(tmp_path) -> Folder:
    return Folder(tmp_path / "folder")


def set_up(folder: Folder, *args: object) -> None:
    done = folder.setup(*args)
    assert done.returncode == 0, done.stderr


def undo(folder: Folder, *args: object) -> subprocess.CompletedProcess:
    done = folder.setup("--undo", *args)
    assert done.returncode == 0, done.stderr
    return done


def comments(folder: Folder) -> list[str]:
    return sorted(line for name in ("main.cf", "master.cf")
                  for line in (folder.path / name).read_text().splitlines()
                  if line.lstrip().startswith("#"))


def test_all_is_as_it_was(folder):
    state, notes = folder.state(), comments(folder)
    files, conf = set(folder.content()), folder.conf.read_text()
    set_up(folder, *ALL)
    assert folder.state() != state
    assert folder.setup("-n", *ALL).returncode == UNCHANGED
    record = folder.path / RECORD
    assert record.stat().st_mode & 0o777 == 0o600
    assert folder.rows("--undo", "--dry-run")
    assert record.exists()
    undo(folder)
    assert folder.state() == state
    assert comments(folder) == notes
    assert set(folder.content()) == files
    assert folder.conf.read_text() == conf
    assert not (folder.path / "sasl").exists()
    assert folder.setup("--undo").returncode == UNCHANGED


def test_own_cleanup_gets_no_notices(tmp_path):
    folder = own_cleanup(tmp_path / "folder")
    set_up(folder, *ALL)
    assert folder.options("bounce/unix") == {"cleanup_service_name": "cleanup"}
    assert folder.options("defer/unix")["internal_mail_filter_classes"]


def test_after_several_runs(stock, tmp_path):
    """Each of which changes something, the same thing twice among them."""
    state = stock.state()
    for name in ("k", "a", "b"):
        (tmp_path / name).write_text("x")
    set_up(stock)
    for name in "ab":
        set_up(stock, "--bounces", "--service", "oldtls", "--certificate",
               tmp_path / name, "--key", tmp_path / "k")
    stock.postconf("-X", "msgraph_time_limit")
    set_up(stock)
    undo(stock)
    assert stock.state() == state
    set_up(stock)
    undo(stock)
    assert stock.state() == state


def test_what_an_admin_has_changed_stays(stock):
    set_up(stock, *ALL)
    stock.postconf("-e", "msgraph_time_limit=1h")
    stock.postconf("-P", "bounce/unix/internal_mail_filter_classes=notify")
    stock.postconf("-P", "8025/inet/smtpd_client_restrictions=reject")
    route = stock.path / "msgraph_route"
    route.write_text("# mine\n")
    rows = stock.rows("--undo")
    assert {(row["action"], row["name"], row["old"]) for row in rows
            if row["action"] == "keep"} == {
        ("keep", "msgraph_time_limit", "1h"), ("keep", "", "7 bytes"),
        ("keep", "bounce/unix/internal_mail_filter_classes", "notify")}
    assert "msgraph_time_limit = 1h" in (stock.path / "main.cf").read_text()
    assert route.read_text() == "# mine\n"
    assert stock.options("bounce/unix") == {
        "internal_mail_filter_classes": "notify"}
    # a service that setup has added goes, also when it was changed
    assert [(row["name"], row["old"]) for row in rows
            if row["name"].startswith("8025/inet/")] == [
        ("8025/inet/smtpd_client_restrictions", "reject")]
    assert not [name for name in stock.services() if "msgraph" in name]
    assert "8025/inet" not in stock.services()


def test_what_an_admin_has_removed_is_no_trouble(stock):
    state = stock.state()
    set_up(stock, *ALL)
    stock.postconf("-MX", "8025/inet", "msgraph/unix")
    stock.postconf("-X", "msgraph_time_limit")
    stock.postconf("-PX", "bounce/unix/cleanup_service_name")
    (stock.path / "msgraph_route").unlink()
    undo(stock)
    assert stock.state() == state


def test_msgraph_conf_that_is_gone_is_no_trouble(stock):
    state = stock.state()
    stock.conf.write_text(f"allowed_tenants = {TENANT[:-1]}6\n")
    set_up(stock, *ALL)
    stock.conf.unlink()
    undo(stock)
    assert stock.state() == state
    assert not stock.conf.exists()


def test_what_is_still_needed_is_not_removed(stock):
    """Unless --force says so."""
    set_up(stock, *ALL)
    stock.postconf("-M", "2525/inet=2525 inet n - y - - smtpd -o smtpd_milters="
                   " -o cleanup_service_name=msgraph-cleanup")
    before = stock.content()
    done = stock.setup("--undo")
    assert done.returncode == 1
    assert ("2525/inet of master.cf needs \"msgraph-cleanup\"" in done.stderr
            and "postconf -PX 2525/inet/cleanup_service_name" in done.stderr)
    assert stock.content() == before
    undo(stock, "--force")
    assert "msgraph-cleanup/unix" not in stock.services()


def test_service_that_an_admin_has_moved(stock):
    """It is the admin's by now, and goes as the text says."""
    state = stock.state()
    set_up(stock)
    master = stock.path / "master.cf"
    master.write_text(re.sub(r"(?m)^8025 ", "2525 ", master.read_text()))
    done = stock.setup("--undo")
    assert done.returncode == 1
    assert "postconf -MX 2525/inet\n" in done.stderr
    stock.postconf("-MX", "2525/inet")
    undo(stock)
    assert stock.state() == state


@pytest.mark.parametrize("name, value, is_needed", [
    ("content_filter", "msgraph:unrouted", True),
    ("default_transport", "msgraph", True),
    ("cleanup_service_name", "msgraph-cleanup", True),
    ("relayhost", "[127.0.0.1]:8026", True),
    ("relayhost", "localhost:8026", True),
    ("relayhost", "[127.0.0.1]:10026", False),
    ("relayhost", "[192.0.2.1]:8026", False)])
def test_what_main_cf_needs_is_not_removed(stock, name, value, is_needed):
    set_up(stock, *ALL)
    stock.postconf("-e", f"{name}={value}")
    before = stock.content()
    done = stock.setup("--undo")
    if is_needed:
        assert done.returncode == 1
        assert f"main.cf has {name} = {value}" in done.stderr
        assert stock.content() == before
        stock.postconf("-X", name)
        done = stock.setup("--undo")
    assert done.returncode == 0, done.stderr


# --- the record

BROKEN = ["frob\tx\t-\t-\n", "setting\tx\t-\n", "setting\tx\t-\ty\n",
          "setting\tx\t-\t=y\tz\n"]


@pytest.mark.parametrize("line", BROKEN)
def test_record_that_is_broken(stock, line):
    """Neither run goes on with it."""
    set_up(stock)
    with (stock.path / RECORD).open("a") as file:
        file.write(line)
    before = stock.content()
    number = before[RECORD].count("\n")
    for args in ((), ("--undo",)):
        done = stock.setup(*args)
        assert done.returncode == 1
        assert re.search(rf"{RECORD}:{number}: not a line", done.stderr)
    assert stock.content() == before


def test_two_at_once(stock):
    """The second is told so."""
    with subprocess.Popen(["flock", "--exclusive", str(stock.path), "sh", "-c",
                           "echo; read x"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as other:
        assert other.stdout.readline()
        done = stock.setup()
        other.communicate(b"\n")
    assert done.returncode == 1
    assert "another msgraphctl setup is at work" in done.stderr
