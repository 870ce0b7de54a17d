"""The recipe of docs/clients.md for a relay that is for some tenants alone,
word for word but for tenant, port and folder."""

from __future__ import annotations

import base64
import uuid

import pytest

from harness import document, example
from harness.message import message
from harness.site import App, Site

UUID = "11111111-2222-3333-4444-555555555555"
BASE64 = "ERERESIiMzNERFVVVVVVVQ"
TABLE = "/etc/postfix/msgraph_tenants"


def short(identity: str) -> str:
    return base64.urlsafe_b64encode(
        uuid.UUID(identity).bytes)[:22].decode()


def recipe() -> tuple[str, str]:
    """The rows for a tenant, and the command."""
    section = document.section("docs/clients.md", "Only your own tenants")
    rows = [line for line in document.lines(section) if line[0] == "/"]
    return "\n".join(rows) + "\n", document.line(section, "postconf ")


def test_document_and_example_say_the_same():
    rows, command = recipe()
    table = example.read("postfix/msgraph_tenants")
    assert rows in table
    assert f"\n#{command}\n" in table
    assert short(UUID) == BASE64


@pytest.fixture(scope="module")
def ours():
    return str(uuid.uuid4())


@pytest.fixture(scope="module")
def tenant_site(ours):
    with Site() as site:
        rows, command = recipe()
        mine = example.replace(
            example.replace(rows, UUID, ours), BASE64, short(ours))
        etc = site.postfix.paths.etc
        (etc / "msgraph_tenants").write_text(example.replace(
            example.read("postfix/msgraph_tenants"), rows, mine))
        site.postfix.run_postconf(
            example.replace(command, TABLE, f"{etc}/msgraph_tenants"))
        yield site


def app_of(site: Site, tenant: str) -> App:
    app = App(tenant, str(uuid.uuid4()), "s3cret~of+a/tenant")
    site.m365.app(app.tenant, app.client, app.secret)
    return app


def answer(site: Site, app: App, user: str, tls: str = "starttls"):
    with site.connect(tls) as client:
        client.login(user, app.secret)
        return client.transact("scan@example.com", ["a@example.org"],
                               message())


NAMES = {
    "uuid": lambda a: f"{a.tenant}@{a.client}",
    "upper": lambda a: f"{a.tenant.upper()}:{a.client.upper()}",
    "pipe": lambda a: f"{a.tenant}|{a.client}.example.com",
    "short": lambda a: f"{short(a.tenant)}@{short(a.client)}",
    "padded": lambda a: f"{short(a.tenant)}==:{short(a.client)}==",
}


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
@pytest.mark.parametrize("form", NAMES)
def test_only_the_tenants_of_the_table_send(tenant_site, ours, form, tls):
    app = app_of(tenant_site, ours)
    told = answer(tenant_site, app, NAMES[form](app), tls)
    assert told.code == 250, told
    tenant_site.postfix.wait_status(told.text.split()[-1], "sent")
    other = app_of(tenant_site, str(uuid.uuid4()))
    told = answer(tenant_site, other, NAMES[form](other), tls)
    assert told.code == 554 and "may not send here" in told.text, told


def test_the_application_is_no_tenant(tenant_site, ours):
    """The name of an allowed tenant in another place of a user name."""
    other = App(str(uuid.uuid4()), ours, "s3cret~of+a/tenant")
    tenant_site.m365.app(other.tenant, other.client, other.secret)
    told = answer(tenant_site, other, other.user)
    assert told.code == 554, told
    told = answer(tenant_site, other, f"{other.user}.{ours}@{ours}")
    assert told.code == 554, told


def test_base64url_is_compared_with_letter_case(tenant_site, ours):
    swapped = short(ours)[:21].swapcase() + short(ours)[21:]
    tenant = str(uuid.UUID(bytes=base64.urlsafe_b64decode(swapped + "==")))
    app = app_of(tenant_site, tenant)
    told = answer(tenant_site, app, f"{swapped}@{app.client}")
    assert told.code == 554, told
