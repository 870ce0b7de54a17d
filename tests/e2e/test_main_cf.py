"""What an admin's main.cf says for other mail does not reach ours: sign-in,
access, milter, route, recipients and headers are as our services say."""

from __future__ import annotations

import contextlib
import email
import re

import pytest

from harness.message import field, message, split
from harness.site import App, Site
from harness.smtp import Smtp, SmtpError

SOMEBODY = ("11111111-2222-3333-4444-555555555555"
            "@aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee")

# What main.cf may say without a thought of us, and what each would do to our
# mail. A row's value is such that no message of ours goes as it should.
ELSEWHERE = {
    "cyrus_sasl_config_path": "/no/such",
    # nobody signs in, or under another name
    "smtpd_sasl_type": "dovecot", "smtpd_sasl_path": "private/auth",
    "smtpd_sasl_local_domain": "corp.example",
    "smtpd_sasl_security_options": "noanonymous, noplaintext",
    "smtpd_sasl_tls_security_options": "noanonymous, noplaintext",
    "smtpd_sasl_exceptions_networks": "127.0.0.0/8",
    "smtpd_sasl_mechanism_filter": "gssapi",
    "smtpd_discard_ehlo_keywords": "starttls, auth",
    "smtpd_discard_ehlo_keyword_address_maps": "static:{starttls, auth}",
    "smtpd_tls_security_level": "none", "smtpd_tls_req_ccert": "yes",
    # whoever does not sign in is taken for an application, by another service
    "milter_macro_defaults": f"auth_authen={SOMEBODY}",
    "milter_macro_daemon_name": "other",
    # clients are refused
    "smtpd_relay_restrictions": "reject",
    "smtpd_client_restrictions": "reject",
    "smtpd_helo_required": "yes",
    "smtpd_helo_restrictions": "reject_non_fqdn_helo_hostname",
    "smtpd_sender_restrictions": "reject",
    "smtpd_recipient_restrictions": "reject",
    "smtpd_data_restrictions": "reject",
    "smtpd_end_of_data_restrictions": "reject",
    "smtpd_reject_unlisted_sender": "yes",
    # or, as in mynetworks, never
    "smtpd_client_connection_count_limit": "3",
    "smtpd_client_event_limit_exceptions": "127.0.0.0/8",
    "strict_rfc821_envelopes": "yes",
    "mydestination": "example.org", "local_recipient_maps": "inline:{x=x}",
    "message_size_limit": "200000",
    # the milter is not asked, or not told
    "smtpd_milters": "unix:no/such", "smtpd_milter_maps": "static:DISABLE",
    "receive_override_options": "no_milters, no_header_body_checks",
    "milter_default_action": "accept", "milter_protocol": "2",
    "milter_mail_macros": "i",
    # the message goes elsewhere, to others, or not as it was
    "content_filter": "discard:elsewhere",
    "smtpd_proxy_filter": "127.0.0.1:9",
    "header_checks": "static:{DISCARD header}",
    "mime_header_checks": "static:{DISCARD part}",
    "nested_header_checks": "static:{DISCARD nested}",
    "body_checks": "static:{DISCARD body}",
    "milter_header_checks": "static:{DISCARD milter}",
    "always_bcc": "archive@localhost",
    "sender_bcc_maps": "static:senders@localhost",
    "recipient_bcc_maps": "static:recipients@localhost",
    "canonical_maps": "inline:{a@example.org=b@example.org}",
    "sender_canonical_maps": "static:other@example.com",
    "recipient_canonical_maps": "inline:{a@example.org=c@example.org}",
    "masquerade_domains": "com",
    "strict_7bit_headers": "yes", "strict_8bitmime": "yes",
    "strict_8bitmime_body": "yes", "strict_mime_encoding_domain": "yes",
    "message_strip_characters": "~",
    "remote_header_rewrite_domain": "domain.invalid",
    "myorigin": "corp.example",
    # it waits, or bounces instead
    "default_destination_rate_delay": "300s",
    "default_transport_rate_delay": "300s",
    "default_delivery_status_filter": "regexp:{ {/^4(.*)/ 5$$1} }",
}


