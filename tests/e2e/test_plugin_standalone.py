"""libentra.so alone: a real smtpd and libsasl2, and an auth socket that answers
as the test says. No msgraphd, no milter, no Entra."""

from __future__ import annotations

import base64
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from pwd import getpwnam

import pytest

from harness.authsocket import AuthSocket, Request, counted
from harness.pluginrelay import CLIENT, SECRET, TENANT, USER, Relay
from harness.postfix import Postfix
from harness.process import BUILD, check_users
from harness.smtp import Smtp, b64

IDENTITY = f"{TENANT}/{CLIENT}".lower()
MAX = 1024  # bytes of a name or a secret
NAME_MAX = 512  # bytes of a name that can be ours


def base64url(uuid: str) -> str:
    raw = bytes.fromhex(uuid.replace("-", ""))
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


T22, C22 = base64url(TENANT), base64url(CLIENT)
OK = counted(b"OK")
NO = counted(b"NO AADSTS7000215: Invalid client secret provided.")


@pytest.fixture(scope="module", params=[True, False],
                ids=["chroot", "no-chroot"])
def shared_relay(request):
    check_users()
    root = Path(tempfile.mkdtemp(prefix="plugin-"))
    root.chmod(0o755)
    postfix = Postfix(root, chroot=request.param, local_users=True)
    auth = AuthSocket(postfix.socket_directory / "auth")
    relay = Relay(postfix, auth)
    relay.add_services(request.param)
    postfix.add_local_user("local", "local-password")
    # A local user whose name is that of an application.
    postfix.add_local_user(TENANT, "local-password", realm=CLIENT)
    auth.open()
    try:
        with postfix:
            yield relay
    finally:
        auth.close()
        shutil.rmtree(root)


@pytest.fixture
def relay(shared_relay: Relay):
    shared_relay.auth.reset()
    mark = shared_relay.postfix.mark()
    yield shared_relay
    print(shared_relay.postfix.log_end(mark))  # shown if the test fails
    log = shared_relay.postfix.log_text()
    for request in shared_relay.auth.requests:
        if len(request.secret) > 8:
            text = request.secret.decode("latin-1")
            assert text not in log and b64(request.secret) not in log


@pytest.fixture
def log(relay: Relay):
    """Waits for a line that this test caused."""
    mark = relay.postfix.mark()
    return lambda pattern: relay.postfix.wait_log(pattern, since=mark)


def logged_username(relay, log, service: str, name: str) -> str:
    with relay.connect(service) as smtp:
        assert smtp.auth_plain(name, SECRET).code == 235
        assert smtp.envelope("a@example.com", ["b@example.com"]).code == 354
    return log(r"sasl_method=PLAIN, sasl_username=(.*)$")[1]


# --- what is offered


def auth_lines(smtp: Smtp) -> list[str]:
    return [line for line in smtp.features if line.startswith("AUTH")]


@pytest.mark.parametrize("service", ["", "implicit"])
def test_ehlo_lists_each_once(relay, service):
    with relay.connect(service) as smtp:
        assert auth_lines(smtp) == ["AUTH PLAIN LOGIN"]


def test_no_auth_without_tls(relay):
    with Smtp(relay.postfix.port, tls="none") as smtp:
        assert auth_lines(smtp) == []
        assert smtp.auth_plain(USER, SECRET).code >= 500
        assert smtp.auth_login(USER, SECRET).code >= 500
    assert relay.auth.requests == []


def test_other_services_keep_their_own(relay):
    """Not named in auxprop_plugin, the library does nothing at all."""
    with relay.connect("stock") as smtp:
        offered = auth_lines(smtp)[0].split()
        assert offered.count("PLAIN") == offered.count("LOGIN") == 1
    answer = relay.sign_in(f"{TENANT}@{CLIENT}", "local-password", "stock")
    assert answer.code == 235
    assert relay.sign_in(service="stock").code == 535
    assert relay.auth.requests == []


def test_exports():
    out = subprocess.run(["nm", "-D", "--defined-only", BUILD / "libentra.so"],
                         capture_output=True, text=True, check=True).stdout
    assert sorted(line.split()[-1] for line in out.splitlines()) == [
        "sasl_auxprop_plug_init", "sasl_server_plug_init"]


# --- ways to sign in


@pytest.mark.parametrize("service", ["", "implicit"])
@pytest.mark.parametrize("verb,initial", [
    ("AUTH PLAIN", True), ("AUTH PLAIN", False),
    ("AUTH LOGIN", True), ("AUTH LOGIN", False),
    ("auth plain", True), ("Auth pLAIN", False),
    ("auth login", True), ("AUTH login", False)])
