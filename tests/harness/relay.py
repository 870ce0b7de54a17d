"""A site whose clients do not sign in, and an entry of theirs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .message import message
from .site import App, Site
from .wait import wait_for

RECIPIENTS = ["a@example.org"]
SERVICE = {
    "milter_macro_daemon_name": "port25",
    "smtpd_sasl_auth_enable": "no",
    "smtpd_tls_auth_only": "no",
    "mynetworks": "127.0.0.0/8",
    "smtpd_relay_restrictions": "permit_mynetworks,reject",
    "smtpd_recipient_restrictions": "permit_mynetworks,reject",
}


@contextmanager
def network_site() -> Iterator[Site]:
    with Site() as site:
        port = f"127.0.0.1:{site.postfix.port}/inet"
        for name, value in SERVICE.items():
            site.postfix.command("postconf", "-P", f"{port}/{name}={value}")
        site.postfix.command("postfix", "reload")
        yield site
        site.end_soundly()


class Relay:
    """What an entry sends; whose it is, others say."""
    site: Site
    app: App
    mailbox: str

    def send(self) -> str:
        with self.site.connect("none") as client:
            return client.send(self.mailbox, RECIPIENTS,
                               message(self.mailbox))

    def again(self, queue_id: str) -> str:
        """Has what waits tried until it is sent; returns the log line."""
        postfix, mark = self.site.postfix, self.site.postfix.mark()

        def sent() -> bool:
            postfix.flush()
            return postfix.is_gone(queue_id, mark)
        wait_for(sent, lambda: postfix.log_end(mark), 60)
        return postfix.wait_status(queue_id, "sent", since=mark)
