"""From a Postfix that hands its mail to Exchange, sender by sender, as
docs/moving-from-exchange.md says: the old way beside the new one, and back."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from harness import document
from harness.identities import reread, secret_file
from harness.postfix import cool_down, free_ports
from harness.site import Site
from harness.wait import wait_for

HEADING = "From Postfix with `relayhost = [smtp.office365.com]:587`"


@pytest.fixture(scope="module")
def own_site():
    with Site(services=("local",)) as site:
        yield site
        site.end_soundly()


@pytest.fixture
def site(own_site: Site):
    own_site.m365.reset()
    yield own_site
    own_site.postfix.delete_all()
    own_site.postfix.settings.clear()
    own_site.identify("")


def main_cf(site: Site, **settings: str) -> None:
    site.postfix.settings.update(settings)
    site.postfix.write()
    reread(site)


@pytest.fixture
def old_way(site):
    """Where mail goes that has not moved. Each message is a file."""
    (port,) = free_ports(1)
    folder = Path(tempfile.mkdtemp(dir=site.root))
    shutil.chown(folder, "postfix")
    with subprocess.Popen(["smtp-sink", "-u", "postfix", "-d", f"{folder}/%S.",
                           f"127.0.0.1:{port}", "10"]) as sink:

        def taken() -> list[Path]:
            return list(folder.iterdir())

        wait_for(lambda: listens(port), "smtp-sink")
        yield port, taken
        sink.terminate()


def listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def side_by_side(site, app, old_way):
    """The page's step 3, with the ports of the test. Returns what writes the
    map: the senders that have moved."""
    port, taken = old_way
    site.identify(f"local application={app.identity} secret_file="
                  f"{secret_file(site, app)} clients=127.0.0.1 "
                  "daemon_name=local senders=@example.com\n")
    section = document.section("docs/moving-from-exchange.md", HEADING)
    section = re.sub("(?m)^   ", "", section)  # of a numbered list
    ours = f"[127.0.0.1]:{site.postfix.service('local')}"
    table = site.postfix.paths.etc / "msgraph_moved"

    def move(*senders: str) -> None:
        line = document.line(section, "scan@example.com  ")
        assert line.endswith("[127.0.0.1]:8026")
        table.write_text("".join(f"{sender}  {ours}\n" for sender in senders))
        cool_down(table)
        site.postfix.command(*document.line(section, "postmap ").replace(
            "/etc/postfix/msgraph_moved", str(table)).split())
        reread(site)

    move()
    main_cf(site, default_transport="smtp", smtp_tls_security_level="may",
            relayhost=f"[127.0.0.1]:{port}")
    for start in ("postconf -e sender_dep", "postconf -e smtp_tls"):
        name, _, value = document.line(section, start).split(
            maxsplit=2)[2].partition("=")
        value = value.replace("/etc/postfix/msgraph_moved", str(table))
        value = value.replace("[127.0.0.1]:8026", ours)
        site.postfix.settings[name] = value
    main_cf(site)
    return move, taken


def send_as(site: Site, sender: str) -> None:
    site.postfix.sendmail(sender, "a@example.org",
                          f"From: {sender}\nSubject: t\n\nx\n".encode())


def test_sender_by_sender(site, side_by_side):
    move, taken = side_by_side
    send_as(site, "scan@example.com")
    wait_for(lambda: len(taken()) == 1, "the message on the old way")
    move("scan@example.com")
    send_as(site, "scan@example.com")
    site.m365.wait_mail(1)
    assert site.m365.mail()[-1].mailbox == "scan@example.com"
    send_as(site, "other@example.com")
    wait_for(lambda: len(taken()) == 2, "the other sender's message")
    move("@example.com")
    send_as(site, "other@example.com")
    site.m365.wait_mail(2)
    move()
    send_as(site, "scan@example.com")
    wait_for(lambda: len(taken()) == 3, "the message after the way back")
    assert len(site.m365.mail()) == 2


def test_exchange_s_tls_is_not_asked_of_loopback(site, side_by_side):
    move, taken = side_by_side
    main_cf(site, smtp_tls_security_level="encrypt")
    move("scan@example.com")
    mark = site.postfix.mark()
    send_as(site, "scan@example.com")
    site.m365.wait_mail(1)
    send_as(site, "other@example.com")
    site.postfix.wait_log("TLS is required, but was not offered", since=mark)
    assert not taken()


def test_what_is_in_the_queue_follows(site, side_by_side):
    move, taken = side_by_side
    main_cf(site, defer_transports="smtp")
    send_as(site, "scan@example.com")
    wait_for(lambda: any(row["queue_name"] == "deferred"
                         for row in site.postfix.queue()), "a deferral")
    move("scan@example.com")
    del site.postfix.settings["defer_transports"]
    main_cf(site)
    site.postfix.flush()
    site.m365.wait_mail(1)
    assert not taken()
