"""docs/troubleshooting.md quotes what Postfix and libsasl2 say when something
is missing. Here it is missing, and they say so: the row that an admin would
look for is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness import document
from harness.message import message
from harness.site import Site
from harness.smtp import Answer, Smtp, SmtpError

SIGNING_IN = document.section("docs/troubleshooting.md", "Signing in")
SENDING = document.section("docs/troubleshooting.md", "Sending")
CONNECTING = document.section("docs/troubleshooting.md", "Connecting and TLS")


def row(section: str, quoted: str) -> str:
    """The first column of the only row that quotes this."""
    rows = [line.split("|")[1] for line in section.splitlines()
            if line.startswith("|") and quoted in line.split("|")[1]]
    assert len(rows) == 1, (quoted, rows)
    return rows[0]


def answers(seen: str, answer: Answer) -> None:
    """The row's first quotation is what the client was told."""
    words = re.search("`([^`]+)`", seen)[1].split(" … ")
    told = str(answer)
    assert told.startswith(words[0]), (seen, told)
    assert all(word in told for word in words), (seen, told)


@pytest.fixture(scope="module")
def own_site():
    with Site() as site:
        yield site


@pytest.fixture
def site(own_site: Site):
    yield own_site
    own_site.postfix.settings.clear()
    own_site.postfix.install()
    own_site.postfix.reload()


def sign_in(site: Site) -> tuple[Answer, str]:
    """What the client is told, and the log from then on."""
    app = site.new_app()
    mark = site.postfix.mark()
    with site.connect() as client:
        answer = client.auth_plain(app.user, app.secret)
    site.postfix.wait_log("disconnect from", since=mark)
    return answer, site.postfix.log_text(mark)


def reload(site: Site) -> None:
    """Without write(), which would mend what is broken."""
    mark = site.postfix.mark()
    site.postfix.command("postfix", "reload")
    site.postfix.wait_log(r"reload -- version", since=mark)


def test_no_settings_of_sasl(site):
    site.postfix.paths.sasl.unlink()
    reload(site)
    answer, log = sign_in(site)
    text = "Password verification failed"
    answers(row(SIGNING_IN, text), answer)
    assert text in log and "entra" not in log


def forget_plugin(plugin: Path, sasl: Path) -> None:
    plugin.unlink()


def misspell(plugin: Path, sasl: Path) -> None:
    sasl.write_text(sasl.read_text().replace(
        "auxprop_plugin: entra", "auxprop_plugin: entre"))


@pytest.mark.parametrize("breakage", [forget_plugin, misspell])
def test_no_plugin(site, breakage):
    paths = site.postfix.paths
    breakage(paths.plugins / "libentra.so", paths.sasl)
    reload(site)
    answer, log = sign_in(site)
    text = "unknown password verifier(s) auxprop"
    answers(row(SIGNING_IN, text), answer)
    assert text in log


def test_the_first_look_proves_our_plugin(site):
    """Step 6 by hand: whoever refuses a name that nobody has is ours."""
    step = document.section("docs/by-hand.md",
                            "Install from source, step by step")
    step = step[step.index("**6. "):step.index("**7. ")]
    text = re.search(r"`(SASL authentication failure: entra: [^`]+)`", step)[1]
    command = document.line(step, "swaks ")
    name = re.search(r"--auth-user (\S+)", command)[1]
    secret = re.search(r"--auth-password (\S+)", command)[1]
    mark = site.postfix.mark()
    with site.connect() as client:
        answer = client.auth_plain(name, secret)
    assert str(answer).startswith(re.search("`(535 [0-9.]+)`", step)[1])
    site.postfix.wait_log(re.escape(text), since=mark)


def test_no_milter(own_site, site):
    """Nothing listens on its socket: it does not run, or stands by."""
    own_site.milter.stop()
    try:
        mark = site.postfix.mark()
        with pytest.raises(SmtpError) as told, site.connect():
            pass
    finally:
        own_site.milter.start()
    seen = row(SENDING, "connect to Milter service … No such file")
    answers(seen, told.value.answer)
    site.postfix.wait_log("connect to Milter service .*: "
                          "(No such file|Connection refused)", since=mark)


def test_nobody_signed_in(site):
    with site.connect() as client:
        answer = client.command("MAIL FROM:<a@example.com>")
    answers(row(SENDING, "530 5.7.0"), answer)


TABLE = [  # an attribute of an entry, From, recipient, how often, part of the row
    ("senders=a@example.com", "b@example.com", "c@example.org", 1,
     "may not send"),
    ("recipients=@example.com", "b@example.com", "c@example.org", 1,
     "may not send"),
    ("rate_limit=1/h", "b@example.com", "c@example.org", 2, "has sent its"),
]


@pytest.mark.parametrize("attribute, sender, recipient, times, text", TABLE)
def test_what_an_entry_may_not_do(site, attribute, sender, recipient, times,
                                  text):
    app = site.new_app()
    site.identify(f"erp application={app.identity} {attribute}\n")
    try:
        with site.connect() as client:
            client.login(app.user, app.secret)
            for _ in range(times):
                answer = client.transact(sender, [recipient], message(sender))
        answers(row(SENDING, text), answer)
    finally:
        site.identify("")


def test_no_certificate(site):
    site.postfix.settings["smtpd_tls_chain_files"] = ""
    site.postfix.reload()
    mark = site.postfix.mark()
    text = "No server certs available"
    with Smtp(site.postfix.port, "none") as client:
        assert "STARTTLS" in client.features
        with pytest.raises(SmtpError) as told:
            client.starttls()
    answers(row(CONNECTING, text), told.value.answer)
    site.postfix.wait_log(text, since=mark)


def test_no_such_certificate(site):
    site.postfix.settings["smtpd_tls_chain_files"] = "/no/such.pem"
    site.postfix.reload()
    mark = site.postfix.mark()
    with pytest.raises(OSError), Smtp(site.postfix.port):
        pass
    for text in ("error opening chain file", "no shared cipher"):
        row(CONNECTING, text)
        site.postfix.wait_log(text, since=mark)
