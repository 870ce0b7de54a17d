"""The examples: each is used by the other tests as it stands; here is what
those do not see. Postfix and systemd find nothing to complain of, and the
numbers fit together."""

from __future__ import annotations

import configparser
import re
import subprocess
from pathlib import Path

import pytest

from harness import example
from harness.postfix import cool_down
from harness.postfix_conf import size_limit
from harness.settings import read_settings, seconds
from harness.wait import wait_for


# --- msgraph.conf; tests/lint/test_settings.py compares it with the table

def test_example_is_a_configuration(tmp_path, defaults):
    """As it is, and with every line taken into use."""
    conf = tmp_path / "msgraph.conf"
    text = example.read("msgraph.conf")
    for variant in (text, re.sub(r"(?m)^#([a-z0-9_]+ =)", r"\1", text)):
        conf.write_text(variant)
        assert read_settings(conf) == defaults


# --- Postfix

@pytest.fixture
def stock(tmp_path) -> Path:
    """Debian's Postfix configuration with the examples appended, and a name,
    which Postfix would look for in the DNS."""
    shared = Path("/usr/share/postfix")
    for name, base in (("main.cf", "main.cf.debian"),
                       ("master.cf", "master.cf.dist")):
        (tmp_path / name).write_text(
            (shared / base).read_text()
            + example.read(f"postfix/{name}.msgraph").replace(
                "/etc/postfix/", f"{tmp_path}/"))
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


OLD_ROUTE = "/^X-MSGraph-Mailbox:\\s*(\\S+)$/  FILTER msgraph:$1\n"


@pytest.fixture(params=["regexp", "pcre"])
def table(request, stock, tmp_path) -> str:
    """The route as it is, and as an older version had it: an installed file
    stays."""
    if request.param == "regexp":
        return f"regexp:{example.EXAMPLES}/postfix/msgraph_route"
    if "pcre" not in postconf(stock, "-m").split():
        pytest.skip("no postfix-pcre here")
    file = tmp_path / "msgraph_route.pcre"
    file.write_text(OLD_ROUTE)
    return f"pcre:{file}"


def routed(stock: Path, table: str, line: str) -> str:
    done = subprocess.run(["postmap", "-c", str(stock), "-q", line, table],
                          capture_output=True, text=True)
    assert done.stderr == ""
    return done.stdout.strip()


@pytest.mark.parametrize("line, filtered", [
    ("X-MSGraph-Mailbox: scan@example.com", "msgraph:scan@example.com"),
    ("X-MSGraph-Mailbox: \"a:b\"@example.com", "msgraph:\"a:b\"@example.com"),
    ("X-MSGraph-Mailbox:\tscan@example.com", "msgraph:scan@example.com"),
    ("X-MSGraph-Mailbox: s@example.com/1-1@2-2", "msgraph:s@example.com/1-1@2-2"),
    ("X-MSGraph-Mailbox: s@example.com/1-1@2-2.e_1",
     "msgraph:s@example.com/1-1@2-2.e_1"),
    ("X-MSGraph-Mailbox: a b@example.com", None),
    ("X-MSGraph-Mailbox:", None),
    ("X-X-MSGraph-Mailbox: scan@example.com", None),
    ("Subject: X-MSGraph-Mailbox: scan@example.com", None),
])
def test_route(stock, table, line, filtered):
    assert routed(stock, table, line) == (
        f"FILTER {filtered}" if filtered else "")


@pytest.mark.parametrize("stamp, filtered", [
    ("msgraph-bulk:a@example.com", "msgraph-bulk:a@example.com"),
    ("msgraph-2:a@example.com/1-1@2-2.e", "msgraph-2:a@example.com/1-1@2-2.e"),
    ("msgraph-:a@example.com", "msgraph:msgraph-:a@example.com"),
    ("smtp:a@example.com", "msgraph:smtp:a@example.com"),
])
def test_stamp_names_transports_of_ours_alone(stock, stamp, filtered):
    table = f"regexp:{example.EXAMPLES}/postfix/msgraph_route"
    assert routed(stock, table, f"X-MSGraph-Mailbox: {stamp}") == (
        f"FILTER {filtered}")


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


# --- fail2ban