@pytest.fixture(scope="module")
def odd_site():
    site = Site()
    site.postfix.settings.update(ELSEWHERE)
    site.postfix.write()
    with site:
        yield site


@pytest.fixture
def odd_app(odd_site) -> App:
    odd_site.m365.reset()
    yield odd_site.new_app()
    odd_site.m365.clear_rules()
    odd_site.postfix.delete_all()


def connect(site: Site, tls: str, helo: str = "printer") -> Smtp:
    port = {"starttls": site.postfix.port, "implicit": site.postfix.tls_port}
    return Smtp(port[tls], tls, helo=helo)


NESTED = (b"--b\r\nContent-Type: message/rfc822\r\n"
          b"Content-Transfer-Encoding: quoted-printable\r\n\r\nSubject: n\r\n\r\n"
          b"n\xe9sted\r\n--b\r\n\r\nb\xe9dy ~~" + b"\r\n" * 150_000
          + b"--b--\r\n")


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_services_do_not_depend_on_main_cf(odd_site, odd_app, tls):
    """For a device whose EHLO names no domain, and whose mail holds raw 8-bit
    in headers and parts."""
    data = message("scan@example.com", body=NESTED, reply_to="root",
                   mime_version="1.0",
                   content_type="multipart/mixed; boundary=b").replace(
        b"Subject: test", b"Subject: t\xe9st")
    # without "@": smtpd appends its realm
    typed = f"{odd_app.tenant}:{odd_app.client}"
    mark = odd_site.postfix.mark()
    queue_ids = []
    with connect(odd_site, tls) as client:
        client.login(typed, odd_app.secret)
        for _ in range(2):  # the second goes without a pause too
            assert client.command("MAIL FROM:scan@example.com").code == 250
            assert client.command("RCPT TO:a@example.org").code == 250
            client.expect(354, client.command("DATA"))
            client.write(data + b".\r\n")
            answer = client.expect(250, client.answer())
            queue_ids.append(answer.text.split()[-1])
    for queue_id in queue_ids:
        line = odd_site.postfix.wait_status(queue_id, "sent")
        assert "to=<a@example.org>" in line
    odd_site.postfix.wait_log(rf"sasl_username={odd_app.user}$", since=mark)
    odd_site.postfix.wait_empty_queue()
    assert len(odd_site.m365.mail()) == 2
    for mail in odd_site.m365.mail():
        assert mail.mailbox == "scan@example.com"
        assert mail.recipients == ["a@example.org"]
        assert field(mail.raw, "Reply-To") == [b"root"]
        assert b"~~" in split(mail.raw)[1]


def test_sender_and_status_stay(odd_site, odd_app):
    """The envelope's sender is the client's, and what has to wait waits."""
    odd_site.m365.rules({"endpoint": "sendMail", "status": 503, "times": 1,
                         "skip": 0})
    queue_id = odd_site.send(odd_app, "scan@relay.example.com",
                             ["a@example.org"],
                             message("scan@relay.example.com"))
    odd_site.postfix.wait_deferred(queue_id)
    assert odd_site.postfix.queued(queue_id)["sender"] == (
        "scan@relay.example.com")


def test_bounces_reach_the_sender(odd_site, odd_app):
    """Through Graph, to the sender alone, and without our stamp."""
    odd_site.m365.rules({
        "endpoint": "sendMail", "skip": 1, "times": 1, "status": 400,
        "body": {"error": {"code": "ErrorMessageBlocked", "message": "x"}}})
    for status in ("sent", "bounced"):
        queue_id = odd_site.send(odd_app, "scan@example.com",
                                 ["a@example.org"], message())
        odd_site.postfix.wait_status(queue_id, status)
    odd_site.postfix.wait_empty_queue()
    bounce = odd_site.m365.mail()[-1]
    assert bounce.recipients == ["scan@example.com"]
    assert b"Content-Type: multipart/report" in bounce.raw
    assert b"x-msgraph" not in bounce.raw.lower()


