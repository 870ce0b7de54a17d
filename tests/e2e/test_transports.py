"""Room for mail by Postfix's means, as docs/senders.md says: msgraph-2, which has
processes of its own, and msgraph-slow, which spaces the messages of a
mailbox."""

from __future__ import annotations

import re
import time

import pytest

from harness.message import message
from harness.site import App, Site
from harness.wait import wait_for


@pytest.fixture(scope="module")
def own_site():
    site = Site({"log_level": "info"})
    site.postfix.settings["msgraph-slow_destination_rate_delay"] = "1s"
    site.postfix.write()
    with site:
        yield site


@pytest.fixture
def site(own_site: Site):
    own_site.m365.reset()
    yield own_site
    own_site.postfix.delete_all()
    own_site.m365.clear_rules()
    wait_for(lambda: not own_site.postfix.agents(), "the last deliveries")
    own_site.identify("")


def send_many(site: Site, app: App, mailboxes: list[str], count: int) -> None:
    with site.connect() as client:
        client.login(app.user, app.secret)
        for number in range(count):
            mailbox = mailboxes[number % len(mailboxes)]
            client.send(mailbox, [f"a{number}@example.org"],
                        message(mailbox, body=b"%d\r\n" % number))


def by(site: Site, app: App, name: str) -> None:
    """For the application; others have none of their own."""
    site.identify(f"own application={app.identity} transport={name}\n")


def test_another_transport_does_not_wait(site):
    """While each process of msgraph has a message of another application."""
    mine, others = site.new_app(), site.new_app()
    by(site, others, "msgraph-2")
    site.m365.rules({"endpoint": "sendMail", "times": -1, "delay": 3,
                     "match": {"tenant": mine.tenant}})
    mark = site.postfix.mark()
    send_many(site, mine, [f"scan{n}.2@example.com" for n in range(30)], 360)
    wait_for(lambda: len(site.postfix.agents()) == 100, "a full transport")
    for number in range(3):
        began = time.monotonic()
        queue_id = site.send(others, "box@example.net", ["b@example.org"],
                             message("box@example.net",
                                     body=b"B %d\r\n" % number))
        line = site.postfix.wait_status(queue_id, "sent", mark)
        assert time.monotonic() - began < 2
        assert "relay=msgraph-2, " in line
    wait_for(lambda: len(site.postfix.agents()) >= 100, "all of them, still")


def test_a_slow_transport_defers_nothing(site):
    app = site.new_app()
    by(site, app, "msgraph-slow")
    boxes = [f"scan{n}.slow@example.com" for n in range(10)]
    mark, began = site.postfix.mark(), time.monotonic()
    send_many(site, app, boxes, 100)

    def ended() -> list[str]:
        return re.findall(r"relay=(\S+), .*status=(\w+)",
                          site.postfix.log_text(mark))
    wait_for(lambda: len(ended()) >= 100, "all of them")
    assert time.monotonic() - began > 6, "it spaces them"
    site.postfix.wait_empty_queue()
    assert set(ended()) == {("msgraph-slow", "sent")}
    assert len(site.m365.requests("sendMail")) == len(ended()) == 100
