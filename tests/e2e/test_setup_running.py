"""msgraphctl setup on a Postfix that runs: it reloads, says what the log says
of that, and does not take away what mail in the queue waits for."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import example, postfix_conf
from harness.network import needs_network
from harness.ports import free_ports
from harness.postfix import Postfix, cool_down
from harness.setup import PROGRAM, UNCHANGED, Folder
from harness.smtp import Smtp


class Bare(Postfix):
    """A Postfix that knows nothing of us."""

    def write(self) -> None:
        paths = self.paths
        (paths.etc / "master.cf").write_text(
            postfix_conf.BASE_MASTER.format(chroot="n"))
        (paths.etc / "main.cf").write_text(postfix_conf.BASE_MAIN.format(
            root=paths.root, queue=paths.queue, data=paths.data,
            log=paths.log, key=self._key, crt=self.cert,
            environment=postfix_conf.environment(paths, self.options),
            default_route=postfix_conf.DEFAULT_ROUTE))
        self.cool()

    def cool(self) -> None:
        for name in ("main.cf", "master.cf"):
            cool_down(self.paths.etc / name)

    def setup(self, *args: str, path: str = "") -> subprocess.CompletedProcess:
        self.cool()
        return subprocess.run(
            [str(PROGRAM), "-c", str(self.root / "msgraph.conf"), "setup",
             "-c", str(self.paths.etc), "--share", str(example.EXAMPLES),
             *args], capture_output=True, text=True, timeout=60,
            env={**os.environ, "PATH": f"{path}:{os.environ['PATH']}"})

    def set_up(self, *args: str) -> str:
        done = self.setup("--service", self.service, *args)
        assert done.returncode == 0, done.stderr
        self.cool()
        return done.stderr

    @property
    def service(self) -> str:
        return f"8025=127.0.0.1:{self.port}"

    def services(self) -> str:
        self.cool()
        return self.command("postconf", "-M")


@pytest.fixture
def postfix() -> Iterator[Bare]:
    with tempfile.TemporaryDirectory() as folder:  # where postfix may look
        root = Path(folder)
        root.chmod(0o755)
        (root / "msgraph.conf").write_text(
            f"auth_socket = {root}/spool/msgraph/auth\n")
        with Bare(root) as bare:
            yield bare


def hold_mail(postfix: Bare) -> str:
    """A message for our transport that waits, and one for another."""
    postfix.command("postconf", "-e", "defer_transports=msgraph discard",
                    "header_checks=regexp:{ {/^Subject: ours/ "
                    "FILTER msgraph:a@example.com} }")
    postfix.cool()
    mark = postfix.mark()
    postfix.command("postfix", "reload")
    postfix.wait_log("reload -- version", since=mark)
    for subject in (b"ours", b"other"):
        postfix.sendmail("root@relay.test", "a@example.org",
                         b"Subject: " + subject + b"\n\nx\n")
    found = postfix.wait_log(r" (\w+): .*relay=none.*deferred transport",
                             since=mark)
    for entry in postfix.queue():
        postfix.wait_deferred(entry["queue_id"])
    return found[1]


def test_clients_are_served_at_once(postfix):
    mark = postfix.mark()
    said = postfix.set_up()
    assert "reload -- version" in postfix.log_text(mark)
    assert said == ""
    with Smtp(postfix.port, "none") as client:
        assert client.command("EHLO x").code in (250, 451)
    mark = postfix.mark()
    assert postfix.setup("--undo").returncode == 0
    with pytest.raises(OSError):
        Smtp(postfix.port, "none")
    assert "msgraph" not in postfix.services()


def test_tenants_alone_are_not_postfix_s_matter(postfix):
    postfix.set_up()
    mark = postfix.mark()
    said = postfix.set_up("--tenant", "11111111-2222-3333-4444-555555555555")
    assert "reload" not in postfix.log_text(mark)
    assert "msgraphd is not running" in said


def test_the_log_is_looked_into(postfix):
    """For what Postfix says nowhere else."""
    [port] = free_ports(1)
    line = f"127.0.0.1:{port} inet n - n - - smtpd\n"
    with (postfix.paths.etc / "master.cf").open("a") as file:
        file.write(line + line)
    said = postfix.set_up()
    assert re.search(rf"setup: .*/master\[\d+\]: warning: .*duplicate.*{port}",
                     said), said


UNFIT = [  # port, main.cf, what is said; Postfix would end at most of them
    ("192.0.2.1:2525", "", "this host does not have the address"),
    ("[2001:db8::1]:2525", "", "this host does not have the address"),
    ("[::1]:2525", "inet_protocols = ipv4\n", "inet_protocols"),
    ("127.0.0.1:2525", "inet_protocols = ipv6\n", "inet_protocols"),
    ("::1:2525", "", "in brackets"),
    ("relay.test:2525", "", "in brackets"), ("+2525", "", "no port"),
]


@needs_network
@pytest.mark.parametrize("place, main, said", UNFIT)
def test_address_that_ends_postfix(tmp_path, place, main, said):
    folder = Folder(tmp_path / "folder", main)
    before = folder.content()
    done = folder.setup("--service", f"8025={place}")
    assert done.returncode == 1 and said in done.stderr, done.stderr
    assert folder.content() == before


def test_postfix_that_has_ended_is_told_of(postfix):
    """At an address of somebody else's service, here."""
    [port] = free_ports(1)
    with (postfix.paths.etc / "master.cf").open("a") as file:
        file.write(f"192.0.2.1:{port} inet n - n - - smtpd\n")
    done = postfix.setup("--service", postfix.service)
    assert done.returncode == 1
    assert "not all was done (run this again, or --undo): Postfix has ended" \
        in done.stderr
    assert f"postfix -c {postfix.paths.etc} start" in done.stderr
    postfix.is_running = False