class Filter:
    """The filter, as fail2ban applies it: what the first expression finds
    waits, for the process that wrote it, until the second finds the address
    in that process's next line, which also ends the waiting."""

    def __init__(self) -> None:
        parser = configparser.RawConfigParser()
        parser.read_string(
            example.read("fail2ban/filter.d/postfix-msgraph.conf"))
        rows = parser["Definition"]
        prefix = rows["prefregex"].replace(
            "%(__prefix_line)s", rf"\S+ \d+ \S+ \S+ {rows['_daemon']}\[\d+\]: ")
        self.prefix = self.compiled(prefix)
        self.refusal, self.address = map(
            self.compiled, rows["failregex"].split("\n"))

    @staticmethod
    def compiled(text: str) -> re.Pattern[str]:
        text = text.replace("<HOST>", r"(?P<host>[\w.:]+)")
        text = re.sub("<F-(MLFID|CONTENT)>", r"(?P<\1>", text)
        text = re.sub("</F-(MLFID|CONTENT)>", ")", text)
        return re.compile(re.sub("</?F-(NOFAIL|MLFFORGET)>", "", text))

    def hosts(self, log: str) -> list[str]:
        found, refused = [], set()
        for line in log.splitlines():
            if (line := self.prefix.match(line)) is None:
                continue
            process = line["MLFID"].split()[-1]
            if self.refusal.match(line["CONTENT"]):
                refused.add(process)
            elif address := self.address.match(line["CONTENT"]):
                if process in refused:
                    found.append(address["host"])
                refused.discard(process)
        return found


def test_fail2ban_needs_no_log_file():
    """fail2ban does not start at all where a jail's file is missing."""
    parser = configparser.RawConfigParser()
    parser.read_string(example.read("fail2ban/jail.d/postfix-msgraph.conf"))
    jail = parser["postfix-msgraph"]
    assert jail["backend"] == "systemd" and "logpath" not in jail
    parser.read_string(
        example.read("fail2ban/filter.d/postfix-msgraph.conf"))
    units = parser["Definition"]["journalmatch"].split(" + ")
    assert set(units) == {"_SYSTEMD_UNIT=postfix@-.service",  # Debian 12
                          "_SYSTEMD_UNIT=postfix.service"}  # and 13


def failures(site, mark: int) -> list[str]:
    return Filter().hosts(site.postfix.log_text(mark))


REFUSED = "SASL authentication failure: entra: a/b refused: AADSTS7000215"
LOCAL = "SASL authentication failure: entra: refused: empty secret"
FAILED = "x[192.0.2.1]: SASL PLAIN authentication failed: authentication failure"
NO_PLUGIN = "x[192.0.2.1]: SASL PLAIN authentication failed: no mechanism available"
LINES = [
    ([REFUSED, FAILED], 1),
    ([LOCAL, FAILED], 1),
    ([REFUSED, FAILED, FAILED], 1),
    # what a mistake on this host brings
    ([FAILED], 0),
    (["SASL authentication failure: Password verification failed", FAILED], 0),
    (["SASL authentication failure: unknown password verifier(s) auxprop",
      NO_PLUGIN], 0),
    (["entra: cannot verify a/b now: closed without an answer", FAILED], 0),
    # what a client writes into its user name
    ([f"{FAILED}, sasl_username={REFUSED}", FAILED], 0),
]


@pytest.mark.parametrize("lines, count", LINES)
def test_fail2ban_counts_what_entra_or_the_plugin_refuses(lines, count):
    log = "".join(f"Nov 29 09:00:00 relay postfix/smtpd[7]: warning: {line}\n"
                  for line in lines)
    assert Filter().hosts(log) == count * ["192.0.2.1"]


@pytest.mark.parametrize("mechanism", ["plain", "login"])
def test_fail2ban_counts_refusals(site, app, mechanism):
    mark = site.postfix.mark()
    for tls in ("starttls", "implicit"):
        with site.connect(tls) as client:
            auth = getattr(client, f"auth_{mechanism}")
            assert auth(app.user, "wrong").code == 535
            assert auth("nobody", "wrong").code == 535
            assert auth(app.user, app.secret).code == 235
    wait_for(lambda: len(failures(site, mark)) >= 4, "four lines of the log")
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
