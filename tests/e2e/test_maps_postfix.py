"""A socketmap behind the real Postfix: what clients hear at AUTH and MAIL, and
what becomes of mail that waits, while its server answers and while it does
not."""

from __future__ import annotations

import time

import pytest

from harness.message import message
from harness.site import Site
from harness.socketmap import SocketMap, netstring
from harness.wait import wait_for

TTL = 1  # seconds
TRY_AGAIN = {"endpoint": "sendMail", "times": 1, "status": 503}


@pytest.fixture(scope="module")
def shared_site():
    with Site() as site:
        site.names = SocketMap(site.root / "names")
        site.names.start()
        site.configure(identity_maps=f"{site.identities} {site.names.item}",
                       allowed_tenants="", identity_cache_ttl=f"{TTL}s",
                       identity_cache_grace="0")
        yield site
        site.names.kill()
        site.end_soundly()


@pytest.fixture
def site(shared_site):
    shared_site.m365.reset()
    yield shared_site
    heal(shared_site.names)
    shared_site.m365.clear_rules()
    shared_site.postfix.delete_all()


def heal(names: SocketMap) -> None:
    names.kill()
    names.raw, names.stalls = None, False
    names.start()


@pytest.fixture
def names(site):
    return site.names


@pytest.fixture(name="entry")
def entry_of_the_map(site, app, names, mailbox):
    """The name of an entry of the application, which may send as mailbox."""
    name = mailbox.partition("@")[0]
    names.rows[name] = f"application={app.identity} senders={mailbox}"
    return name


def sign_in(site, name: str, secret: str):
    client = site.connect()
    return client, client.auth_plain(f"{name}@lookup", secret)


def test_message_of_an_entry_goes(site, app, entry, mailbox):
    client, answer = sign_in(site, entry, app.secret)
    with client:
        assert answer.code == 235
        answer = client.transact("other@example.com", ["a@example.org"],
                                 message("other@example.com"))
        assert (answer.code, answer.text[:5]) == (550, "5.7.1")
        queue_id = client.send(mailbox, ["a@example.org"], message(mailbox))
    site.postfix.wait_status(queue_id, "sent")
    assert site.m365.mail()[-1].mailbox == mailbox
    assert f"sasl_username={app.user}.{entry}" in site.postfix.log_text()


@pytest.mark.parametrize("cached", [True, False])
def test_fallback_mailbox_of_a_row(site, app, names, entry, mailbox, cached):
    """Also of mail that waits until nothing of the row is known any more."""
    site.m365.mailboxes("relay@example.com")
    names.rows[entry] += ",relay@example.com fallback_mailbox=relay@example.com"
    if not cached:
        site.m365.rules(TRY_AGAIN)
    client, answer = sign_in(site, entry, app.secret)
    with client:
        assert answer.code == 235
        queue_id = client.send(mailbox, ["a@example.org"], message(mailbox))
    if not cached:
        site.postfix.wait_deferred(queue_id)
        site.daemon.stop()
        site.daemon.start()
        site.postfix.flush()
    site.postfix.wait_status(queue_id, "sent")
    assert [mail.mailbox for mail in site.m365.mail()] == ["relay@example.com"]


def stop(names: SocketMap) -> None:
    names.kill()


def stall(names: SocketMap) -> None:
    names.stalls = True


def lie(names: SocketMap) -> None:
    names.raw = netstring("OK 12345")


def lie_at_length(names: SocketMap) -> None:
    names.raw = netstring(b"OK " + b"x" * 10_000_000)


def give_up(names: SocketMap) -> None:
    names.raw = netstring("PERM no such map")


@pytest.mark.parametrize("trouble", [stop, stall, lie, lie_at_length, give_up])
def test_trouble(site, app, names, entry, mailbox, trouble):
    """With no grace, so that nothing that was known helps."""
    site.m365.rules(TRY_AGAIN)
    client, answer = sign_in(site, entry, app.secret)
    with client:
        assert answer.code == 235
        waiting = client.send(mailbox, ["a@example.org"], message(mailbox))
        site.postfix.wait_deferred(waiting)
        trouble(names)
        answer = wait_for(lambda: refusal(client, mailbox), "451")
        assert (answer.code, answer.text[:5]) == (451, "4.4.3")
    client, answer = sign_in(site, entry, app.secret)
    with client:
        assert answer.code == 454
    since = site.postfix.mark()
    site.postfix.flush(waiting)
    line = site.postfix.wait_log(rf"{waiting}: to=.*status=\w+ .*", since)[0]
    assert "dsn=4.4.3" in line and "status=deferred" in line
    assert "identity_maps: socketmap:unix:" in line
    heal(names)
    wait_for(lambda: signs_in(site, entry, app.secret), "235")
    site.postfix.flush(waiting)
    site.postfix.wait_status(waiting, "sent")
    assert len(site.m365.mail()) == 1


def refusal(client, mailbox: str):
    """None while MAIL is taken, by what was known before."""
    answer = client.command(f"MAIL FROM:<{mailbox}>")
    client.command("RSET")
    return None if answer.code == 250 else answer


def signs_in(site, name: str, secret: str) -> bool:
    client, answer = sign_in(site, name, secret)
    with client:
        return answer.code == 235


def test_who_needs_no_map_is_not_delayed(site, app, names, mailbox):
    """An entry of root's files, while the server stalls others."""
    names.stalls = True
    site.identify(f"own application={app.identity}\n")
    began = time.monotonic()
    with site.connect() as client:
        client.login("own@lookup", app.secret)
        queue_id = client.send(mailbox, ["a@example.org"], message(mailbox))
    site.postfix.wait_status(queue_id, "sent")
    assert time.monotonic() - began < 5
    site.identify("")
