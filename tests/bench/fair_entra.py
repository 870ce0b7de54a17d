"""What an Entra that is slow, and clients that try secrets, cost others: rows 9
to 12 of make bench-fair."""

from __future__ import annotations

import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from emulator.client import Emulator
from harness.daemon import Daemon
from harness.daemon_alone import SECRET, TENANT, USER, CLIENT, send
from harness.hammer import Hammer, guess, guesses, made_up
from harness.site import App, Site
from harness.smtp import SmtpError

Show = Callable[..., None]
PROBES = 3
SLOW = 0.3  # seconds that Entra takes for an answer
CONNECTIONS = 45  # of one address, which may have 50


def seconds(run: Callable[[], object]) -> float:
    began = time.monotonic()
    run()
    return time.monotonic() - began


# --- through smtpd

def sign_in(site: Site, app: App) -> None:
    """As a client does that tries each second until it is let in."""
    while True:
        try:
            with site.connect() as client:
                if client.auth_plain(app.user, app.secret).code == 235:
                    return
        except (OSError, SmtpError):
            pass
        time.sleep(1)


def guess_at_smtpd(site: Site) -> Callable[[], str]:
    """Holds its connection for as long as smtpd lets it, as a bot does."""
    held = threading.local()

    def attempt() -> str:
        try:
            if getattr(held, "client", None) is None:
                held.client = site.connect()
            answer = held.client.auth_plain(
                made_up().replace(":", "@"), guess())
            return str(answer.code)
        except (OSError, SmtpError):
            held.client = None
            return ""
    return attempt


def through_smtpd(show: Show) -> None:
    site = Site({"log_level": "warning"})
    site.postfix.settings["smtpd_error_sleep_time"] = "1s"  # the default
    site.postfix.write()
    with site:
        site.m365.rules({"endpoint": "token", "delay": SLOW, "times": -1})

        def first() -> float:
            app = site.new_app()
            return seconds(lambda: sign_in(site, app))
        show("9. first sign-in through smtpd, quiet",
             [first() for _ in range(PROBES)])
        with Hammer(CONNECTIONS, guess_at_smtpd(site)) as hammer:
            Daemon.wait(lambda: len(hammer.answers) > 200, 60)
            began, before = time.monotonic(), len(hammer.answers)
            taken = [first() for _ in range(2 * PROBES)]
            rate = (len(hammer.answers) - before) / (time.monotonic() - began)
        assert "235" not in hammer.answers
        show(f"   {CONNECTIONS} connections, made-up tenants", taken,
             f"{rate:.0f} guesses a second")


# --- msgraphd alone

@contextmanager
def alone(**settings: str) -> Iterator[tuple[Emulator, Daemon]]:
    with tempfile.TemporaryDirectory() as one, \
            tempfile.TemporaryDirectory() as two, \
            Emulator(Path(one)) as m365:
        m365.app(TENANT, CLIENT, SECRET)
        with Daemon(Path(two), {
                "login_endpoint": m365.url, "graph_endpoint": m365.url,
                "ca_file": m365.ca_file, "log_level": "error",
                **settings}) as daemon:
            assert daemon.auth(USER, SECRET) == "OK"
            yield m365, daemon


def new_user(m365: Emulator, tenant: str = TENANT) -> str:
    client = str(uuid.uuid4())
    m365.app(tenant, client, SECRET)
    return f"{tenant}:{client}"


def first_sign_in(m365: Emulator, daemon: Daemon, tenant: str) -> float:
    name = new_user(m365, tenant)

    def until_ok() -> None:
        while daemon.auth(name, SECRET) != "OK":
            time.sleep(1)
    return seconds(until_ok)


def many_made_up(show: Show) -> None:
    """More of them than are kept, each of which Entra slows for an hour."""
    with alone(auth_cache_ttl="0s") as (m365, daemon):
        show("10. first sign-in, quiet",
             [first_sign_in(m365, daemon, TENANT) for _ in range(PROBES)])
        m365.rules({"endpoint": "token", "match": {"tenant": TENANT},
                    "delay": 0.0, "times": -1},
                   {"endpoint": "token", "status": 429, "body": "Too Many",
                    "headers": {"Retry-After": "3600"}, "times": -1})
        with Hammer(40, guesses(daemon)) as hammer:
            Daemon.wait(lambda: len(hammer.answers) > 1500, 60)
        show("    1,500 made up, which Entra slows for an hour",
             [first_sign_in(m365, daemon, TENANT) for _ in range(PROBES)])
        show("    the same, a known application",
             [seconds(lambda: daemon.auth(USER, SECRET))
              for _ in range(PROBES)])


def entra_hangs(show: Show) -> None:
    def deliver() -> None:
        assert send(daemon, identity=USER).status == "sent"
    with alone(auth_cache_ttl="0s") as (m365, daemon):
        show("11. a delivery, quiet", [seconds(deliver)
                                      for _ in range(PROBES)])
        users = [new_user(m365) for _ in range(300)]
        for name in users:
            assert daemon.auth(name, SECRET) == "OK"
        m365.rules({"endpoint": "token", "action": "stall", "times": -1})
        threads = [threading.Thread(target=daemon.auth, args=(name, SECRET))
                   for name in users]
        for thread in threads:
            thread.start()
        m365.wait_stalled(250, 30)
        show("    300 sign-ins while Entra hangs",
             [seconds(deliver) for _ in range(PROBES)])
        m365.clear_rules()
        m365.release()
        for thread in threads:
            thread.join()


def wrong_secrets(show: Show) -> None:
    def owner() -> None:
        assert daemon.auth(USER, SECRET) == "OK"

    def deliver() -> None:
        m365.expire_tokens()
        assert send(daemon, identity=USER).status == "sent"
    with alone(auth_cache_ttl="0s") as (m365, daemon):
        m365.rules({"endpoint": "token", "delay": SLOW, "times": -1})
        show("12. the owner's sign-in, quiet",
             [seconds(owner) for _ in range(PROBES)])
        show("    its delivery, which needs a token",
             [seconds(deliver) for _ in range(PROBES)])
        with Hammer(95, guesses(daemon, lambda: USER)) as hammer:
            Daemon.wait(lambda: len(hammer.answers) > 200, 60)
            show("    95 connections with wrong secrets: the owner",
                 [seconds(owner) for _ in range(PROBES)])
            show("    and its delivery",
                 [seconds(deliver) for _ in range(PROBES)])


ROWS: list[tuple[str, Callable[[Show], None]]] = [
    ("9. through smtpd", through_smtpd),
    ("10. made-up applications", many_made_up),
    ("11. Entra hangs", entra_hangs),
    ("12. wrong secrets", wrong_secrets),
]
