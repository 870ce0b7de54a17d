"""msgraphctl test-send: one message to its end, as a client and as an entry."""

from __future__ import annotations

import json
import socket
import subprocess

import pytest

from harness.identities import secret_file
from harness.process import BUILD
from harness.site import App, Site

CTL = str(BUILD / "msgraphctl")


def send(site: Site, name: str, sender: str, secret: str | None = None,
         *more: str, to: str = "a@example.org") -> subprocess.CompletedProcess:
    words = ["-s", "-"] if secret is not None else []
    return subprocess.run(
        [CTL, "-c", str(site.conf), "test-send", "-c",
         str(site.postfix.paths.etc), "-a", name, "-f", sender, "-t", to,
         *more, *words],
        input=secret, capture_output=True, text=True, timeout=240)


def steps(done: subprocess.CompletedProcess) -> list[list[str]]:
    return [line.split(None, 2) for line in done.stdout.splitlines()]


def test_a_client_s_message_to_its_end(site, app, mailbox):
    done = send(site, app.user, mailbox, app.secret)
    told = steps(done)
    assert [row[:2] for row in told[:3]] == [
        ["service", "ok"], ["sign-in", "ok"], ["message", "ok"]], told
    assert {"milter-header-filter" in row[2] for row in told} == {True, False}
    name, status, text = told[-1]
    assert (name, status, done.returncode) == ("pipe", "ok", 0)
    assert "status=sent" in text
    (mail,) = site.m365.mail()
    assert (mail.mailbox, mail.recipients) == (mailbox, ["a@example.org"])
    assert mail.tenant == app.tenant
    assert app.secret not in done.stdout + done.stderr


@pytest.mark.parametrize("secret, sender, rule, last, exit_status, words", [
    ("wrong", "scan@example.com", None, "sign-in", 2, "535 5.7.8"),
    (None, "scan@example.com", {"endpoint": "token", "status": 503,
                                "times": -1}, "sign-in", 3, "454 4.7.0"),
    (None, "scan@example.com", {"endpoint": "sendMail", "status": 503,
                                "times": -1}, "pipe", 1,
     "it stays in the queue"),
    (None, "nobody@example.com", None, "pipe", 1, "status=deferred"),
    (None, "scan@localhost", None, "message", 2, "550 5."),
])
def test_it_ends_where_a_client_s_would(site, app, secret, sender, rule, last,
                                        exit_status, words):
    if rule:
        site.m365.rules(rule)
    site.m365.mailboxes("scan@example.com")
    done = send(site, app.user, sender, secret or app.secret)
    name, status, text = steps(done)[-1]
    assert (name, done.returncode) == (last, exit_status), done
    assert words in text, text
    assert not site.m365.mail()


def test_no_secret_goes_to_another_program(site, app, mailbox):
    """Who has the port while Postfix is down."""
    site.postfix.stop()
    try:
        with socket.create_server(("127.0.0.1", site.postfix.port)) as other:
            done = send(site, app.user, mailbox, app.secret)
            other.settimeout(0)
            with pytest.raises(BlockingIOError):
                other.accept()
    finally:
        site.postfix.start()
    [[name, status, text]] = steps(done)
    assert (name, status, done.returncode) == ("service", "critical", 2)
    assert "no secret is sent, since it is not Postfix" in text


@pytest.fixture
def entry(site, app):
    site.identify(f"own application={app.identity} senders=any secret_file="
                  f"{secret_file(site, app)} clients=192.0.2.0/24\n"
                  f"theirs application={app.tenant}/{app.tenant}\n")
    yield app
    site.identify("")


def test_an_entry_s_message_goes_past_postfix(site, entry: App, mailbox):
    mark = site.postfix.mark()
    done = send(site, "own", mailbox)
    told = steps(done)
    assert [row[:2] for row in told] == [["entry", "ok"], ["graph", "ok"]]
    assert "past Postfix" in told[0][2] and done.returncode == 0
    (mail,) = site.m365.mail()
    assert (mail.mailbox, mail.client) == (mailbox, entry.client)
    # this line may come late, where Postfix was started for this test
    assert [line for line in site.postfix.log_text(mark).splitlines()
            if "daemon started" not in line] == []


@pytest.fixture(scope="module")
def open_site():
    with Site(services=("port25", "local")) as site:
        yield site
        site.end_soundly()


def test_an_entry_s_message_goes_as_its_client_s(open_site, mailbox):
    """By the service that the entry names, and not by the other."""
    site, app = open_site, open_site.new_app()
    site.identify("".join(
        f"{name} application={app.identity} senders=@example.com secret_file="
        f"{secret_file(site, app)} clients={clients} daemon_name={service}\n"
        for name, clients, service in (
            ("devices", "192.0.2.0/24,127.0.0.1", "port25"),
            ("mine", "127.0.0.1", "local"), ("far", "192.0.2.0/24", "local"))))
    for name, way in (("devices", "port25"), ("mine", "local")):
        done = send(site, name, mailbox)
        told = steps(done)
        assert [row[0] for row in told[:2]] == ["service", "message"], told
        assert f":{site.postfix.service(way)}," in told[0][2]
        assert told[-1][:2] == ["pipe", "ok"] and done.returncode == 0
        assert f"entry={name}," in site.milter.log()
    done = send(site, "far", mailbox)
    assert [row[0] for row in steps(done)] == ["entry", "graph"]
    assert "no client of it" in done.stdout
    assert len(site.m365.mail()) == 3
    done = send(site, "mine", "other@example.net")
    assert steps(done)[-1][0] == "message" and done.returncode == 2
    assert "senders" in done.stdout


@pytest.mark.parametrize("name, last, exit_status, words", [
    ("nobody", "entry", 2, 'no entry "nobody"'),
    ("theirs", "graph", 1, "would wait"),
])
def test_entries_that_cannot_send(site, entry, mailbox, name, last,
                                  exit_status, words):
    done = send(site, name, mailbox)
    step, _, text = steps(done)[-1]
    assert (step, done.returncode) == (last, exit_status), done
    assert words in text
    assert not site.m365.mail()


def test_json(site, app, mailbox):
    told = json.loads(send(site, app.user, mailbox, app.secret, "-j").stdout)
    assert told["steps"][0]["step"] == "service"
    assert told["steps"][-1]["status"] == "ok"


@pytest.mark.parametrize("sender", [
    "scan", "a b@example.com", "<scan@example.com>", "a@b@c",
    "scan@example.com\r\nRSET", 'a"b@example.com'])
def test_addresses_that_are_none(site, app, sender):
    done = send(site, app.user, sender, app.secret)
    assert done.returncode == 64 and "plain address" in done.stderr, done
    assert not site.m365.mail()


def test_postfix_without_our_services(site, app, tmp_path):
    (tmp_path / "main.cf").write_text("compatibility_level = 3.6\n")
    (tmp_path / "master.cf").write_text(
        "smtp inet n - y - - smtpd\ncleanup unix n - y - 0 cleanup\n")
    done = subprocess.run(
        [CTL, "-c", str(site.conf), "test-send", "-c", str(tmp_path), "-a",
         app.user, "-f", "a@example.com", "-t", "b@example.org", "-s", "-"],
        input=app.secret, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "msgraphctl setup" in done.stdout
