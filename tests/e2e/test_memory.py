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


PART = (b"--b\r\nContent-Type: application/octet-stream; name=a.bin\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n")


@pytest.fixture(scope="module")
def roomy():
    """A site that takes large messages, with a Graph that takes them too."""
    with Site({"max_message_size": "50m"}, size_limit=50_000_000) as site:
        site.m365.limits(request_bytes=100_000_000, message_bytes=None)
        yield site


def peaks(site: Site, size: int, endpoint: str) -> tuple[int, int, int]:
    """The most memory that msgraphd, agent and milter had for one message of
    that size. Graph has read it all, and does not answer yet."""
    site.daemon.restart()
    site.milter.restart()
    app = site.new_app(permissions=["Mail.Send", "Mail.ReadWrite"])
    site.m365.rules({"endpoint": endpoint, "action": "stall",
                     "when": "after", "accept": True})
    body = PART + LINE * (size // len(LINE)) + b"\r\n--b--\r\n"
    queue_id = site.send(
        app, "scan@example.com", ["a@example.org"],
        message("scan@example.com", None, body,
                content_type="multipart/mixed; boundary=b"))
    site.m365.wait_stalled(timeout=60)
    (agent,) = site.postfix.agents()
    found = (site.daemon.peak_memory(), peak_memory(agent),
             site.milter.peak_memory())
    site.m365.release()
    site.postfix.wait_status(queue_id, "sent", timeout=60)
    mail = site.m365.mail()[-1]
    assert mail.size + sum(a["size"] for a in mail.attachments) > size * 0.7
    return found


@pytest.mark.parametrize("limit, endpoint", [
    ("150m", "sendMail"), ("3000000", "send")], ids=["sendMail", "draft"])
def test_peak_of_a_large_message(roomy, limit, endpoint):
    roomy.configure(sendmail_limit=limit)
    small = peaks(roomy, 10_000, "sendMail")
    large = peaks(roomy, 30_000_000, endpoint)
    for name, before, after in zip(("msgraphd", "msgraph-agent",
                                    "msgraph-milter"), small, large):
        print(f"{name}: {before // 1024} kB, {after // 1024} kB")
        assert after - before < ALLOWANCE, name