def test_mechanisms(relay, service, verb, initial):
    go = relay.sign_in if verb.upper() == "AUTH PLAIN" else relay.log_in
    wanted = Request(USER.encode(), SECRET.encode(), b"smtp", b"")
    answer = go(service=service, verb=verb, initial=initial)
    assert answer.code == 235
    assert relay.auth.requests == [wanted]
    relay.auth.reply = NO
    assert go(service=service, verb=verb, initial=initial).code == 535
    relay.auth.reply = b""
    assert go(service=service, verb=verb, initial=initial).code == 454
    assert relay.auth.requests == [wanted] * 3


def test_challenges(relay):
    with relay.connect() as smtp:
        assert str(smtp.command("AUTH LOGIN")) == f"334 {b64('Username:')}"
        assert str(smtp.command(b64(USER))) == f"334 {b64('Password:')}"
        assert smtp.command(b64(SECRET)).code == 235
    with relay.connect() as smtp:
        assert smtp.command("AUTH PLAIN").code == 334
        assert smtp.command("*").code == 501
        assert smtp.command("AUTH LOGIN").code == 334
        assert smtp.command("*").code == 501
        assert smtp.command(f"AUTH LOGIN {b64(USER)}").code == 334
        assert smtp.command("*").code == 501
        assert smtp.auth_login(USER, SECRET).code == 235


def test_another_try_on_the_same_connection(relay):
    with relay.connect() as smtp:
        relay.auth.reply = NO
        assert smtp.auth_plain(USER, "wrong-secret").code == 535
        relay.auth.reply = b""
        assert smtp.auth_login(USER, SECRET).code == 454
        relay.auth.reply = OK
        assert smtp.auth_plain(USER, SECRET).code == 235
        assert smtp.auth_plain(USER, SECRET).code == 503


# --- names


@pytest.mark.parametrize("suffix", [
    "", ".", ".printer", ".printer@example.com", ".a:b|c@d", ". .\u00e4"])
@pytest.mark.parametrize("tenant,client", [
    (TENANT, CLIENT), (TENANT.lower(), CLIENT.upper()), (T22, C22),
    (T22 + "==", C22 + "=="), (TENANT, C22), (T22, CLIENT)])
@pytest.mark.parametrize("delimiter", "@:|")
def test_names_of_ours(relay, delimiter, tenant, client, suffix):
    name = f"{tenant}{delimiter}{client}{suffix}".encode()
    with relay.connect("bare") as smtp:
        assert smtp.auth_plain(name, SECRET).code == 235
    with relay.connect("bare") as smtp:
        assert smtp.auth_login(name, SECRET).code == 235
    assert [request.login for request in relay.auth.requests] == [name, name]


def other_names() -> list[str]:
    whole = f"{TENANT}:{CLIENT}"
    return [
        "x", "@", ":", "|", "..", TENANT, T22, TENANT + ":", ":" + CLIENT,
        TENANT + CLIENT, T22 + C22, f"{TENANT}::{CLIENT}", f":{whole}",
        f"{TENANT}@@{CLIENT}", f"{TENANT}@{CLIENT}@{CLIENT}",
        f"{whole}:", f"{TENANT}|{CLIENT}:x", f"{TENANT}/{CLIENT}",
        f"{T22[:21]}:{C22}", f"{T22}a:{C22}", f"{T22}:{C22[:21]}",
        f"{T22}:{C22}a", f"{T22}=:{C22}", f"{T22}===:{C22}",
        f"{T22[:21]}+:{C22}", f"{T22[:21]}x:{C22}",
        "g" + whole[1:], whole[:-1], whole[:-1] + "g", whole + "0",
        f"{TENANT.replace('-', '')}:{CLIENT}", f"{{{TENANT}}}:{CLIENT}",
        f"{TENANT} :{CLIENT}", f"{TENANT}: {CLIENT}", f"{TENANT}.x:{CLIENT}",
        f"\u00e4{whole[1:]}", f"{whole}\u00e4", f"{TENANT}\u00e4{CLIENT}",
        f"{whole}.".ljust(NAME_MAX + 1, "a"), "a" * MAX, "a" * (MAX + 1),
        f"{whole}.".ljust(MAX + 1, "a"), whole.ljust(3000, "a"),
        "", " ", "\t \r\n"]


@pytest.mark.parametrize("name", other_names())
def test_other_names(relay, name):
    for secret in (SECRET, "local-password"):
        for go in (relay.sign_in, relay.log_in):
            answer = go(name, secret, "bare", initial=False)
            assert answer.code == 535, name
    assert relay.auth.requests == []


def test_the_longest_name(relay):
    name = f"{USER}.".ljust(NAME_MAX, "a")
    assert relay.sign_in(name, service="bare").code == 235
    assert relay.log_in(name, service="bare").code == 235
    assert relay.auth.requests[1].login == name.encode()


def test_white_space_around_a_name_goes(relay):
    """libsasl2 takes it off."""
    assert relay.sign_in(f" {USER}\r\n").code == 235
    assert relay.auth.requests[0].login == USER.encode()


