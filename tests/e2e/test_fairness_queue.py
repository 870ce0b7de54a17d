"""One application's mail does not keep that of another out, where Postfix's
queue decides who comes next."""

from __future__ import annotations

import time

import pytest

from harness.message import message
from harness.site import App, Site
from harness.wait import wait_for

# what took minutes, on a machine that other tests use as well
SECONDS = 6.0
THROTTLED = {"endpoint": "sendMail", "status": 429, "times": -1,
             "headers": {"Retry-After": "50"},
             "body": {"error": {"code": "ApplicationThrottled"}}}


@pytest.fixture(scope="module")
def own_site():
    """With an active queue that a small backlog fills."""
    site = Site({"log_level": "info"})
    site.postfix.settings.update(
        {"qmgr_message_active_limit": "40", "minimal_backoff_time": "1h",
         "queue_run_delay": "1h"})
    site.postfix.write()
    with site:
        yield site


@pytest.fixture
def site(own_site: Site):
    own_site.m365.reset()
    yield own_site
    own_site.postfix.delete_all()


def backlog(site: Site, app: App, mailboxes: list[str], count: int) -> None:
    """Fills the queue while nothing of it is tried."""
    site.postfix.settings["defer_transports"] = "msgraph"
    site.postfix.reload()
    with site.connect() as client:
        client.login(app.user, app.secret)
        for number in range(count):
            mailbox = mailboxes[number % len(mailboxes)]
            client.send(mailbox, [f"a{number}@example.org"],
                        message(mailbox, body=b"%d\r\n" % number))
    site.postfix.settings["defer_transports"] = ""
    site.postfix.reload()


@pytest.mark.parametrize("mailboxes, count", [(1, 80), (30, 120)],
                         ids=["one mailbox", "thirty mailboxes"])
def test_throttled_backlog_lets_others_through(site, mailboxes, count):
    mine, others = site.new_app(), site.new_app()
    site.m365.rules({**THROTTLED, "match": {"tenant": mine.tenant}})
    backlog(site, mine, [f"scan{n}.{count}@example.com"
                         for n in range(mailboxes)], count)
    mark = site.postfix.mark()
    site.postfix.flush()
    site.m365.wait_requests("sendMail", 1)
    for number in range(3):
        began = time.monotonic()
        queue_id = site.send(others, "box@example.net", ["b@example.org"],
                             message("box@example.net",
                                     body=b"B %d\r\n" % number))
        site.postfix.wait_status(queue_id, "sent", mark)
        assert time.monotonic() - began < SECONDS

    def deferred() -> int:
        return site.postfix.log_text(mark).count("dsn=4.4.5")
    inside = 2 if mailboxes == 1 else 8
    wait_for(lambda: deferred() >= count - inside, "the rest to be deferred")
