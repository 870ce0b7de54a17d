"""Signing in, through smtpd, libsasl2, libentra.so and msgraphd to Entra."""

from __future__ import annotations

import base64
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.message import message
from harness.site import App, Site
from harness.smtp import Smtp
from harness.wait import wait_for

MECHANISMS = {
    "PLAIN, initial response": lambda c, *pair: c.auth_plain(*pair),
    "PLAIN": lambda c, *pair: c.auth_plain(*pair, initial=False),
    "LOGIN, initial response":
        lambda c, *pair: c.auth_login(*pair, initial=True),
    "LOGIN": lambda c, *pair: c.auth_login(*pair),
    "auth login": lambda c, *pair: c.auth_login(*pair, verb="auth login"),
    "auth plain": lambda c, *pair: c.auth_plain(*pair, verb="auth plain"),
}


def sign_in(site: Site, user: str | bytes, secret: str | bytes) -> int:
    with site.connect() as client:
        return client.auth_plain(user, secret).code


@pytest.fixture
def impatient(site):
    """A msgraphd that does not wait long for Entra."""
    site.configure(request_timeout="1s", connect_timeout="1s")
    yield site
    site.m365.release()
    site.configure(request_timeout="2m", connect_timeout="10s")


@pytest.fixture
def delimiter(site):
    yield lambda value: site.configure(username_delimiter=value)
    site.configure(username_delimiter="any")


# --- mechanisms

@pytest.mark.parametrize("tls", ["starttls", "implicit"])
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_right_and_wrong_secret(site, app, mechanism, tls):
    auth = MECHANISMS[mechanism]
    with site.connect(tls) as client:
        assert auth(client, app.user, "wrong").code == 535
        assert auth(client, app.user, app.secret).code == 235


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_mechanisms_are_listed_once(site, tls):
    with site.connect(tls) as client:
        auth = [line for line in client.features if line.startswith("AUTH")]
    assert sorted(auth[0].split()[1:]) == ["LOGIN", "PLAIN"]
    assert len(auth) == 1


def test_no_auth_without_tls(site, app):
    with site.connect("none") as client:
        assert "STARTTLS" in client.features
        assert not [f for f in client.features if f.startswith("AUTH")]
        answer = client.auth_plain(app.user, app.secret)
    assert answer.code in (503, 530, 538)
    assert site.m365.requests("token") == []


def test_without_chroot(site, app, mailbox):
    site.postfix.options.chroot = False
    site.postfix.reload()
    try:
        assert sign_in(site, "local", "local-password") == 235
        assert sign_in(site, app.user, "wrong") == 535
        queue_id = site.send(app, mailbox, ["a@example.org"],
                             message(mailbox))
        site.postfix.wait_status(queue_id, "sent")
    finally:
        site.postfix.options.chroot = True
        site.postfix.reload()


def test_challenges_of_login(site):
    """Some printers compare them letter for letter."""
    with site.connect() as client:
        assert client.command("AUTH LOGIN").text == "VXNlcm5hbWU6"
        assert client.command("eA==").text == "UGFzc3dvcmQ6"
        assert client.command("*").code == 501


# --- what Entra says

UNABLE = {
    "503": {"status": 503, "body": {"error": "temporarily_unavailable"}},
    "500": {"status": 500, "body": {"error": "server_error"}},
    "429": {"status": 429, "headers": {"Retry-After": "60"},
            "body": "Too Many Requests"},
    "garbage": {"action": "garbage"},
    "a page": {"status": 200, "body": "<html>Sign in to the hotel</html>"},
    "no answer": {"action": "close"},
    "reset": {"action": "reset"},
    "never": {"action": "stall"},
}


@pytest.mark.parametrize("rule", UNABLE)
def test_entra_cannot_tell(impatient, app, rule):
    impatient.m365.rules({"endpoint": "token", "times": -1, **UNABLE[rule]})
    assert sign_in(impatient, app.user, app.secret) == 454


def test_entra_down_and_up_again(site, app):
    site.m365.down()
    assert sign_in(site, app.user, app.secret) == 454
    site.m365.up()
    codes = []  # "not now" is remembered for a second

    def is_up() -> bool:
        codes.append(sign_in(site, app.user, app.secret))
        return codes[-1] == 235

    wait_for(is_up, "Entra to be asked again")
    assert set(codes[:-1]) <= {454}


def test_msgraphd_not_running(site, app):
    site.daemon.stop()
    mark = site.postfix.mark()
    assert sign_in(site, app.user, app.secret) == 454
    site.postfix.wait_log("msgraph/auth", since=mark)
    site.daemon.start()
    assert sign_in(site, app.user, app.secret) == 235


