"""The whole way with entries in Azure Table storage: a device that knows a short
name sends as the address of its row; names with quotes; mail that is under way
while the service cannot be asked."""

from __future__ import annotations

import shutil

import pytest

from emulator.client import Emulator
from harness import azure
from harness.message import message
from harness.site import App, Site
from harness.wait import wait_for

RECIPIENTS = ["a@example.org"]
SETTINGS = {"identity_cache_ttl": "1s", "identity_cache_grace": "0",
            "allowed_tenants": ""}


@pytest.fixture(scope="module")
def shared_azure(tmp_path_factory):
    with Emulator(tmp_path_factory.mktemp("m365")) as m365:
        site = Site(SETTINGS, emulator=m365)
        site.settings["identity_maps"] = (
            f"{site.identities} {azure.item(m365)}")
        secret = site.key.parent / "reader.secret"
        secret.write_text(azure.SECRET)
        shutil.chown(secret, "msgraphd")
        secret.chmod(0o400)
        site.identities.write_text(azure.entry(secret))
        with site:
            yield site
            site.end_soundly()


@pytest.fixture
def site(shared_azure):
    shared_azure.m365.reset()
    azure.register(shared_azure.m365)
    yield shared_azure
    shared_azure.m365.clear_rules()
    shared_azure.m365.release()
    shared_azure.postfix.delete_all()


@pytest.fixture
def app(site) -> App:
    """An application of which the row "NAME" says nothing else."""
    return site.new_app()


def add(site: Site, app: App, name: str, **columns: object) -> None:
    site.m365.table("users", {"RowKey": name, "tenant_id": app.tenant,
                              "client_id": app.client, **columns})


def test_row_gives_name_application_and_sender(site, app):
    add(site, app, "app1", from_email="App1@example.com")
    with site.connect() as client:
        client.login("app1@lookup", app.secret)
        queue_id = client.send("root@printer.lan", RECIPIENTS,
                               message("Scanner <root@printer.lan>"))
    site.postfix.wait_status(queue_id, "sent")
    [mail] = site.m365.mail()
    assert mail.mailbox == "app1@example.com"
    assert (mail.tenant, mail.client) == (app.tenant, app.client)
    assert mail.sender == ["app1@example.com"]
    assert mail.recipients == RECIPIENTS
    assert f"sasl_username={app.user}.app1" in site.postfix.log_text()


@pytest.mark.parametrize("name", ["o'neil", "x' or RowKey ne '", "a)b", "a b"])
def test_typed_quote_changes_no_query(site, app, name):
    add(site, app, name)
    with site.connect() as client:
        answer = client.auth_plain(f"{name}@lookup", app.secret)
        assert answer.code == 535, answer
    assert site.m365.requests("entity") == []


def hears_later(site: Site, name: str, app: App) -> bool:
    """Whether a client cannot sign in now, and hears nothing worse. What is
    known counts for some seconds."""
    with site.connect() as client:
        answer = client.auth_plain(name, app.secret)
    assert answer.code in (235, 454), answer
    return answer.code == 454


@pytest.mark.parametrize("fault", ["killed", "stalled"])
def test_fault_while_a_client_sends(site, app, fault):
    """AUTH, MAIL and what waits: later, and then as if nothing had been."""
    name = f"{fault}@lookup"
    add(site, app, fault, from_email="scan@example.com")
    # what waits in the queue, since Graph is out of reach first
    site.m365.rules({"endpoint": "sendMail", "status": 503})
    with site.connect() as client:
        client.login(name, app.secret)
        queue_id = client.send("x@example.com", RECIPIENTS, message())
        site.postfix.wait_status(queue_id, "deferred")
        site.m365.rules(azure.rule_of(fault, fault))
        wait_for(lambda: hears_later(site, name, app), "AUTH to be put off")
        answer = client.command("MAIL FROM:<x@example.com>")
        assert answer.code == 451, answer
    since = site.postfix.mark()
    site.postfix.flush(queue_id)
    line = site.postfix.wait_status(queue_id, "deferred", since)
    assert "dsn=4." in line
    assert site.m365.mail() == []
    site.m365.clear_rules()
    site.m365.release()
    wait_for(lambda: is_sent(site, queue_id), "the message to be sent")
    [mail] = site.m365.mail()
    assert mail.mailbox == "scan@example.com"


def is_sent(site: Site, queue_id: str) -> bool:
    since = site.postfix.mark()
    site.postfix.flush(queue_id)
    line = site.postfix.wait_status(queue_id, "(?:sent|deferred)", since)
    return "status=sent" in line
