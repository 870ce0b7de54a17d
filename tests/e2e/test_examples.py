"""The examples: each is used by the other tests as it stands; here is what
those do not see. Postfix and systemd find nothing to complain of, and the
numbers fit together."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from harness import example
from harness.message import field, message
from harness.postfix import cool_down
from harness.postfix_conf import size_limit
from harness.process import BUILD
from harness.site import Site
from harness.smtp import Smtp, SmtpError

UNITS = ["msgraphd.service", "msgraph-milter.service",
         "msgraphd-auth.socket", "msgraphd-bounce.socket",
         "msgraphd-submit.socket"]
README = example.ROOT / "README.md"
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def settings_of(conf: Path) -> dict[str, str]:
    """What msgraphd -t prints."""
    done = subprocess.run([str(BUILD / "msgraphd"), "-c", str(conf), "-t"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return dict(re.findall(r"^(\w+) =(.*)$", done.stdout, re.M))


@pytest.fixture(scope="module")
def defaults(tmp_path_factory) -> dict[str, str]:
    conf = tmp_path_factory.mktemp("conf") / "msgraph.conf"
    conf.write_text("")
    return {name: value.strip() for name, value in
            settings_of(conf).items()}


def seconds(text: str) -> int:
    number, unit = re.fullmatch(r"(\d+)([smhd]?)", text).groups()
    return int(number) * SECONDS[unit or "s"]


def unit(name: str) -> configparser.ConfigParser:
    """A systemd unit. Repeated keys keep their last value."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read_string(example.read(f"systemd/{name}"))
    return parser


# --- msgraph.conf; tests/lint/test_settings.py compares it with the table

def test_example_is_a_configuration(tmp_path, defaults):
    """As it is, and with every line taken into use."""
    conf = tmp_path / "msgraph.conf"
    text = example.read("msgraph.conf")
    for variant in (text, re.sub(r"(?m)^#([a-z0-9_]+ =)", r"\1", text)):
        conf.write_text(variant)
        assert {name: value.strip() for name, value in
                settings_of(conf).items()} == defaults


# --- Postfix

@pytest.fixture
def stock(tmp_path) -> Path:
    """Debian's Postfix configuration with the examples appended, as the
    README says, and a name, which Postfix would look for in the DNS."""
    shared = Path("/usr/share/postfix")
    for name, base in (("main.cf", "main.cf.debian"),
                       ("master.cf", "master.cf.dist")):
        (tmp_path / name).write_text(
            (shared / base).read_text()
            + example.read(f"postfix/{name}.msgraph"))
    with (tmp_path / "main.cf").open("a") as file:
        file.write("myhostname = relay.test\n")
    cool_down(tmp_path / "main.cf")
    return tmp_path


