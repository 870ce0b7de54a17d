"""msgraphctl doctor, asked about a private site."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from . import example
from .postfix import cool_down
from .site import Site

STATUSES = {0: "ok", 1: "warning", 2: "critical", 3: "unknown"}


@dataclass
class Finding:
    check: str
    status: str
    text: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.check}: {self.status}: {self.text} [{self.remedy}]"


@dataclass
class Diagnosis:
    status: str
    summary: str
    findings: list[Finding]  # all of them
    output: str

    def wrong(self) -> list[Finding]:
        return [finding for finding in self.findings
                if finding.status not in ("ok", "skipped")]

    def of(self, check: str) -> list[Finding]:
        return [finding for finding in self.findings
                if finding.check == check]

    def __str__(self) -> str:
        return "\n".join([self.summary, *map(str, self.wrong())])


def environment(site: Site) -> dict[str, str]:
    """What makes Postfix's commands look at this site."""
    return {**os.environ, "MAIL_CONFIG": str(site.postfix.paths.etc)}


def share(site: Site) -> Path:
    """Where "make install" would put the fragments beside the program."""
    program = (site.build / "msgraphctl").resolve()
    return program.parent.parent / "share" / "postfix-msgraph"


def run(site: Site, *args: str,
        program: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(program or site.build / "msgraphctl"), "-c", str(site.conf),
         "doctor", *args], capture_output=True, text=True,
        env=environment(site), timeout=60)


def ask(site: Site, *checks: str, program: Path | None = None) -> Diagnosis:
    done = run(site, "-j", *checks, program=program)
    assert done.stderr == "", done.stderr
    said = json.loads(done.stdout)
    [summary] = said["summary"]
    assert summary["status"] == STATUSES[done.returncode]
    return Diagnosis(summary["status"], summary["text"],
                     [Finding(**row) for row in said["checks"]], done.stdout)


def type_in(site: Site, command: str) -> None:
    """What an admin types who follows a remedy."""
    command = command.replace(str(share(site)), str(example.EXAMPLES))
    done = subprocess.run(["sh", "-c", command], capture_output=True,
                          text=True, env=environment(site), timeout=60)
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    cool(site)


# --- breaking and mending

@dataclass
class Breakage:
    """Breaks a site, and says what doctor finds: one check alone, and those
    that come after it are skipped. Without mend, the remedy is a command."""
    name: str
    make: Callable[[Site], object]
    check: str
    status: str
    text: str  # a pattern
    remedy: str  # a pattern
    mend: Callable[[Site], object] | None = None

    def __str__(self) -> str:
        return self.name


def follow(site: Site, row: Breakage) -> None:
    """Breaks, asks, mends as it is told, and asks again."""
    row.make(site)
    cool(site)
    found = ask(site)
    assert {finding.check for finding in found.wrong()} == {row.check}, found
    finding = found.wrong()[0]
    assert finding.status == found.status == row.status, found
    assert re.search(row.text, finding.text), found
    assert re.search(row.remedy, finding.remedy), found
    if row.mend:
        row.mend(site)
    else:
        type_in(site, finding.remedy)
    cool(site)
    again = ask(site, row.check)
    assert again.status == "ok", again


def cool(site: Site) -> None:
    for name in ("main.cf", "master.cf"):
        if (file := site.postfix.paths.etc / name).exists():
            cool_down(file)


def reload(site: Site) -> None:
    """Without write(), which would mend what is broken."""
    cool(site)
    mark = site.postfix.mark()
    site.postfix.command("postfix", "reload")
    site.postfix.wait_log("reload -- version", since=mark)


class Files:
    """Keeps what a breakage changes, and puts it back."""

    def __init__(self) -> None:
        self.saved: dict[Path, tuple[bytes, os.stat_result]] = {}

    def save(self, path: Path) -> None:
        if path not in self.saved:
            self.saved[path] = (path.read_bytes(), path.stat())

    def restore(self) -> None:
        for path, (content, stat) in self.saved.items():
            path.unlink(missing_ok=True)
            path.write_bytes(content)
            os.chown(path, stat.st_uid, stat.st_gid)
            path.chmod(stat.st_mode & 0o7777)
            os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        self.saved.clear()


FILES = Files()


def away(path: Path) -> None:
    FILES.save(path)
    path.unlink()


def edit(path: Path, old: str, new: str) -> None:
    FILES.save(path)
    text = path.read_text()
    assert old in text, (path, old)
    path.write_text(text.replace(old, new))


def chmod(path: Path, mode: int) -> None:
    FILES.save(path)
    path.chmod(mode)


def postconf(site: Site, *args: str) -> None:
    for name in ("main.cf", "master.cf"):
        FILES.save(site.postfix.paths.etc / name)
    type_in(site, shlex.join(["postconf", *args]))


def service(site: Site) -> str:
    """The listener with STARTTLS, as postconf names it."""
    return f"127.0.0.1:{site.postfix.port}/inet"


def set_option(name: str, value: str, of: str = "") -> Callable[[Site], None]:
    """postconf -P for the listener, or for another service."""
    return lambda site: postconf(
        site, "-P", f"{of or service(site)}/{name}={value}")


def set_main(name: str, value: str) -> Callable[[Site], None]:
    return lambda site: postconf(site, "-e", f"{name}={value}")


def master(site: Site) -> Path:
    return site.postfix.paths.etc / "master.cf"


def put_back(_: Site) -> None:
    FILES.restore()


@pytest.fixture(scope="module")
def own_site():
    with Site() as site:
        yield site


@pytest.fixture
def site(own_site: Site):
    """Whole again after each test."""
    settings = dict(own_site.settings)
    yield own_site
    FILES.restore()
    cool(own_site)
    shutil.chown(own_site.postfix.socket_directory, "root", "msgraph")
    own_site.postfix.socket_directory.chmod(0o3770)
    if own_site.settings != settings:
        own_site.settings = settings
        own_site.write_conf()
        own_site.daemon.reload()
    for program in (own_site.daemon, own_site.milter):
        if not program.is_running():
            program.start()
