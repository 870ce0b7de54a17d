"""Memory does not grow with the message: a 30 MB one is sent with little more
than a small one takes. (Not for sanitized builds, which keep what is freed.)"""

from __future__ import annotations

import pytest

from harness.message import message
from harness.process import peak_memory
from harness.site import Site

MEGABYTE = 1024 * 1024
ALLOWANCE = 8 * MEGABYTE
LINE = b"0123456789abcdef" * 4 + b"\r\n"


@pytest.fixture(scope="module")
def roomy():
    """A site that takes large messages, with a Graph that takes them too."""
    with Site(size_limit=50_000_000) as site:
        site.m365.limits(request_bytes=100_000_000)
        yield site


def peaks(site: Site, size: int) -> tuple[int, int, int]:
    """The most memory that msgraphd, agent and milter had for one message of
    that size. Graph has read it all, and does not answer yet."""
    site.daemon.restart()
    site.milter.restart()
    app = site.new_app()
    site.m365.rules({"endpoint": "sendMail", "action": "stall",
                     "when": "after", "accept": True})
    body = LINE * (size // len(LINE))
    queue_id = site.send(app, "scan@example.com", ["a@example.org"],
                         message("scan@example.com", None, body))
    site.m365.wait_stalled(timeout=60)
    (agent,) = site.postfix.agents()
    found = (site.daemon.peak_memory(), peak_memory(agent),
             site.milter.peak_memory())
    site.m365.release()
    site.postfix.wait_status(queue_id, "sent", timeout=60)
    assert site.m365.mail()[-1].size > size
    return found


def test_peak_of_a_large_message(roomy):
    small = peaks(roomy, 10_000)
    large = peaks(roomy, 30_000_000)
    for name, before, after in zip(("msgraphd", "msgraph-agent",
                                    "msgraph-milter"), small, large):
        print(f"{name}: {before // 1024} kB, {after // 1024} kB")
        assert after - before < ALLOWANCE, name
