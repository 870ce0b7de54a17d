"""Managed identities: a client of a network sends through Postfix by an
identity that Azure gives the machine, or Azure Arc. A row is an answer of IMDS
or a challenge of Arc's agent; mail is sent or waits, and never bounces."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from harness import leaks
from harness.arc import arc_folder
from harness.relay import RECIPIENTS, Relay, network_site
from harness.site import Site

BODY = {"access_token": "a.b.c", "expires_in": "3599"}


@pytest.fixture(scope="module")
def shared_relay():
    """A site whose clients do not sign in."""
    with network_site() as site:
        yield site


@pytest.fixture
def site(shared_relay):
    shared_relay.m365.reset()
    yield shared_relay
    shared_relay.identify("")
    shared_relay.postfix.delete_all()


class Managed(Relay):
    """An application that is the machine's own, and an entry that names it."""

    def __init__(self, site: Site, word: str) -> None:
        self.site = site
        self.app = site.new_app()
        self.word = self.app.client if word == "client" else word
        self.mailbox = f"{self.app.client[:8]}@example.com"
        self.assign()
        site.identify(self.entry())

    def assign(self) -> None:
        name = self.app.identity
        self.site.m365.identities(
            **{"system": {"system": name}, "arc": {"arc": name}}.get(
                self.word, {"user": [name, "x/y"]}))

    def entry(self) -> str:
        return (f"vm application={self.app.identity} "
                f"managed_identity={self.word} clients=127.0.0.1 "
                f"daemon_name=port25 from={self.mailbox}\n")

    def requests(self) -> list:
        return self.site.m365.requests("imds")


@pytest.fixture(params=["system", "client"])
def relay(request, site):
    return Managed(site, request.param)


@pytest.fixture
def system(site):
    return Managed(site, "system")


# --- a message

def test_message(relay):
    relay.site.postfix.wait_status(relay.send(), "sent")
    (mail,) = relay.site.m365.mail()
    assert (mail.client, mail.mailbox) == (relay.app.client, relay.mailbox)
    assert mail.recipients == RECIPIENTS
    # the token lasts for the next one, and Entra was never asked
    relay.site.postfix.wait_status(relay.send(), "sent")
    (request,) = relay.requests()
    assert request.header("Metadata") == "true"
    assert relay.site.m365.requests("token") == []
    # and another is fetched when Graph does not take it any more
    relay.site.m365.expire_tokens()
    relay.site.postfix.wait_status(relay.send(), "sent")
    assert len(relay.requests()) == 2


def test_nothing_is_found(system):
    site = system.site
    site.postfix.wait_status(system.send(), "sent")
    (request,) = site.m365.requests("sendMail")
    token = request.header("Authorization").removeprefix("Bearer ")
    assert leaks.in_files([token], site.root) == []


# --- IMDS that is not ready

@pytest.mark.parametrize("status", [404, 410, 429, 500, 503])
def test_not_ready_at_first(system, status):
    system.site.m365.rules({"endpoint": "imds", "status": status})
    system.site.postfix.wait_status(system.send(), "sent")
    assert [r.status for r in system.requests()] == [status, 200]


def test_not_ready_for_long(system):
    """Asked four times in 14 seconds; then mail waits in the queue."""
    site = system.site
    site.m365.rules({"endpoint": "imds", "status": 404, "times": 4})
    queue_id = system.send()
    reason = site.postfix.wait_deferred(queue_id)
    assert "IMDS answered HTTP 404" in reason
    assert "dsn=4.4.1" in site.postfix.wait_status(queue_id, "deferred")
    first, *_, last = [r.time for r in system.requests()]
    assert last - first >= 14
    system.again(queue_id)