@pytest.mark.parametrize("fields", [
    {"disabled": True}, {"expired_secrets": ["old"]}], ids=str)
def test_refused_for_other_reasons(site, fields):
    app = site.new_app(**fields)
    secret = fields.get("expired_secrets", [app.secret])[0]
    assert sign_in(site, app.user, secret) == 535


def test_unknown_application(site, app):
    assert sign_in(site, f"{app.tenant}@{uuid.uuid4()}", app.secret) == 535


def test_two_tenants_and_one_client_id(site):
    """The tenant is part of the name: the same application may have a
    secret in each."""
    one, two = site.new_app(), site.new_app()
    two = App(two.tenant, one.client, two.secret)
    site.m365.app(two.tenant, two.client, two.secret)
    assert sign_in(site, one.user, two.secret) == 535
    assert sign_in(site, two.user, two.secret) == 235
    assert sign_in(site, one.user, one.secret) == 235


def test_many_at_once_ask_entra_once(site, app):
    site.m365.rules({"endpoint": "token", "delay": 0.5})
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda _: sign_in(site, app.user, app.secret),
                              range(8)))
    assert codes == [235] * 8
    assert len(site.m365.requests("token")) == 1


def test_secret_arrives_as_it_was_typed(site):
    """Everything that a form would have to escape."""
    secret = "ü ~+/&=%25#?\"'\\<>;"
    app = site.new_app()
    site.m365.app(app.tenant, app.client, secret)
    assert sign_in(site, app.user, secret) == 235


# --- user names

def short(text: str) -> str:
    return base64.urlsafe_b64encode(
        uuid.UUID(text).bytes).decode().rstrip("=")


FORMS = {
    "UUIDs": lambda a: (a.tenant, a.client),
    "upper case": lambda a: (a.tenant.upper(), a.client.upper()),
    "base64url": lambda a: (short(a.tenant), short(a.client)),
    "padded": lambda a: (short(a.tenant) + "==", short(a.client) + "=="),
    "mixed": lambda a: (a.tenant, short(a.client)),
    "other way": lambda a: (short(a.tenant), a.client),
    "dot": lambda a: (a.tenant, a.client + ".example.com"),
    "short, dot": lambda a: (short(a.tenant), short(a.client) + ".x.y"),
    "empty after dot": lambda a: (a.tenant, a.client + "."),
    "delimiters after dot": lambda a: (a.tenant, a.client + ".a@b:c|d"),
}


@pytest.mark.parametrize("mark", ["@", ":", "|"])
@pytest.mark.parametrize("form", FORMS)
def test_user_name_forms(site, app, form, mark):
    assert sign_in(site, mark.join(FORMS[form](app)), app.secret) == 235


@pytest.mark.parametrize("allowed", ["@", ":", "|"])
def test_only_one_delimiter_allowed(site, app, delimiter, allowed):
    """But the canonical name is always taken."""
    delimiter(allowed)
    assert sign_in(site, app.user, app.secret) == 235
    for mark in "@:|":
        code = sign_in(site, f"{app.tenant.upper()}{mark}{app.client.upper()}",
                       app.secret)
        assert code == (235 if mark == allowed else 535), mark


MALFORMED = {
    "empty": lambda a: "",
    "no delimiter": lambda a: a.tenant,
    "no tenant": lambda a: f"@{a.client}",
    "no client": lambda a: f"{a.tenant}@",
    "delimiter alone": lambda a: "@",
    "two delimiters": lambda a: f"{a.tenant}@@{a.client}",
    "three parts": lambda a: f"{a.tenant}@{a.client}@{a.client}",
    "21 characters": lambda a: f"{short(a.tenant)[:21]}@{a.client}",
    "23 characters": lambda a: f"{short(a.tenant)}A@{a.client}",
    "padding of one": lambda a: f"{short(a.tenant)}=@{a.client}",
    "plain base64": lambda a: f"{'+' * 21}A@{a.client}",
    "not hexadecimal": lambda a: f"{a.tenant[:-1]}g@{a.client}",
    "braces": lambda a: f"{{{a.tenant}}}@{a.client}",
    "no dashes": lambda a: f"{a.tenant.replace('-', '')}@{a.client}",
    "dash moved": lambda a: f"{a.tenant[:7]}-{a.tenant[7]}"
                            f"{a.tenant[9:]}@{a.client}",
    "tenant's domain": lambda a: f"contoso.com@{a.client}",
    "dot before": lambda a: f"{a.tenant}.x@{a.client}",
    "space": lambda a: f"{a.tenant} @{a.client}",
    "NUL inside": lambda a: f"{a.tenant}@{a.client}\0",
    "NUL after dot": lambda a: f"{a.tenant}@{a.client}.\0x",
    "1,024 bytes": lambda a: f"{a.tenant}@{a.client}.".ljust(1024, "x"),
    "1,025 bytes": lambda a: f"{a.tenant}@{a.client}.".ljust(1025, "x"),
    "5,000 bytes": lambda a: f"{a.tenant}@{a.client}.".ljust(5000, "x"),
    "UTF-8": lambda a: f"{a.tenant[:-1]}é@{a.client}",
    "wide digits": lambda a: f"{a.tenant[:-1]}１@{a.client}",
}


