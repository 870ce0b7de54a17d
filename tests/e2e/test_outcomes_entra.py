"""What Entra answers, at sign-in and when mail waits for a token, and what becomes
of the message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from harness.message import message
from harness.outcomes import (  # noqa: F401
    RECIPIENT, Run, no_grace, own_site, site)
from harness.site import App, Site
from harness.smtp import Smtp

# --- Entra: at sign-in, and when mail waits for a token

@dataclass
class Refusal:
    """An answer of the token endpoint."""
    number: int
    status: int
    error: str
    refused: bool
    proven: bool = True  # it is the secret or the application that is wrong

    @property
    def rule(self) -> dict[str, Any]:
        return {"endpoint": "token", "times": -1, "status": self.status,
                "body": {
                    "error": self.error,
                    "error_description":
                        f"AADSTS{self.number}: Because.\r\nTrace ID: 1\r\n"
                        "Correlation ID: 2\r\nTimestamp: 3",
                    "error_codes": [self.number], "trace_id": "1",
                    "suberror": "x", "claims": "{}"}}

    def __str__(self) -> str:
        return f"AADSTS{self.number}-{self.status}"


ENTRA = [Refusal(*values) for values in [
    (7000215, 401, "invalid_client", True),
    (7000222, 401, "invalid_client", True),
    (7000218, 401, "invalid_client", True),
    (700016, 400, "unauthorized_client", True),
    (7000112, 400, "unauthorized_client", True),
    (90002, 400, "invalid_request", True, False),
    (90002, 400, "invalid_tenant", True, False),
    (900023, 400, "invalid_request", True, False),
    (53003, 400, "invalid_grant", True),
    (50076, 400, "interaction_required", True, False),
    (0, 400, "invalid_request", True, False),  # a broken front
    (700027, 401, "invalid_client", True),
    (700024, 401, "invalid_client", True),
    (90033, 503, "temporarily_unavailable", False),
    (50033, 400, "temporarily_unavailable", False),
    (90006, 500, "temporarily_unavailable", False),
    (90024, 429, "temporarily_unavailable", False),
    (90036, 500, "server_error", False),
    (1, 401, "something_new", False),
    (7000215, 503, "invalid_client", False),
    (7000215, 429, "invalid_client", False),
]]


def sign_in(site: Site, app: App) -> int:
    with site.connect() as client:
        return client.auth_plain(app.user, app.secret).code


@pytest.mark.parametrize("refusal", ENTRA, ids=str)
def test_answer_of_entra_to_a_sign_in(site, refusal):
    app = site.new_app()
    site.m365.rules(refusal.rule)
    assert sign_in(site, app) == (535 if refusal.refused else 454)
    assert "Trace ID" not in site.daemon.log()
    lines = [line for line in site.daemon.log().splitlines()
             if f"application={app.identity}, " in line]
    word = "refused" if refusal.refused else "unavailable"
    reason = "credential" if refusal.refused else \
        "throttled" if refusal.status == 429 else "endpoint"
    hint = " (are tenant and client swapped?)" \
        if refusal.number == 90002 else ""
    assert (f", reason={reason}, status={word} "
            f"(AADSTS{refusal.number}: Because.{hint})" in lines[-1])


def queue_without_token(site: Site, refusal: Refusal) -> Run:
    """A message whose token Graph calls expired, and Entra gives none."""
    run = Run(site, site.new_app())
    with site.connect() as client:
        client.login(run.app.user, run.app.secret)
        site.m365.expire_tokens()
        site.m365.rules(refusal.rule)
        run.queue_id = client.send(run.mailbox, [RECIPIENT],
                                   message(run.mailbox, RECIPIENT))
    return run


@pytest.mark.parametrize("refusal", ENTRA, ids=str)
def test_answer_of_entra_while_mail_waits(site, refusal):
    run = queue_without_token(site, refusal)
    line = site.postfix.wait_status(run.queue_id, "deferred")
    if refusal.status == 429:
        assert "dsn=4.4.5, " in line
        assert "(Entra asks to slow down for 10 s)" in line
    else:
        assert f"dsn={'4.7.8' if refusal.refused else '4.4.1'}, " in line
        assert f"AADSTS{refusal.number}: Because." in line
    assert site.daemon.log().count(
        f"{run.app.identity}, reason=credential, "
        "status=refused (mail waits") == refusal.refused
    assert (run.calls(), run.mails()) == (1, 0)


@pytest.mark.parametrize("refusal", ENTRA, ids=str)
def test_only_a_proven_refusal_bounces_in_the_end(site, no_grace, refusal):
    """"invalid_request" is also what a broken front says."""
    run = queue_without_token(site, refusal)
    bounces = refusal.refused and refusal.proven
    line = site.postfix.wait_status(
        run.queue_id, "bounced" if bounces else "deferred")
    assert ("dsn=5.7.8, " in line) == bounces


def test_mail_waits_for_the_new_secret(site):
    """The old one expired; the client signs in with another."""
    run = queue_without_token(site, ENTRA[1])
    assert "AADSTS7000222" in site.postfix.wait_status(
        run.queue_id, "deferred")
    site.m365.clear_rules()
    new = App(run.app.tenant, run.app.client, "another secret")
    site.m365.app(new.tenant, new.client, new.secret)
    assert sign_in(site, new) == 235
    site.postfix.flush(run.queue_id)
    site.postfix.wait_status(run.queue_id, "sent")
    assert run.mails() == 1


def test_sign_in_survives_an_outage_of_entra(site):
    """The same secret within its grace, and no other."""
    site.configure(auth_cache_ttl="0s")
    try:
        app = site.new_app()
        assert sign_in(site, app) == 235
        site.m365.down()
        assert sign_in(site, app) == 235
        guess = App(app.tenant, app.client, "guess")
        assert sign_in(site, guess) == 454
        assert sign_in(site, site_app(site)) == 454
    finally:
        site.m365.up()
        site.configure(auth_cache_ttl="10m")


def site_app(site: Site) -> App:
    """An application that the emulator has and msgraphd has not met."""
    site.m365.up()
    app = site.new_app()
    site.m365.down()
    return app


def test_graph_down_and_back(site):
    runs = [Run(site, site.new_app()) for _ in range(3)]
    clients: list[Smtp] = []
    for run in runs:
        clients.append(site.connect().login(run.app.user, run.app.secret))
    site.m365.down()
    for run, client in zip(runs, clients):
        run.queue_id = client.send(run.mailbox, [RECIPIENT],
                                   message(run.mailbox, RECIPIENT))
        client.close()
        line = site.postfix.wait_status(run.queue_id, "deferred")
        assert "dsn=4.4.1, " in line and "no answer from Graph" in line
        assert not any("outcome=unknown" in entry for entry in run.log())
    site.m365.up()
    site.postfix.flush(*(run.queue_id for run in runs))
    site.postfix.wait_empty_queue()
    assert [run.mails() for run in runs] == [1, 1, 1]