# What IMDS answers; dsn and text of the deferral.
ANSWERS = {
    "redirect": ({"status": 302, "headers": {
        "Location": "http://127.0.0.1:1/"}}, "4.4.1", "HTTP 302"),
    "10 MB": ({"status": 200, "body": "x" * 1000, "repeat_body": 10000},
              "4.4.1", "the answer is too long"),
    "cut": ({"status": 200, "body": BODY, "truncate": True}, "4.4.1",
            "cannot ask IMDS"),
    "no HTTP": ({"action": "garbage"}, "4.4.1", "cannot ask IMDS"),
    "hangs up": ({"action": "reset"}, "4.4.1", "cannot ask IMDS"),
    "stalled": ({"action": "stall"}, "4.4.1", "cannot ask IMDS"),
    "endless": ({"status": 200, "body": "x" * 4096, "endless": True},
                "4.4.1", "the answer is too long"),
    "HTML": ({"status": 200, "body": "<html>"}, "4.4.1",
             "without a usable token"),
    "list": ({"status": 200, "body": [BODY]}, "4.4.1",
             "without a usable token"),
    "number": ({"status": 200, "body": {**BODY, "access_token": 1}}, "4.4.1",
               "without a usable token"),
    "no time": ({"status": 200, "body": {**BODY, "expires_in": [1]}}, "4.4.1",
                "without a usable token"),
    "line end": ({"status": 200, "body": {**BODY, "access_token": "a\r\nb"}},
                 "4.4.1", "without a usable token"),
    "not assigned": ({"status": 400, "body": {
        "error": "invalid_request", "error_description":
        "Identity not found"}}, "4.3.5",
        "turn the system-assigned identity on"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_answer(system, name):
    rule, dsn, text = ANSWERS[name]
    site = system.site
    site.m365.rules({"endpoint": "imds", **rule})
    queue_id = system.send()
    assert text in site.postfix.wait_deferred(queue_id)
    assert f"dsn={dsn}" in site.postfix.wait_status(queue_id, "deferred")
    system.again(queue_id)
    site.m365.release()


def test_token_of_another(system):
    """One user-assigned identity answers for the system's."""
    other = system.site.new_app()
    system.site.m365.identities(system=None, user=[other.identity])
    queue_id = system.send()
    reason = system.site.postfix.wait_deferred(queue_id)
    assert f"the token is of application {other.identity}" in reason
    assert "reason=configuration" in system.site.daemon.log()
    assert system.site.m365.requests("sendMail") == []
    system.assign()
    system.again(queue_id)


def test_no_proxy(system, monkeypatch):
    """Neither that of the settings nor one of the environment sees a token."""
    site = system.site
    for name in ("http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    site.daemon.restart()
    site.postfix.wait_status(system.send(), "sent")
    site.m365.expire_tokens()
    # Graph is out of reach behind that one, so mail waits, with a token
    site.configure(proxy="http://127.0.0.1:1")
    site.daemon.restart()
    queue_id = system.send()
    site.postfix.wait_deferred(queue_id)
    assert [r.status for r in system.requests()] == [200, 200]
    site.configure(proxy="")
    system.again(queue_id)


# --- Azure Arc

@pytest.fixture
def folder(site):
    with arc_folder() as folder:
        yield folder
        site.m365.reset()  # forgets its keys


@pytest.fixture
def arc(site, folder):
    return Managed(site, "arc")


def test_arc(arc):
    arc.site.postfix.wait_status(arc.send(), "sent")
    first, second = arc.requests()
    assert first.status == 401 and first.header("Authorization") is None
    key = second.header("Authorization").removeprefix("Basic ")
    assert second.status == 200 and len(key) == 64
    assert leaks.in_files([key], arc.site.root) == []


# What Arc's agent names or has written; dsn and text of the deferral.
CHALLENGES = {
    "other folder": ({"arc_realm": "/etc/{name}"},
                     "names a file outside of /var/opt/azcmagent/tokens"),
    "by ..": ({"arc_realm": "{folder}/../tokens/{name}"},
              "names a file outside of /var/opt/azcmagent/tokens"),
    "suffix": ({"arc_realm": "{file}.txt"}, "that does not end in .key"),
    "empty": ({"arc_realm": " "}, "names a file outside of"),
    "long": ({"arc_key": "k" * 4097}, "1 to 4096 visible characters"),
    "no key": ({"arc_key": "a\r\nX: y"}, "1 to 4096 visible characters"),
    "of others": ({"arc_owner": "root"},
                  "usermod -aG himds msgraphd; systemctl restart msgraphd"),
}


@pytest.mark.parametrize("name", CHALLENGES)
def test_challenge(arc, name):
    changes, text = CHALLENGES[name]
    arc.site.m365.identities(**changes)
    queue_id = arc.send()
    assert text in arc.site.postfix.wait_deferred(queue_id)
    assert "dsn=4.3.5" in arc.site.postfix.wait_status(queue_id, "deferred")
    assert [r.status for r in arc.requests()] == [401]
    arc.site.m365.identities(arc_realm=None, arc_key=None,
                             arc_owner="msgraphd")
    arc.again(queue_id)


def test_link(arc, folder):
    target = arc.site.root / "secret"
    target.write_text("elsewhere")
    shutil.chown(target, "msgraphd")
    link = folder / f"{arc.app.client}.key"
    link.symlink_to(target)
    try:
        arc.site.m365.identities(arc_realm=str(link))
        queue_id = arc.send()
        assert "it is a symbolic link" in arc.site.postfix.wait_deferred(
            queue_id)
    finally:
        link.unlink()
    arc.site.m365.identities(arc_realm=None)
    arc.again(queue_id)


# --- msgraphd -t

def check(site: Site) -> subprocess.CompletedProcess:
    return subprocess.run([site.daemon.command[0], "-c", str(site.conf), "-t"],
                          text=True, capture_output=True, timeout=60)


def test_check(system):
    done = check(system.site)
    assert (done.returncode, done.stderr) == (0, "")
    system.site.m365.identities(system=None)
    done = check(system.site)
    assert done.returncode == 78
    assert ("IMDS answered HTTP 400 (invalid_request: Identity not found); "
            "turn the system-assigned identity on") in done.stderr
    # what passes keeps no other change from being read
    system.site.m365.rules({"endpoint": "imds", "status": 503, "times": -1})
    done = check(system.site)
    assert done.returncode == 0
    assert "warning: " in done.stderr and "HTTP 503" in done.stderr