@pytest.mark.parametrize("form", MALFORMED)
def test_malformed_user_names(site, app, form):
    """Never accepted, never passed on to Entra, and told to the client for
    good: nothing of this heals by itself."""
    user = MALFORMED[form](app)
    with site.connect() as client:
        answer = client.auth_plain(user, app.secret)
    assert answer.code in (501, 535), answer
    assert site.m365.requests("token") == []


def test_bytes_that_are_no_text(site, app):
    user = app.user.encode() + b".\xff\xfe"
    assert sign_in(site, user, app.secret) in (235, 535)
    assert sign_in(site, b"\xff\xfe@" + app.client.encode(),
                   app.secret) == 535


@pytest.mark.parametrize("length", [1025, 4000])
def test_overlong_secret_is_not_cut(site, app, length):
    secret = "s" * length
    site.m365.app(app.tenant, app.client, secret[:1024])
    assert sign_in(site, app.user, secret) == 535


# --- users of other kinds

def test_local_user(site):
    assert sign_in(site, "local", "local-password") == 235
    assert sign_in(site, "local", "wrong") == 535
    assert sign_in(site, "nobody", "local-password") == 535
    assert site.m365.requests("token") == []


def test_local_users_mail_has_no_mailbox(site):
    with site.connect() as client:
        client.login("local", "local-password")
        answer = client.transact("scan@example.com", ["a@example.org"],
                                 message())
    assert 500 <= answer.code < 600, answer
    assert site.postfix.queue() == []


@pytest.mark.parametrize("other", ["local", "x@example.com"])
def test_authorization_for_somebody_else(site, app, other):
    with site.connect() as client:
        answer = client.auth_plain(app.user, app.secret, authzid=other)
        assert 500 <= answer.code < 600, answer
        answer = client.auth_plain(app.user, app.secret, authzid=app.user)
        assert answer.code == 235


# --- the log

def test_failure_names_who_and_why(site, app):
    mark = site.postfix.mark()
    assert sign_in(site, app.user, "wrong") == 535
    site.postfix.wait_log(
        rf"entra: {app.identity} refused: AADSTS7000215", since=mark)
    line = site.postfix.wait_log(
        r"SASL PLAIN authentication failed.*", since=mark)[0]
    assert f"sasl_username={app.user}" in line
    assert (f"application={app.identity}, reason=credential, status=refused"
            in site.daemon.log())


def test_a_client_that_goes_away(site, app):
    """Nobody waits for the answer any more; smtpd and msgraphd go on."""
    site.m365.rules({"endpoint": "token", "delay": 0.5})
    client = Smtp(site.postfix.port)
    client.write(b"AUTH LOGIN\r\n")
    client.close()
    assert sign_in(site, app.user, app.secret) == 235


# --- what one client does wrong is no matter to another

BROKEN = {
    "no base64": b"AUTH PLAIN\r\n!!!! =\r\n",
    "no base64, initial response": b"AUTH PLAIN *not base64*\r\n",
    "padding inside": b"AUTH LOGIN\r\nYWJj=YWJj\r\n",
    "stalls after AUTH": b"AUTH LOGIN\r\n",
    "stalls after the name": b"AUTH LOGIN\r\neA==\r\n",
    "half a line": b"AUTH PLAIN AGFi",
}


@pytest.mark.parametrize("sent", BROKEN.values(), ids=BROKEN)
def test_broken_or_stalled_auth_delays_no_second_client(site, app, sent):
    """Neither beside it, while it stalls, nor in the process that it leaves
    behind."""
    with site.connect() as first:
        first.write(sent)
        began = time.monotonic()
        assert sign_in(site, app.user, app.secret) == 235
        assert time.monotonic() - began < 2
    began = time.monotonic()
    assert sign_in(site, app.user, app.secret) == 235
    assert time.monotonic() - began < 2