def test_reload_that_did_not_come_is_made_up_for(postfix, tmp_path):
    """The next run has nothing to change, and reloads."""
    program = tmp_path / "postfix"
    program.write_text('#!/bin/sh\ncase $* in *reload*) kill -9 $PPID ;; esac\n'
                       'exec /usr/sbin/postfix "$@"\n')
    program.chmod(0o755)
    done = postfix.setup("--service", postfix.service, path=str(tmp_path))
    assert done.returncode == -9
    mark = postfix.mark()
    assert "nothing" not in postfix.set_up()
    assert "reload -- version" in postfix.log_text(mark)
    assert postfix.setup().returncode == UNCHANGED


def test_mail_in_the_queue_keeps_its_transport(postfix):
    """Unless --force says so. Other mail is no reason."""
    postfix.set_up()
    hold_mail(postfix)
    before = postfix.services()
    done = postfix.setup("--undo")
    assert done.returncode == 1, done.stderr
    [entry] = [entry for entry in postfix.queue() if
               entry["queue_id"] in done.stderr]
    assert f"1 messages, such as {entry['queue_id']} for msgraph" in \
        done.stderr
    assert "postqueue -f" in done.stderr and "--force" in done.stderr
    assert postfix.services() == before
    done = postfix.setup("--undo", "--force")
    assert done.returncode == 0, done.stderr
    assert "msgraph" not in postfix.services()
    assert len(postfix.queue()) == 2


def test_other_mail_does_not_hinder(postfix):
    postfix.set_up()
    hold_mail(postfix)
    for entry in postfix.queue():
        text = postfix.command("postcat", "-e", "-q", entry["queue_id"])
        if "content_filter: msgraph" in text:
            postfix.command("postsuper", "-d", entry["queue_id"])
    assert postfix.queue()
    done = postfix.setup("--undo")
    assert done.returncode == 0, done.stderr


def test_long_queue_does_not_hinder(postfix, tmp_path):
    postfix.set_up()
    for name, line in (("postqueue", """awk 'BEGIN { while (i++ < 3000)
        printf "{\\"queue_id\\": \\"%010d\\", %2000s}\\n", i, "" }'"""),
                       ("postcat", "exit 0")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o755)
    done = postfix.setup("--undo", path=str(tmp_path))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("is_running", [True, False])
def test_what_postfix_finds_is_said(postfix, is_running):
    if not is_running:
        postfix.stop()
    extra = postfix.paths.etc / "extra"
    extra.touch()
    extra.chmod(0o666)
    said = postfix.set_up()
    assert "group or other writable" in said, said
    assert ("is not running" in said) == (not is_running)


def test_instance_of_the_environment(postfix, monkeypatch):
    """MAIL_CONFIG, as for Postfix's own commands."""
    monkeypatch.setenv("MAIL_CONFIG", str(postfix.paths.etc))
    done = subprocess.run(
        [str(PROGRAM), "setup", "--share", str(example.EXAMPLES), "--dry-run",
         "--service", postfix.service], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"{Path(postfix.paths.etc)}/master.cf" in done.stdout


@pytest.mark.parametrize("environment", [
    {}, {"PATH": ""}, {"PATH": "/usr/bin:/bin"}, {"PATH": "/x" * 5000}])
def test_path_without_the_folders_of_admins(postfix, environment):
    """As su, cron and others have it."""
    done = subprocess.run(
        [str(PROGRAM), "setup", "--share", str(example.EXAMPLES), "--dry-run",
         "-c", str(postfix.paths.etc), "--service", postfix.service],
        capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
