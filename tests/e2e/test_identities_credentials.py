"""Clients that do not sign in, and the relay's own credentials: a message
through each kind, files that are wrong and are put right, files that are
replaced and entries that are renamed while mail waits. Such mail is sent or
deferred with the reason, and never bounced."""

from __future__ import annotations

import datetime
import os
import shutil
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path

import pytest

from harness import leaks
from harness.credentials import Certificate, Issuer
from harness.relay import RECIPIENTS, Relay, network_site
from harness.site import App, Site
from harness.wait import wait_for

SUBJECT = "system:serviceaccount:mail:relay"


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
    shared_relay.m365.clear_rules()
    if not shared_relay.daemon.is_running():
        shared_relay.daemon.start()


@pytest.fixture
def folder():
    """For credentials, apart from what is searched for them."""
    path = Path(tempfile.mkdtemp(prefix="credentials-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


class Secret:
    attribute, proof = "secret_file", "client_secret="
    said = "AADSTS7000215"

    def __init__(self, app: App) -> None:
        self.text, self.old = app.secret + "\n", "an-old~secret+of/this\n"
        self.registered = {"secrets": [app.secret]}
        self.secrets = [app.secret]


class Signed:
    attribute, proof = "certificate_file", "client_assertion=eyJ"
    said = "AADSTS700027"

    def __init__(self, app: App) -> None:
        certificate = Certificate()
        self.text, self.old = certificate.pem, Certificate().pem
        self.registered = {"certificates": [certificate.public]}
        self.secrets = self.text.splitlines()[3:20]


class Token:
    attribute, proof = "federated_token_file", "client_assertion=eyJ"
    said = "AADSTS50013"

    def __init__(self, app: App) -> None:
        issuer = Issuer()
        self.text = issuer.token(SUBJECT)
        self.old = Issuer().token(SUBJECT)
        self.registered = {"federated": [issuer.trust(SUBJECT)]}
        self.secrets = [self.text.rpartition(".")[2]]


KINDS = {"secret": Secret, "certificate": Signed, "token": Token}


class Own(Relay):
    """An application, its credential in a file, and an entry that names it."""

    def __init__(self, site: Site, folder: Path, kind: str) -> None:
        self.site = site
        self.app = site.new_app()
        self.kind = KINDS[kind](self.app)
        self.file = folder / "credential"
        site.m365.app(self.app.tenant, self.app.client,
                      **{"secrets": [], **self.kind.registered})
        self.put(self.kind.text)
        self.mailbox = f"{folder.name[-8:]}-{kind}@example.com".lower()
        site.identify(self.entry())

    def put(self, text: str) -> None:
        """As an admin replaces it: beside, and moved over."""
        new = self.file.with_suffix(".new")
        new.write_text(text)
        own(new)
        new.rename(self.file)

    def entry(self, name: str = "printers", more: str = "") -> str:
        return (f"{name} application={self.app.identity} "
                f"{self.kind.attribute}={self.file} clients=127.0.0.1 "
                f"daemon_name=port25 senders=@example.com {more}\n")

    def token_requests(self) -> list[str]:
        return [request.body.decode() for request
                in self.site.m365.requests("token")
                if request.client == self.app.client]


def own(path: Path, user: str = "msgraphd", mode: int = 0o400) -> None:
    shutil.chown(path, user)
    path.chmod(mode)


@pytest.fixture(params=KINDS)
def relay(request, site, folder):
    return Own(site, folder, request.param)


@pytest.fixture
def secret(site, folder):
    return Own(site, folder, "secret")


# --- a message through each kind

def test_message(relay):
    queue_id = relay.send()
    relay.site.postfix.wait_status(queue_id, "sent")
    (mail,) = [m for m in relay.site.m365.mail()
               if m.mailbox == relay.mailbox]
    assert (mail.tenant, mail.client) == (relay.app.tenant, relay.app.client)
    assert mail.recipients == RECIPIENTS
    (body,) = relay.token_requests()
    assert relay.kind.proof in body
    # the token lasts for the next one
    relay.site.postfix.wait_status(relay.send(), "sent")
    assert len(relay.token_requests()) == 1
    # and another is fetched when Graph does not take it any more
    relay.site.m365.expire_tokens()
    relay.site.postfix.wait_status(relay.send(), "sent")
    assert len(relay.token_requests()) == 2


def test_token_of_kubernetes(site, folder):
    """The file is a link to a link to a file of root's."""
    relay = Own(site, folder, "token")
    data = folder / "..2026"
    data.mkdir()
    relay.file.rename(data / "credential")
    own(data / "credential", "root", 0o440)
    shutil.chown(data / "credential", group="nogroup")
    (folder / "..data").symlink_to("..2026")
    relay.file.symlink_to("..data/credential")
    queue_id = relay.send()
    # msgraphd has no group but msgraph here
    site.postfix.wait_deferred(queue_id)
    own(data / "credential", "msgraphd", 0o400)
    relay.again(queue_id)


# --- what is wrong, and put right

def test_refused_and_replaced_while_mail_waits(relay):
    relay.put(relay.kind.old)
    queue_id = relay.send()
    reason = relay.site.postfix.wait_deferred(queue_id)
    assert (f"entry printers, {relay.kind.attribute} {relay.file}: "
            f"{relay.kind.said}") in reason
    assert "dsn=4.7.8" in relay.site.postfix.wait_status(queue_id, "deferred")
    assert (f"application={relay.app.identity}, reason=credential, "
            "status=refused (mail waits: entry printers"
            ) in relay.site.daemon.log()
    relay.put(relay.kind.text)
    relay.again(queue_id)


def test_replacement_is_audited(secret):
    """Within seconds, with no reload."""
    line = (f": audit: entry=printers, application={secret.app.identity}, "
            f"action=replaced (secret_file {secret.file})")
    log = secret.site.daemon.log
    # the first may come before the file is looked at for the first time
    wait_for(lambda: secret.put("another") or line in log(), log)


def test_refused_for_longer_than_the_grace(site, secret):
    """What Entra says against our own never bounces."""
    site.configure(access_denied_grace="0s")
    try:
        secret.put(secret.kind.old)
        queue_id = secret.send()
        site.postfix.wait_deferred(queue_id)
        mark = site.postfix.mark()
        site.postfix.flush()
        site.postfix.wait_status(queue_id, "deferred", since=mark)
        secret.put(secret.kind.text)
        secret.again(queue_id)
    finally:
        site.configure(access_denied_grace="1d")


def link(relay: Own) -> None:
    there = relay.file.with_suffix(".there")
    relay.file.rename(there)
    relay.file.symlink_to(there)


def open_to_all(relay: Own) -> None:
    relay.file.chmod(0o444)


def open_to_group(relay: Own) -> None:
    shutil.chown(relay.file, group="msgraph")
    relay.file.chmod(0o440)


def of_root(relay: Own) -> None:
    own(relay.file, "root")


def of_nobody(relay: Own) -> None:
    own(relay.file, "nobody")


def gone(relay: Own) -> None:
    relay.file.unlink()


def with_text(text: str):
    return lambda relay: relay.put(text)


CHMOD = "chmod 0400 "
CHOWN = "chown msgraphd "
WRONG = {
    "secret: all may read": ("secret", open_to_all, CHMOD),
    "secret: group may read": ("secret", open_to_group, CHMOD),
    "secret: of root": ("secret", of_root, CHOWN),
    "secret: of nobody": ("secret", of_nobody, CHOWN),
    "secret: a link": ("secret", link, "no symbolic link"),
    "secret: gone": ("secret", gone, "No such file"),
    "secret: two lines": ("secret", with_text("a\nb\n"), "one line"),
    "secret: long": ("secret", with_text("x" * 1025), "1 to 1024 bytes"),
    "certificate: all may read": ("certificate", open_to_all, CHMOD),
    "certificate: group may read": ("certificate", open_to_group, CHMOD),
    "certificate: of root": ("certificate", of_root, CHOWN),
    "certificate: a link": ("certificate", link, "no symbolic link"),
    "certificate: no key": ("certificate", with_text(
        Certificate().public), "holds no private key"),
    "certificate: another's": ("certificate", with_text(
        Certificate().pem.partition("-----BEGIN C")[0]
        + Certificate().public), "do not fit each other"),
    "certificate: ended": ("certificate", with_text(
        Certificate(days=-3).pem), "holds a certificate that ended on "),
    "token: all may read": ("token", open_to_all, "others may read it"),
    "token: group may read": ("token", open_to_group, "others may read it"),
    "token: of nobody": ("token", of_nobody, CHOWN),
    "token: no token": ("token", with_text("x"), "holds no JSON Web Token"),
    "token: long": ("token", with_text("a.b." + "c" * 8189),
                    "1 to 8192 bytes"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_file(site, folder, name):
    kind, spoil, said = WRONG[name]
    relay = Own(site, folder, kind)
    spoil(relay)
    queue_id = relay.send()
    reason = site.postfix.wait_deferred(queue_id)
    assert "entry printers: " in reason and str(relay.file) in reason
    assert said in reason
    line = site.postfix.wait_status(queue_id, "deferred")
    assert "dsn=4.3.5" in line
    assert f"{queue_id}: " in site.daemon.log()
    assert "reason=configuration" in site.daemon.log()
    assert relay.token_requests() == []
    relay.file.unlink(missing_ok=True)
    relay.put(relay.kind.text)
    relay.again(queue_id)


# --- entries that change while mail waits

def wait_with_mail(relay: Own) -> str:
    open_to_all(relay)
    queue_id = relay.send()
    relay.site.postfix.wait_deferred(queue_id)
    own(relay.file)
    return queue_id


def test_renamed(site, secret):
    queue_id = wait_with_mail(secret)
    site.identify(secret.entry("scanners"))
    secret.again(queue_id)


@pytest.mark.parametrize("more", ["disabled=yes", None])
def test_disabled_or_removed(site, secret, more):
    queue_id = wait_with_mail(secret)
    site.identify("" if more is None else secret.entry(more=more))
    mark = site.postfix.mark()
    site.postfix.flush()
    line = site.postfix.wait_status(queue_id, "deferred", since=mark)
    assert "printers" in line
    assert f"dsn={'4.7.8' if more is None else '4.7.13'}" in line
    assert secret.token_requests() == []
    site.identify(secret.entry())
    secret.again(queue_id)


def test_other_kind_of_credential(site, folder, secret):
    """The admin goes over to a certificate while mail waits."""
    queue_id = wait_with_mail(secret)
    certificate = Certificate()
    site.m365.app(secret.app.tenant, secret.app.client,
                  certificates=[certificate.public])
    secret.put(certificate.pem)
    site.identify(secret.entry().replace("secret_file", "certificate_file"))
    secret.again(queue_id)
    assert "client_assertion=" in secret.token_requests()[-1]


def test_bounce(site, secret):
    """Nobody has ever signed in; it goes to the mailbox all the same."""
    site.m365.rules({"endpoint": "sendMail", "times": 1, "status": 400,
                     "body": {"error": {"code": "ErrorMessageBlocked",
                                        "message": "spam"}}})
    mark = site.postfix.mark()
    queue_id = secret.send()
    site.postfix.wait_status(queue_id, "bounced")
    bounce = site.postfix.wait_log(
        rf"{queue_id}: sender non-delivery notification: (\w+)", since=mark)
    site.postfix.wait_status(bounce[1], "sent")
    mail = site.m365.mail()[-1]
    assert mail.mailbox == secret.mailbox
    assert mail.recipients == [secret.mailbox]


# --- what nobody may find

@pytest.fixture
def busy(relay):
    """Was refused, has sent, and sends at this moment. Yields all that nobody
    may find."""
    site = relay.site
    relay.put(relay.kind.old)
    queue_id = relay.send()
    site.postfix.wait_deferred(queue_id)
    relay.put(relay.kind.text)
    relay.again(queue_id)
    site.m365.rules({"endpoint": "sendMail", "action": "stall",
                     "accept": True})
    relay.send()
    site.m365.wait_stalled()
    tokens = {request.header("Authorization").removeprefix("Bearer ")
              for request in site.m365.requests("sendMail")}
    proofs = [body.partition(f"{relay.kind.proof[:13]}")[2].partition("=")[2]
              for body in relay.token_requests()]
    assert tokens and all(proofs)
    yield [*relay.kind.secrets, *tokens, *proofs]
    site.m365.release()
    site.postfix.wait_empty_queue()


def test_nothing_is_found(relay, busy):
    assert leaks.in_files(busy, relay.site.root) == []
    assert leaks.in_processes(busy) == []


def test_nothing_is_kept(relay):
    """After a restart the file is read again: the state has nothing."""
    site = relay.site
    site.postfix.wait_status(relay.send(), "sent")
    site.daemon.stop()
    assert leaks.in_files(relay.kind.secrets, site.state) == []
    site.daemon.start()
    site.postfix.wait_status(relay.send(), "sent")
    assert len(relay.token_requests()) == 2


# --- what is said in time

def test_secret_near_its_end(site, folder):
    """Once, also over a restart; and again when a client of it is silent."""
    relay = Own(site, folder, "secret")
    end = (datetime.datetime.now(datetime.timezone.utc)
           + datetime.timedelta(days=5)).date().isoformat()
    said = f"the secret of entry printers ends on {end}, in 5 days (expires)"
    site.daemon.restart()
    site.identify(relay.entry(more=f"expires={end} expect=26h"), reload=False)
    site.daemon.restart()
    wait_for(lambda: said in site.daemon.log(), "a warning")
    site.postfix.wait_status(relay.send(), "sent")
    site.daemon.stop()
    with closing(sqlite3.connect(site.state / "state.db")) as state, state:
        seen, = state.execute(
            "SELECT seen FROM entry WHERE name = 'printers'").fetchone()
        assert time.time() - seen < 3600
        state.execute("UPDATE entry SET seen = seen - 27 * 3600")
    site.daemon.start()
    wait_for(lambda: "nothing from entry printers for 26 h (expect)"
             in site.daemon.log(), "a warning")
    site.postfix.wait_status(relay.send(), "sent")
    wait_for(lambda: "mail from entry printers again, after 27 h"
             in site.daemon.log(), "a line")
    assert site.daemon.log().count(said) == 1


def test_certificate_near_its_end(site, folder):
    relay = Own(site, folder, "certificate")
    relay.put(Certificate(days=20.5).pem)
    site.daemon.stop()
    mark = len(site.daemon.log())
    site.daemon.start()
    wait_for(lambda: f"the certificate of entry printers, {relay.file}, ends "
             "in 20 days" in site.daemon.log()[mark:], "a warning")
    assert os.stat(relay.file).st_mode & 0o777 == 0o400