def test_no_milter_no_mail(odd_site, odd_app):
    """Whatever main.cf has for milters that do not answer."""
    odd_site.milter.stop()
    try:
        with pytest.raises(SmtpError) as error:
            odd_site.send(odd_app, "scan@example.com", ["a@example.org"],
                          message())
        assert error.value.answer.code // 100 == 4
    finally:
        odd_site.milter.start()


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_what_clients_are_offered(odd_site, tls):
    with connect(odd_site, tls) as client:
        features = {line.split()[0] for line in client.features}
        assert "AUTH" in features
        assert not features & {"ETRN", "VRFY", "XCLIENT"}


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_who_did_not_sign_in_is_nobody(odd_site, tls):
    with connect(odd_site, tls) as client:
        answer = client.command("MAIL FROM:<scan@example.com>")
    assert str(answer) == (
        "530 5.7.0 Authentication required (client=127.0.0.1, "
        "daemon_name=msgraph: no entry)")


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_limits_hold_for_every_client(odd_site, tls):
    with contextlib.ExitStack() as clients:
        with pytest.raises(SmtpError, match="^421 4.7.0 .*too many conn"):
            for _ in range(4):
                clients.enter_context(connect(odd_site, tls))


@pytest.fixture(scope="module")
def filter_site():
    """Its main.cf trusts a filter on this host, and disables the milter in the
    usual way to spare printers a spam filter."""
    site = Site()
    site.postfix.settings.update({
        "smtpd_authorized_xclient_hosts": "127.0.0.1",
        "smtpd_milter_maps": "inline:{ {127.0.0.1 = DISABLE} }"})
    site.postfix.write()
    with site:
        yield site


def test_nobody_else_names_who_signed_in(filter_site):
    app = filter_site.new_app()
    with Smtp(filter_site.postfix.port) as client:
        answer = client.command(f"XCLIENT LOGIN={app.user}")
        assert answer.code // 100 == 5
        assert client.envelope("scan@example.com",
                               ["a@example.org"]).code // 100 == 5


def test_a_spared_network_is_not_spared_ours(filter_site):
    app = filter_site.new_app()
    queue_id = filter_site.send(app, "scan@example.com", ["a@example.org"],
                                message())
    filter_site.postfix.wait_status(queue_id, "sent")


# --- cleanup_replace_stray_cr_lf

CR_ONLY = [b"From: scan@example.com\rTo: a@example.org\rSubject: s\r\r"
           b"the text\r",
           b"Subject: s\rFrom: scan@example.com\rTo: a@example.org\r\r"
           b"the text\r"]


@pytest.mark.parametrize("data", CR_ONLY, ids=["from", "subject"])
def test_headers_that_end_in_cr_are_refused(site, app, data):
    """As blanks they would be one header field, and the text would be it."""
    with site.connect() as client:
        client.login(app.user, app.secret)
        answer = client.transact("scan@example.com", ["a@example.org"], data)
    assert answer.code == 550, answer
    assert re.search(r"\b5\.6\.0\b", answer.text), answer


def test_a_cr_alone_stays_in_binary_data(site, app):
    body = b"one\rtwo\r\n"
    queue_id = site.send(app, "scan@example.com", ["a@example.org"],
                         message(body=body, mime_version="1.0",
                                 content_type="application/octet-stream",
                                 content_transfer_encoding="binary"))
    site.postfix.wait_status(queue_id, "sent")
    (mail,) = site.m365.mail()
    parsed = email.message_from_bytes(mail.raw)
    assert parsed.get_payload(decode=True) == body
