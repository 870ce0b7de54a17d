"""Whose applications may sign in: allowed_tenants, in msgraph.conf."""

from __future__ import annotations

import base64
import re
import uuid

import pytest

from harness.message import message
from harness.site import App, Site
from harness.wait import wait_for

SECRET = "s3cret~of+a/tenant"


def short(identity: str) -> str:
    return base64.urlsafe_b64encode(
        uuid.UUID(identity).bytes)[:22].decode()


def app_of(site: Site, tenant: str) -> App:
    app = App(tenant, str(uuid.uuid4()), SECRET)
    site.m365.app(app.tenant, app.client, app.secret)
    return app


def stranger(site: Site) -> App:
    return app_of(site, str(uuid.uuid4()))


@pytest.fixture(scope="module")
def ours():
    return str(uuid.uuid4())


@pytest.fixture(scope="module")
def own_site():
    with Site() as site:
        yield site


@pytest.fixture
def site(own_site, ours):
    own_site.m365.reset()
    own_site.configure(allowed_tenants=f"{uuid.uuid4()}, {ours}")
    return own_site


def asked(site: Site, app: App) -> int:
    """How often Entra was asked about the application's tenant."""
    return sum(request.tenant == app.tenant
               for request in site.m365.requests("token"))


def sign_in(site: Site, app: App, user: str | None = None):
    with site.connect() as client:
        return client.auth_plain(user or app.user, app.secret)


NAMES = {
    "uuid": lambda a: f"{a.tenant}@{a.client}",
    "upper": lambda a: f"{a.tenant.upper()}:{a.client.upper()}",
    "pipe": lambda a: f"{a.tenant}|{a.client}.example.com",
    "short": lambda a: f"{short(a.tenant)}@{short(a.client)}",
    "padded": lambda a: f"{short(a.tenant)}==:{short(a.client)}==",
}


@pytest.mark.parametrize("form", NAMES)
def test_allowed_tenants_sign_in_and_others_do_not(site, ours, form):
    app = app_of(site, ours)
    assert sign_in(site, app, NAMES[form](app)).code == 235
    other = stranger(site)
    assert sign_in(site, other, NAMES[form](other)).code == 535


def test_two_tenants_at_one_service(site, ours):
    """Each sends with its own application."""
    theirs = str(uuid.uuid4())
    site.configure(allowed_tenants=f"{theirs}, {ours}")
    apps = [app_of(site, tenant) for tenant in (ours, theirs)]
    for number, app in enumerate(apps):
        mailbox = f"scan{number}@example.com"
        queue_id = site.send(app, mailbox, ["a@example.org"],
                             message(mailbox))
        site.postfix.wait_status(queue_id, "sent")
        mail = site.m365.mail()[-1]
        assert (mail.tenant, mail.client, mail.mailbox) == (
            app.tenant, app.client, mailbox)


def test_entra_is_not_asked_about_others(site):
    other = stranger(site)
    assert sign_in(site, other).code == 535
    assert asked(site, other) == 0
    log = site.daemon.log()
    assert re.search(rf"application={other.identity}, reason=\w+, "
                     rf"status=refused \(.*tenant {other.tenant}.*"
                     rf"allowed_tenants = .*{other.tenant}", log), log[-2000:]


def test_a_tenant_may_be_written_in_its_short_form(site, ours):
    site.configure(allowed_tenants=short(ours))
    assert sign_in(site, app_of(site, ours)).code == 235
    assert sign_in(site, stranger(site)).code == 535


def test_the_application_is_no_tenant(site, ours):
    """The id of an allowed tenant in another place of a user name."""
    other = App(str(uuid.uuid4()), ours, SECRET)
    site.m365.app(other.tenant, other.client, other.secret)
    assert sign_in(site, other).code == 535
    assert sign_in(site, other, f"{other.user}.{ours}@{ours}").code == 535


def test_whoever_signed_in_before_the_gate_closed_is_stopped_at_mail(
        site, ours):
    """A connection may be older than the setting."""
    app = app_of(site, ours)
    with site.connect() as client:
        client.login(app.user, app.secret)
        assert client.command("MAIL FROM:<scan@example.com>").code == 250
        client.command("RSET")
        site.configure(allowed_tenants=str(uuid.uuid4()))
        told = client.command("MAIL FROM:<scan@example.com>")
    assert told.code == 550 and "5.7.1" in told.text, told


def test_the_gate_does_not_stand_at_delivery(site, ours):
    """What was accepted goes."""
    site.m365.rules({"endpoint": "sendMail", "status": 503, "times": 1})
    app = app_of(site, ours)
    queue_id = site.send(app, "scan@example.com", ["a@example.org"],
                         message())
    site.postfix.wait_deferred(queue_id)
    site.configure(allowed_tenants=str(uuid.uuid4()))
    site.postfix.flush()
    site.postfix.wait_status(queue_id, "sent")


# --- where nothing says whose they are

def test_known_applications_go_on_and_others_wait_for_the_admin(site, ours):
    known = app_of(site, ours)
    assert sign_in(site, known).code == 235
    site.configure(allowed_tenants="")
    assert sign_in(site, known).code == 235
    queue_id = site.send(known, "scan@example.com", ["a@example.org"],
                         message())
    site.postfix.wait_status(queue_id, "sent")
    other = stranger(site)
    assert sign_in(site, other).code == 454
    assert asked(site, other) == 0
    line = wait_for(lambda: re.search(
        r"(allowed_tenants = \S+)\)", site.daemon.log()), "the line to add")[1]
    assert line == f"allowed_tenants = {other.tenant}"
    site.configure(allowed_tenants=other.tenant)
    assert sign_in(site, other).code == 235


def test_a_stranger_does_not_fill_the_log(site):
    site.configure(allowed_tenants=str(uuid.uuid4()))
    other = stranger(site)
    site.daemon.restart()  # ten lines a minute are the most for all
    for _ in range(20):
        assert sign_in(site, other).code == 535
    assert site.daemon.log().count(
        f"application={other.identity}, reason=") == 1