def postconf(folder: Path, *args: str) -> str:
    done = subprocess.run(["postconf", "-c", str(folder), *args],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # such as "unused parameter"
    return done.stdout


def test_postfix_knows_every_parameter(stock):
    assert "msgraph_time_limit = 900s" in postconf(stock, "-n")
    services = postconf(stock, "-M")
    for start in (r"8025 +inet", "msgraph-cleanup +unix", "msgraph +unix"):
        assert re.search(f"^{start} ", services, re.M), start
    assert not re.search("^465 ", services, re.M)


def test_implicit_tls_is_the_same_service(stock):
    """What the commented service has beyond the other: TLS from the start."""
    master = stock / "master.cf"
    expected = example.uncomment(master.read_text(), "465 ")
    command = re.search(r"^#(sed -i .*)$", master.read_text(), re.M)[1]
    assert command in README.read_text()
    subprocess.run(shlex.split(example.replace(
        command, "/etc/postfix/master.cf", str(master))), check=True)
    assert master.read_text() == expected
    cool_down(master)
    ours = options_of(stock, "8025/inet")
    theirs = options_of(stock, "465/inet")
    assert dict(set(theirs.items()) - set(ours.items())) == {
        "smtpd_tls_wrappermode": "yes", "smtpd_tls_security_level": "encrypt"}
    assert set(ours) - set(theirs) == {"smtpd_tls_auth_only"}


def options_of(folder: Path, service: str) -> dict[str, str]:
    lines = postconf(folder, "-P", service).splitlines()
    return {line.split(" = ")[0].split("/")[-1]:
            line.partition(" = ")[2].strip() for line in lines}


@pytest.mark.parametrize("line, filtered", [
    ("X-MSGraph-Mailbox: scan@example.com", "msgraph:scan@example.com"),
    ("X-MSGraph-Mailbox:\tscan@example.com", "msgraph:scan@example.com"),
    ("X-MSGraph-Mailbox: a b@example.com", None),
    ("X-MSGraph-Mailbox:", None),
    ("X-X-MSGraph-Mailbox: scan@example.com", None),
    ("Subject: X-MSGraph-Mailbox: scan@example.com", None),
])
def test_route(stock, line, filtered):
    table = example.EXAMPLES / "postfix" / "msgraph_route.pcre"
    done = subprocess.run(
        ["postmap", "-c", str(stock), "-q", line, f"pcre:{table}"],
        capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout.strip() == (f"FILTER {filtered}" if filtered else "")


def test_agent_gives_up_before_pipe_does(stock, defaults):
    limit = postconf(stock, "-h", "msgraph_time_limit").strip()
    assert seconds(limit) >= 1.5 * seconds(defaults["delivery_timeout"])


def test_sizes_say_the_same(defaults):
    """What smtpd announces, and what the milter refuses."""
    number, letter = re.fullmatch(
        r"(\d+)([km])", defaults["max_message_size"]).groups()
    factor = {"k": 1024, "m": 1024 * 1024}[letter]
    assert size_limit() == int(number) * factor


def test_state_outlives_the_queue(stock, defaults):
    longest = postconf(stock, "-dh", "maximal_queue_lifetime").strip()
    assert seconds(defaults["state_retention"]) > seconds(longest)


def test_agent_stands_where_it_is_installed(stock):
    assert "argv=/usr/libexec/msgraph/msgraph-agent" in postconf(stock, "-M")


# What an admin's main.cf may say for other clients, without a thought of ours.
ELSEWHERE = {
    "smtpd_sasl_type": "dovecot", "smtpd_sasl_path": "private/auth",
    "smtpd_sasl_local_domain": "corp.example",
    "smtpd_sasl_security_options": "noanonymous, noplaintext",
    "smtpd_sasl_tls_security_options": "noanonymous, noplaintext",
    "smtpd_tls_security_level": "none", "smtpd_milters": "unix:no/such",
    "smtpd_relay_restrictions": "reject",
    "smtpd_client_restrictions": "reject",
    "smtpd_helo_required": "yes",
    "smtpd_helo_restrictions": "reject_non_fqdn_helo_hostname",
    "smtpd_sender_restrictions": "reject",
    "smtpd_recipient_restrictions": "reject",
    "mydestination": "example.org", "local_recipient_maps": "inline:{x=x}",
    "smtpd_reject_unlisted_sender": "yes",
    "milter_default_action": "accept", "content_filter": "discard:elsewhere",
    "message_size_limit": "200000", "myorigin": "corp.example",
}


@pytest.fixture(scope="module")
def odd_site():
    site = Site()
    site.postfix.settings.update(ELSEWHERE)
    site.postfix.write()
    with site:
        yield site


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_services_do_not_depend_on_main_cf(odd_site, tls):
    """Sign-in, access, route, size and headers are as the service itself
    says, also for a device whose EHLO names no domain."""
    app = odd_site.new_app()
    data = message("scan@example.com", body=b"x" * 70 + b"\r\n" * 150_000,
                   reply_to="root")
    user = f"{app.tenant}:{app.client}"  # no "@": a realm would be appended
    mark = odd_site.postfix.mark()
    port = {"starttls": odd_site.postfix.port,
            "implicit": odd_site.postfix.tls_port}[tls]
    with Smtp(port, tls, helo="printer") as client:
        client.login(user, app.secret)
        queue_id = client.send("scan@example.com", ["a@example.org"], data)
    odd_site.postfix.wait_status(queue_id, "sent")
    odd_site.postfix.wait_log(rf"sasl_username={user}$", since=mark)
    (reply_to,) = field(odd_site.m365.mail()[-1].raw, "Reply-To")
    assert reply_to == b"root"


def test_no_milter_no_mail(odd_site):
    """Whatever main.cf has for milters that do not answer."""
    app = odd_site.new_app()
    odd_site.milter.stop()
    try:
        with pytest.raises(SmtpError) as error:
            odd_site.send(app, "scan@example.com", ["a@example.org"],
                          message())
        assert error.value.answer.code // 100 == 4
    finally:
        odd_site.milter.start()


# --- systemd

@pytest.mark.skipif(not shutil.which("systemd-analyze"),
                    reason="no systemd here")
def test_systemd_accepts_the_units(tmp_path):
    for name in UNITS:
        text = example.read(f"systemd/{name}").replace(
            "/usr/sbin/msgraph", f"{BUILD}/msgraph")
        (tmp_path / name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no",
         *(str(tmp_path / name) for name in UNITS)],
        capture_output=True, text=True)
    complaints = [line for line in done.stderr.splitlines()
                  if "msgraph" in line]
    assert complaints == []


@pytest.mark.parametrize("name", ["auth", "submit", "bounce"])
def test_socket_units_stand_where_the_settings_say(name, defaults):
    sock = unit(f"msgraphd-{name}.socket")["Socket"]
    assert sock["ListenStream"] == defaults[f"{name}_socket"]
    assert sock["FileDescriptorName"] == name
    assert sock["Service"] == "msgraphd.service"
    assert (sock["SocketUser"], sock["SocketGroup"], sock["SocketMode"]) == (
        "root", "msgraph", "0660")
    service = unit("msgraphd.service")
    for key in (service["Service"]["Sockets"], service["Unit"]["Requires"],
                service["Install"]["Also"]):
        assert f"msgraphd-{name}.socket" in key.split()


def test_programs_run_as_their_users():
    for name, user in (("msgraphd", "msgraphd"),
                       ("msgraph-milter", "msgraph")):
        service = unit(f"{name}.service")["Service"]
        assert (service["User"], service["Group"]) == (user, "msgraph")
        assert service["NoNewPrivileges"] == "yes"
        assert service["ProtectSystem"] == "strict"
        assert service["LimitCORE"] == "0"


def test_services_are_tried_for_ever():
    """A mistake that takes an hour to mend must not outlast its mending: at
    a start limit systemd gives up service and sockets for good."""
    for name in ("msgraphd", "msgraph-milter"):
        service = unit(f"{name}.service")
        assert service["Unit"]["StartLimitIntervalSec"] == "0"
        assert service["Service"]["Restart"] == "always"
        assert service["Service"]["RestartSec"] == "5"
    for name in ("auth", "submit", "bounce"):
        sock = unit(f"msgraphd-{name}.socket")["Socket"]
        assert sock["TriggerLimitIntervalSec"] == "0"


def test_stop_may_take_as_long_as_msgraphd_waits(defaults):
    limit = int(unit("msgraphd.service")["Service"]["TimeoutStopSec"])
    assert limit >= seconds(defaults["request_timeout"]) + 10


def test_state_directory_is_the_daemons(defaults):
    service = unit("msgraphd.service")["Service"]
    assert defaults["state_directory"] == (
        f"/var/lib/{service['StateDirectory']}")
    assert service["StateDirectoryMode"] == "0700"


def key_maker(etc: Path, state: Path) -> list[str]:
    """ExecStartPre of msgraphd.service, with other places."""
    text = re.search(r"^ExecStartPre=\+((?:.*\\\n)*.*)$",
                     example.read("systemd/msgraphd.service"), re.M)[1]
    text = text.replace("\\\n", " ")
    assert "$" not in text and "%" not in text  # systemd would expand them
    text = example.replace(text, "/etc/msgraph", str(etc))
    text = example.replace(text, "/var/lib/msgraph", str(state))
    return shlex.split(text)


def test_first_start_makes_the_key_and_no_other_start_does(tmp_path):
    etc, state = tmp_path / "etc", tmp_path / "state"
    etc.mkdir()
    state.mkdir()
    command = [word.replace("chown msgraphd", "chown root")
               for word in key_maker(etc, state)]
    subprocess.run(command, check=True)
    key = etc / "vault.key"
    first = key.read_bytes()
    assert len(first) == 32
    assert key.stat().st_mode & 0o777 == 0o400
    subprocess.run(command, check=True)
    assert key.read_bytes() == first
    key.unlink()
    (state / "state.db").write_text("sealed with the key that is gone")
    subprocess.run(command, check=True)
    assert list(etc.iterdir()) == []


def test_key_outlives_a_power_cut(tmp_path):
    """What is sealed with it is lost without it: the file is on disk before it
    has its name, and the name before msgraphd starts."""
    etc, bin_ = tmp_path / "etc", tmp_path / "bin"
    etc.mkdir()
    bin_.mkdir()
    log = tmp_path / "log"
    (bin_ / "sync").write_text(f'#!/bin/sh\necho "$*:" * >>{log}\n')
    (bin_ / "sync").chmod(0o755)
    subprocess.run(
        [word.replace("chown msgraphd", "chown root")
         for word in key_maker(etc, tmp_path / "state")], check=True,
        env={**os.environ, "PATH": f"{bin_}:{os.environ['PATH']}"})
    assert log.read_text().splitlines() == [
        "vault.new: vault.new", ".: vault.key"]


# --- users and folders

@pytest.fixture
def root(tmp_path) -> Path:
    """A system of its own for systemd-sysusers and systemd-tmpfiles."""
    for kind in ("sysusers.d", "tmpfiles.d"):
        folder = tmp_path / "usr" / "lib" / kind
        folder.mkdir(parents=True)
        shutil.copy(example.EXAMPLES / kind / "msgraph.conf", folder)
    etc = tmp_path / "etc"
    etc.mkdir()
    (tmp_path / "var/spool/postfix").mkdir(parents=True)
    (etc / "passwd").write_text("root:x:0:0::/root:/bin/sh\n"
                                "postfix:x:102:105::/:/usr/sbin/nologin\n")
    (etc / "group").write_text("root:x:0:\npostfix:x:105:\n")
    return tmp_path


@pytest.mark.skipif(not shutil.which("systemd-sysusers"),
                    reason="no systemd here")
def test_users_and_folders(root):
    subprocess.run(["systemd-sysusers", f"--root={root}"], check=True,
                   capture_output=True)
    users = {line.split(":")[0]: line.split(":") for line in
             (root / "etc/passwd").read_text().splitlines()}
    groups = {line.split(":")[0]: line.split(":") for line in
              (root / "etc/group").read_text().splitlines()}
    gid = groups["msgraph"][2]
    assert users["msgraph"][3] == users["msgraphd"][3] == gid
    assert users["msgraph"][2] != users["msgraphd"][2]
    assert users["msgraph"][6] == users["msgraphd"][6] == "/usr/sbin/nologin"
    assert groups["msgraph"][3] == "postfix"
    subprocess.run(["systemd-tmpfiles", f"--root={root}", "--create"],
                   check=True, capture_output=True)
    for name, mode in (("var/spool/postfix/msgraph", 0o3770),
                       ("run/msgraph", 0o3770), ("etc/msgraph", 0o750)):
        info = (root / name).stat()
        assert info.st_mode & 0o7777 == mode, name
        assert (info.st_uid, info.st_gid) == (0, int(gid)), name


# --- fail2ban

def failregex() -> re.Pattern[str]:
    """The filter's expression, as fail2ban completes it."""
    parser = configparser.RawConfigParser()
    parser.read_string(
        example.read("fail2ban/filter.d/postfix-msgraph.conf"))
    rows = parser["Definition"]
    text = rows["failregex"].replace(
        "%(__prefix_line)s", rf"\S+ \d+ \S+ \S+ {rows['_daemon']}\[\d+\]: ")
    return re.compile(text.replace("<HOST>", r"(?P<host>\S+)"))


def test_fail2ban_needs_no_log_file():
    """fail2ban does not start at all where a jail's file is missing."""
    parser = configparser.RawConfigParser()
    parser.read_string(example.read("fail2ban/jail.d/postfix-msgraph.conf"))
    jail = parser["postfix-msgraph"]
    assert jail["backend"] == "systemd" and "logpath" not in jail
    parser.read_string(
        example.read("fail2ban/filter.d/postfix-msgraph.conf"))
    assert parser["Definition"]["journalmatch"]


def failures(site, mark: int) -> list[str]:
    pattern = failregex()
    return [found["host"] for line in site.postfix.log_text(mark).splitlines()
            if (found := pattern.match(line))]


@pytest.mark.parametrize("mechanism", ["plain", "login"])
def test_fail2ban_counts_refusals(site, app, mechanism):
    mark = site.postfix.mark()
    for tls in ("starttls", "implicit"):
        with site.connect(tls) as client:
            auth = getattr(client, f"auth_{mechanism}")
            assert auth(app.user, "wrong").code == 535
            assert auth("nobody", "wrong").code == 535
            assert auth(app.user, app.secret).code == 235
    assert failures(site, mark) == ["127.0.0.1"] * 4


def test_fail2ban_does_not_count_outages(site, app):
    """Nor what a client writes into the user name."""
    site.m365.down()
    mark = site.postfix.mark()
    name = (f"{app.user}.x[192.0.2.1]: SASL PLAIN authentication failed: "
            "authentication failure")
    with site.connect() as client:
        assert client.auth_plain(app.user, app.secret).code == 454
        assert client.auth_plain(name, app.secret).code == 454
    site.postfix.wait_log("SASL PLAIN authentication failed", since=mark)
    assert failures(site, mark) == []