def test_why_a_name_is_not_ours(relay, log):
    relay.sign_in(f"{TENANT}:{CLIENT[1:]}")
    log(r"neither tenant and client \(client is neither a UUID .*\) nor that "
        r"of a local user with this password$")


@pytest.mark.parametrize("name", [
    USER, f"{TENANT}@{CLIENT}", f"{T22}|{C22}==.printer@example.com"])
def test_postfix_sees_the_name_as_typed(relay, log, name):
    assert logged_username(relay, log, "bare", name) == name


@pytest.mark.parametrize("name", [
    USER, f"{T22}|{C22}.printer", f"{TENANT}@{CLIENT}"])
def test_a_realm_is_taken_off_again(relay, log, name):
    assert logged_username(relay, log, "realm", name) == name
    assert relay.auth.requests[0].login == name.encode()


# --- secrets


@pytest.mark.parametrize("secret", [
    b"x", b" x ", b"\xc3\xa4\xe2\x82\xac", b"\xff\xfe", bytes(range(1, 256)),
    b"a" * MAX, b"\r\n", b"OK", b"a" * 255, b"a" * 256, b"%s%n%m"])
def test_secrets_arrive_as_typed(relay, secret):
    assert relay.sign_in(secret=secret, initial=False).code == 235
    assert relay.log_in(secret=secret).code == 235
    assert [r.secret for r in relay.auth.requests] == [secret, secret]


@pytest.mark.parametrize("user", [USER, "local@relay.test"])
@pytest.mark.parametrize("secret", [
    b"", b"a" * (MAX + 1), b"a" * 5000, b"\0", b"local-password\0",
    b"local-password\0x", b"\0local-password"])
def test_impossible_secrets(relay, user, secret):
    assert relay.sign_in(user, secret, "bare", initial=False).code == 535
    assert relay.log_in(user, secret, "bare").code == 535
    assert relay.auth.requests == []


@pytest.mark.parametrize("name", ["\0", f"{USER}\0", f"\0{USER}", "local\0"])
def test_nul_in_a_name(relay, name):
    assert relay.log_in(name).code == 535
    assert relay.auth.requests == []


# --- PLAIN's message


@pytest.mark.parametrize("authzid,code", [
    (USER, 235), (USER.lower(), 535), (USER[:-1], 535), (USER + "x", 535),
    (" " + USER, 535), ("root", 535), (f"{TENANT}@{CLIENT}", 535)])
def test_authorization_id(relay, log, authzid, code):
    assert relay.sign_in(authzid=authzid).code == code
    assert len(relay.auth.requests) == (1 if code == 235 else 0)
    if code == 535:
        log("refused: the authorization id differs from the user name$")


def test_authorization_id_of_local_users(relay):
    user = "local@relay.test"
    for authzid, code in ((user, 235), (USER, 535), ("local", 535)):
        answer = relay.sign_in(user, "local-password", authzid=authzid)
        assert answer.code == code


@pytest.mark.parametrize("message", [
    b"", b"x", b"\0", b"\0\0", b"\0\0\0", b"\0x", USER.encode(),
    b"\0" + USER.encode(), b"\0\0secret", b"\0" + USER.encode() + b"\0"])
def test_malformed_plain(relay, message):
    with relay.connect() as smtp:
        smtp.command("AUTH PLAIN")
        assert smtp.command(b64(message)).code == 535
        assert smtp.auth_plain(USER, SECRET).code == 235
    assert len(relay.auth.requests) == 1


# --- answers


@pytest.mark.parametrize("reply,text", [
    (b"NO", "no reason given"), (b"NO because", "because"),
    (b"NO evil\r\nline\x7f", r"evil\?\?line\?"),
    (b"NO " + b"x" * 1000, "x{400}")], ids=lambda value: str(value)[:12])
def test_refused(relay, log, reply, text):
    relay.auth.reply = counted(reply)
    assert relay.sign_in().code == 535
    log(f"authentication failure: entra: {IDENTITY} refused: {text}")
    log(f"SASL PLAIN authentication failed: .*sasl_username={USER}$")


@pytest.mark.parametrize("reply,text", [
    (b"", "closed without an answer"),
    (b"\0", "this is no answer of msgraphd"),
    (b"OK\r\n", "this is no answer of msgraphd"),
    (b"\xff\xff" + b"OK" * 40000, "this is no answer of msgraphd"),
    (b"\4\1" + b"x" * 1025, "this is no answer of msgraphd"),
    (counted(b"NO" + b"x" * 1022), "neither OK nor NO"),
    (b"\0\5OK", "ends after 2 of 5 bytes"),
    (counted(b""), "neither OK nor NO"),
    (counted(b"OKAY"), "neither OK nor NO"),
    (counted(b" OK"), "neither OK nor NO"),
    (counted(b"OK\0"), "NUL"),
], ids=lambda value: str(value)[:12])
def test_no_answer(relay, log, reply, text):
    relay.auth.reply = reply
    assert relay.sign_in().code == 454
    assert relay.log_in().code == 454
    log(f"authentication problem: entra: cannot verify {IDENTITY} now: "
        f".*{text}")


