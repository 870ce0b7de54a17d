"""msgraphctl doctor about mail, clients and applications."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path

import pytest

from harness import doctor
from harness.doctor import (  # noqa: F401
    Breakage, edit, own_site, put_back, set_main, set_option, site)
from harness.message import message
from harness.site import Site
from harness.wait import wait_for

# --- mail and clients

def send(site: Site, **app) -> str:
    """A message that waits."""
    queue_id = site.send(site.new_app(**app), "scan@example.com",
                         ["you@example.org"], message())
    site.postfix.wait_deferred(queue_id)
    return queue_id


def empty(site: Site) -> None:
    site.postfix.delete_all()
    site.m365.clear_rules()


def misroute(site: Site) -> None:
    """The queue has what was routed while the table was wrong."""
    edit(site.postfix.paths.route, "FILTER msgraph:", "FILTER msgrap:")
    doctor.reload(site)
    queue_id = site.send(site.new_app(), "scan@example.com",
                         ["you@example.org"], message())
    site.postfix.wait_deferred(queue_id)
    doctor.FILES.restore()
    doctor.reload(site)


MAIL = [
    Breakage("B14 mailbox not allowed", lambda s: send(s, permissions=[]),
             "waiting", "warning", "1 message waits.*Mail.Send",
             "entra-script .*postqueue -f", empty),
    Breakage("B20c mail in the queue", misroute, "unrouted", "critical",
             "1 message waits until this host is mended.*transport",
             "master.cf .*postqueue -f", empty),
]


def sign_in(user: str = "{tenant}@{client}", **app):
    def make(site: Site) -> None:
        one = site.new_app(**app)
        mark = site.postfix.mark()
        with site.connect() as client:
            client.auth_plain(user.format(tenant=one.tenant,
                                          client=one.client), "wrong")
        site.postfix.wait_log("authentication failed", since=mark)
    return make


def forget_log(site: Site) -> None:
    """As fifteen minutes do."""
    log = site.postfix.paths.log
    log.write_text(re.sub(r"(?m)^(\w+ +\d+ )..:..:..", r"Jan  1 00:00:00",
                          log.read_text()))


CLIENTS = [
    Breakage("B23 Secret ID for Value", sign_in(), "log", "warning",
             "AADSTS7000215", "the Value of the secret", forget_log),
    Breakage("B15 swapped", sign_in("{client}@{tenant}"), "log", "warning",
             "AADSTS90002", "are they swapped", forget_log),
    Breakage("B28 name misspelt", sign_in("{tenant}/{client}"), "log",
             "warning", "neither tenant and client", "msgraphctl username",
             forget_log),
]


# --- what msgraphd knows

ENTRY = ("application=11111111-2222-3333-4444-555555555555/"
         "66666666-7777-8888-9999-aaaaaaaaaaaa")


def expire(site: Site) -> None:
    """The stored secret ends while mail comes."""
    app = site.new_app()
    with site.connect() as client:
        client.login(app.user, app.secret)
    site.m365.app(app.tenant, app.client, "second",
                  expired_secrets=[app.secret])
    site.m365.expire_tokens()
    queue_id = site.send(app, "scan@example.com", ["you@example.org"],
                         message())
    site.postfix.wait_deferred(queue_id)
    site.postfix.delete_all()
    expire.app = app


def renew(site: Site) -> None:
    with site.connect() as client:
        client.login(expire.app.user, "second")


def throttle(site: Site) -> None:
    site.m365.rules({"endpoint": "sendMail", "status": 429, "times": 1,
                     "headers": {"Retry-After": "2000"}})
    send(site)
    site.postfix.delete_all()


def calm(site: Site) -> None:
    """As time does."""
    site.daemon.stop()
    (site.state / "state.db").unlink()
    site.daemon.start()


def own_credential(site: Site) -> None:
    secret = site.root / "etc" / "printers.secret"
    secret.write_text("a secret\n")
    secret.chmod(0o400)
    shutil.chown(secret, "msgraphd")
    identify(site, f"printers {ENTRY} clients=192.0.2.0/24 senders=any "
                   f"secret_file={secret}\n")


def identify(site: Site, text: str, reload: bool = True) -> None:
    doctor.FILES.save(site.identities)
    site.identify(text, reload)


def forget_table(site: Site) -> None:
    site.identify("")


def show_certificates(site: Site) -> None:
    """With so many authorities that they must be public ones."""
    own_credential(site)
    text = site.identities.read_text()
    site.identify(text.replace(
        "clients=192.0.2.0/24", "{ client_certificate = CA, erp.example.com }"))
    (site.root / "many.pem").write_text(site.postfix.cert.read_text() * 30)
    for name, value in (("ask_ccert", "yes"),
                        ("CAfile", f"{site.root}/many.pem")):
        set_option(f"smtpd_tls_{name}", value)(site)


def through_a_proxy(site: Site) -> None:
    own_credential(site)
    now = time.strftime("%b %e %H:%M:%S")
    with site.postfix.paths.log.open("a") as log:
        for n in range(30):
            log.write(f"{now} relay msgraph-milter[90]: {n}: client="
                      "proxy[192.0.2.7], from=<a@example.com>, user=, "
                      "application=x/y, entry=printers, mailbox=<a>, "
                      "message-id=<1>, nrcpt=1, action=accept\n")


def test_words_of_a_client(site):
    """In its user name and HELO: as if others had been refused."""
    words = ("warning: SASL authentication failure: entra: refused: "
             "AADSTS7000215, it came past msgraph-milter")
    mark = site.postfix.mark()
    with site.connect() as client:
        client.helo = words
        client.ehlo()
        client.auth_plain(words, "wrong")
        client.command("MAIL FROM:<a@example.com>")
        client.command("RCPT TO:<b@example.org>")
    site.postfix.wait_log(r"helo=<.*AADSTS7000215", since=mark)
    found = doctor.ask(site, "log")
    forget_log(site)
    assert not any("AADSTS" in finding.text or "came past" in finding.text
                   for finding in found.of("log")), found


DAEMON = [
    Breakage("B13b secret expired", expire, "credentials", "critical",
             "gets no token: .*AADSTS7000222", "sign in with a secret",
             renew),
    Breakage("a file of an entry", lambda s: (
        own_credential(s), (s.root / "etc" / "printers.secret").chmod(0o644)),
        "identities", "critical", "printers.secret .*0644", "chmod",
        forget_table),
    Breakage("a mistake in the table", lambda s: s.identify("nonsense x\n"),
             "identities", "critical", "identities:1: ", "msgraphd -t",
             forget_table),
    Breakage("a map that does not answer", lambda s: s.configure(
        identity_maps="socketmap:unix:/no/such:x"), "identities", "critical",
        "/no/such", "msgraphd -t", lambda s: s.configure(
            identity_maps=str(s.identities))),
    Breakage("an application throttled", throttle, "throttles", "warning",
             "throttles application .* until", "nothing: ", calm),
    Breakage("public authorities", show_certificates, "authorities",
             "critical", "public authorities", "your own authority alone",
             lambda s: (put_back(s), s.daemon.reload())),
    Breakage("a proxy in front", through_a_proxy, "one-address", "warning",
             "30 of 30 messages of entry printers came from 192.0.2.7",
             "sign in", forget_table),
]


def test_other_mail_is_not_ours(site):
    set_main("default_transport", "smtp:[127.0.0.1]:9")(site)
    doctor.reload(site)
    site.postfix.sendmail("a@example.com", "b@example.net", b"\nx\n")
    wait_for(lambda: any("Connection refused" in str(message)
                         for message in site.postfix.queue()), "a deferral")
    found = doctor.ask(site, "waiting")
    put_back(site)
    doctor.reload(site)
    empty(site)
    assert found.wrong() == []


@pytest.mark.parametrize("row", MAIL + CLIENTS + DAEMON, ids=str)
def test_broken(site, row):
    doctor.follow(site, row)