@pytest.fixture
def nobody_listens(relay: Relay):
    """What a test does with the path is undone."""
    relay.auth.close(remove=False)
    yield relay.auth.path
    relay.auth.path.unlink(missing_ok=True)
    relay.auth.open()


@pytest.mark.parametrize("user, code", [
    ("msgraphd", 235), ("msgraph", 454), ("nobody", 454)])
def test_secret_goes_to_msgraphd_alone(relay, log, nobody_listens, user, code):
    nobody_listens.unlink()
    relay.auth.open(user)
    try:
        assert relay.sign_in().code == code
    finally:
        relay.auth.close(remove=False)
    if code == 454:
        assert relay.auth.requests == []
        log(rf"msgraph/auth is served by uid {getpwnam(user).pw_uid}; no "
            r"secret was sent \(run msgraphd as user msgraphd or root; if it "
            r"does, find out who made the socket\)")


def test_nobody_listens(relay, log, nobody_listens):
    hint = r" \(is msgraphd running, and is this user in group msgraph\?\)$"
    with relay.connect() as smtp:
        assert smtp.auth_plain(USER, SECRET).code == 454
        log("connect to msgraph/auth: Connection refused" + hint)
        nobody_listens.unlink()
        assert smtp.auth_login(USER, SECRET).code == 454
        log("connect to msgraph/auth: No such file or directory" + hint)
        nobody_listens.write_text("")
        assert smtp.auth_login(USER, SECRET).code == 454
        nobody_listens.unlink()
        relay.auth.open()
        try:
            assert smtp.auth_plain(USER, SECRET).code == 235
        finally:
            relay.auth.close()


def test_socket_that_may_not_be_opened(relay, log):
    relay.auth.path.chmod(0o600)
    try:
        assert relay.sign_in().code == 454
        log("connect to msgraph/auth: Permission denied")
    finally:
        relay.auth.path.chmod(0o660)


def test_stalled(relay, log):
    relay.auth.stall = True
    start = time.monotonic()
    assert relay.sign_in(service="hasty").code == 454
    assert 1 <= time.monotonic() - start < 5
    log(r"msgraphd on msgraph/auth \(see its log\): no answer within 1 "
        r"seconds \(entra_timeout\)$")
    relay.auth.stall = False
    assert relay.sign_in(service="hasty").code == 235


def test_bad_option(relay, log):
    assert relay.sign_in(service="broken").code == 454
    log(r'entra_timeout: bad value "soon" in the SASL configuration')
    assert relay.log_in(service="broken").code == 454
    assert relay.auth.requests == []


# --- local users


def test_local_users(relay):
    for user in ("local@relay.test", "local"):
        for go in (relay.sign_in, relay.log_in):
            assert go(user, "local-password").code == 235
            assert go(user, "local-passwor").code == 535
            assert go(user, "wrong").code == 535
    assert relay.sign_in("nobody@relay.test", "local-password").code == 535
    assert relay.auth.requests == []


def test_local_users_while_msgraphd_is_away(relay, nobody_listens):
    assert relay.sign_in("local@relay.test", "local-password").code == 235
    assert relay.sign_in("local@relay.test", "wrong").code == 535


def test_entra_has_the_last_word_on_its_names(relay):
    """Whatever sasldb says of a user with an application's name."""
    user = f"{TENANT}@{CLIENT}"
    for reply, code in ((NO, 535), (b"", 454), (OK, 235)):
        relay.auth.reply = reply
        assert relay.sign_in(user, "local-password").code == code
        assert relay.log_in(user, "wrong").code == code


def test_saslauthd_behind_us(relay):
    """A second socket plays saslauthd, for names that are not ours."""
    mux = AuthSocket(relay.postfix.socket_directory / "mux")
    mux.open()
    try:
        assert relay.sign_in("joe@x.org", "pw", "saslauthd").code == 235
        mux.reply = NO
        assert relay.log_in("joe@x.org", "pw", "saslauthd").code == 535
        assert relay.sign_in(service="saslauthd").code == 235
        mux.reply = OK
        for secret in (b"", b"a" * (MAX + 1)):
            assert relay.sign_in("joe@x.org", secret, "saslauthd").code == 535
    finally:
        mux.close()
    assert [r.login for r in mux.requests] == [b"joe"] * 2
    assert [r.realm for r in mux.requests] == [b"x.org"] * 2
    assert [r.login for r in relay.auth.requests] == [USER.encode()]
