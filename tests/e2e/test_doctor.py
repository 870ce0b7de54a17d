"""msgraphctl doctor: a sound site has nothing to complain of, and each thing that
is broken in it is named, with a remedy that helps."""

from __future__ import annotations

import contextlib
import re
import socket
from pathlib import Path

import pytest

from e2e.test_install import make
from harness import doctor
from harness.doctor import (  # noqa: F401
    Breakage, away, chmod, edit, master, own_site, put_back, set_main,
    set_option, site)
from harness.site import Site


def test_sound(site):
    found = doctor.ask(site)
    assert found.wrong() == [], found
    assert found.status == "ok"
    assert all(finding.status == "ok" for finding in found.findings)


def test_other_programs_at_other_addresses(site):
    """Have our port, which is no harm."""
    with contextlib.ExitStack() as others:
        for last in range(2, 40):
            others.enter_context(socket.create_server(
                (f"127.0.0.{last}", site.postfix.port)))
        found = doctor.ask(site, "ports")
    assert found.status == "ok", found


def paths(site: Site):
    return site.postfix.paths


def move_queue(site: Site, name: str) -> None:
    """To where the same queue is, by a symbolic link."""
    (site.root / name).symlink_to(paths(site).queue)
    set_main("queue_directory", f"{site.root}/{name}/")(site)


def leave_chroot(site: Site) -> None:
    doctor.postconf(site, "-F", f"{doctor.service(site)}/chroot=n")
    set_option("smtpd_milters", f"unix:{site.milter_socket}")(site)


PLACES = {
    "a link to the queue": lambda s: move_queue(s, "link"),
    "from / on in the chroot": set_option(
        "smtpd_milters", "unix:/msgraph/milter"),
    "options of a milter": set_option(
        "smtpd_milters", "inet:127.0.0.1:9,{unix:msgraph/milter,timeout=9s}"),
    "no chroot": leave_chroot,
    "a link to the sockets": lambda s: (
        (s.root / "msgraph").symlink_to(s.postfix.socket_directory),
        s.configure(milter_socket=f"unix:{s.root}/msgraph/milter",
                    auth_socket=f"{s.root}/msgraph/auth")),
}


@pytest.mark.parametrize("name", PLACES)
def test_places(site, name):
    """Paths are judged by where they lead."""
    PLACES[name](site)
    doctor.cool(site)
    found = doctor.ask(site, "milter", "sign-in")
    assert found.wrong() == [], found


def test_a_queue_without_our_sockets(site):
    """The fragments name them below the queue, and they are elsewhere."""
    queue = site.root / "elsewhere"
    queue.mkdir(exist_ok=True)
    set_main("queue_directory", str(queue))(site)
    found = doctor.ask(site, "milters", "auth")
    folder = site.postfix.socket_directory
    assert {finding.check for finding in found.wrong()} == {"milters", "auth"}
    for finding in found.wrong():
        assert finding.remedy.startswith(
            f"install -d {queue}/msgraph && mount --bind {folder} "
            f"{queue}/msgraph, "), finding


MAIN = [
    Breakage("main.cf gone", lambda s: away(paths(s).etc / "main.cf"),
             "postfix", "critical", "main.cf: No such file",
             "dpkg-reconfigure postfix", put_back),
    Breakage("a mistake in master.cf",
             lambda s: edit(master(s), "pickup    unix", "pickup    unx"),
             "postfix", "critical", "invalid type field", "mend the file",
             put_back),
    Breakage("Postfix stopped", lambda s: s.postfix.stop(), "running",
             "critical", "does not run", "postfix start",
             lambda s: s.postfix.start()),
]

SERVICES = [
    Breakage("B18 service twice", lambda s: edit(
        master(s), f"127.0.0.1:{s.postfix.port} inet",
        f"127.0.0.1:{s.postfix.port} inet n - y - - smtpd\n"
        f"127.0.0.1:{s.postfix.port} inet"),
        "services", "critical", "takes the last", "remove all but one",
        put_back),
    Breakage("another service on our port", lambda s: edit(
        master(s), "pickup    unix",
        f"{s.postfix.port} inet n - y - - smtpd\npickup    unix"),
        "services", "critical", "for one place", "remove all but one",
        put_back),
    Breakage("no transport", lambda s: edit(
        master(s), "pipe\n", "local\n"), "services", "critical",
        "no transport msgraph", "msgraphctl setup",
        put_back),
    Breakage("nobody listens yet", lambda s: edit(
        master(s), f"127.0.0.1:{s.postfix.tls_port} inet", "127.0.0.1:4 inet"),
        "ports", "critical", "nobody listens on port 4", "^postfix reload",
        put_back),
]

LISTENERS = [
    Breakage("B21 milter's line missing", set_option("smtpd_milters", ""),
             "milters", "critical", "milters = , which does not lead to",
             "smtpd_milters=unix:msgraph/milter"),
    Breakage("milter of another name", set_option(
        "smtpd_milters", "unix:msgraph/milter2"), "milters", "critical",
        "milter2, which does not lead to", "smtpd_milters=unix:msgraph/milter"),
    Breakage("a path from / on in a chroot", lambda s: set_option(
        "smtpd_milters", f"unix:{s.milter_socket}")(s), "milters", "critical",
        "/milter, which does not lead to",
        "smtpd_milters=unix:msgraph/milter"),
    Breakage("B41 smtpd_milter_maps", set_option(
        "smtpd_milter_maps", "static:DISABLE"), "milters", "critical",
        "smtpd_milter_maps = static:DISABLE", "smtpd_milter_maps="),
    Breakage("no_milters", set_option(
        "receive_override_options", "no_milters"), "milters", "critical",
        "no_milters", "receive_override_options="),
    Breakage("milter_default_action", set_option(
        "milter_default_action", "accept"), "milters", "critical",
        "milter_default_action = accept", "=tempfail"),
    Breakage("macros without auth_authen", set_main(
        "milter_mail_macros", "i"), "milters", "critical", "auth_authen",
        "postconf -X milter_mail_macros"),
    Breakage("B21b cleanup's line missing", set_option(
        "cleanup_service_name", "cleanup"), "cleanup", "critical",
        "does not read the milter's stamp",
        "cleanup_service_name=msgraph-cleanup"),
    Breakage("cleanup without route", set_option(
        "milter_header_checks", "", "msgraph-cleanup/unix"), "cleanup",
        "critical", "does not read", "milter_header_checks=regexp:"),
    Breakage("stray CRs", set_option(
        "cleanup_replace_stray_cr_lf", "yes", "msgraph-cleanup/unix"),
        "stray-cr", "warning", "end in CR", "=no"),
    Breakage("AUTH without TLS", set_option("smtpd_tls_auth_only", "no"),
             "secrecy", "warning", "in the clear", "smtpd_tls_auth_only=yes"),
    Breakage("no TLS", set_option("smtpd_tls_security_level", "none"),
             "secrecy", "critical", "no TLS", "smtpd_tls_security_level=may"),
]

ROUTE = [
    Breakage("B16 pcre package missing", lambda s: edit(
        master(s), "=regexp:", "=nodbm:"), "route", "critical",
        "unsupported dictionary type", "milter_header_checks=regexp:"),
    Breakage("B20 route missing", lambda s: away(paths(s).route), "route",
             "critical", "msgraph_route: No such file", "install -m 644"),
    Breakage("B20b mistake in the route", lambda s: edit(
        paths(s).route, "([^[:space:]]+)$/", "([^[:space:]]+$/"), "route",
        "critical", "nowhere", "install -m 644"),
    Breakage("B20c transport misspelt", lambda s: edit(
        paths(s).route, "FILTER msgraph:", "FILTER msgrap:"), "route",
        "critical", 'transport "msgrap", which is not in', "install -m 644"),
    Breakage("route of one transport", lambda s: edit(
        paths(s).route, "FILTER $1:$2", "FILTER msgraph:$2"), "route",
        "critical", "the stamp does not name", "install -m 644"),
    Breakage("B3 agent's path misspelt", lambda s: edit(
        master(s), "/msgraph-agent ", "/msgraph-agnt "), "transports",
        "critical", "msgraph-agnt, which user msgraph cannot: No such",
        "sed -i 's,.*msgraph-agnt,.*msgraph-agent,'"),
    Breakage("agent closed", lambda s: chmod(
        paths(s).agent, 0o600), "transports", "critical",
        "Permission denied", "install the package again",
        put_back),
    Breakage("pipe runs as another user", lambda s: edit(
        master(s), "user=msgraph ", "user=nobody "), "transports", "critical",
        'user "nobody"', "user=msgraph", put_back),
    Breakage("line ends of pipe", lambda s: edit(
        master(s), "eol=\\r\\n", "eol=\\n"), "transports", "critical",
        "lacks \"eol=", "master.cf.msgraph",
        put_back),
    Breakage("one notice without hook", set_option(
        "cleanup_service_name", "cleanup", "defer/unix"), "bounces",
        "warning", "another way", "defer/unix/cleanup_service_name="),
    Breakage("hook without class", set_option(
        "internal_mail_filter_classes", "", "trace/unix"), "bounces",
        "warning", "not looked at", "internal_mail_filter_classes=bounce"),
    Breakage("hook that leads nowhere", set_option(
        "cleanup_service_name", "msgraph-bonce", "bounce/unix"), "bounces",
        "critical", "no bounce of this host gets out",
        "cleanup_service_name=msgraph-bounce"),
]

LIMITS = [
    Breakage("pipe gives up first", set_main("msgraph_time_limit", "600s"),
             "times", "critical", "bounces", "msgraph_time_limit = 900s"),
    Breakage("clients are told more", set_option(
        "message_size_limit", "52428800"), "sizes", "warning",
        "hears only afterwards", "message_size_limit=36700160"),
    Breakage("cleanup takes less", set_option(
        "message_size_limit", "1000000", "msgraph-cleanup/unix"), "sizes",
        "warning", "counts added", "message_size_limit=0"),
    Breakage("more recipients than ours", set_main(
        "msgraph_destination_recipient_limit", "800"), "recipients",
        "warning", "max_recipients = 500", "recipient_limit = 500"),
    Breakage("more recipients than Exchange's", set_main(
        "msgraph_destination_recipient_limit", "2000"), "recipients",
        "critical", "waits for ever", "recipient_limit = 500"),
    Breakage("more at once", set_main(
        "msgraph_destination_concurrency_limit", "20"), "concurrency",
        "warning", "mailbox_concurrency = 4", "concurrency_limit = 4"),
    Breakage("mail slowed down", set_main(
        "msgraph_destination_rate_delay", "2s"), "concurrency", "warning",
        "slows all mail", "rate_delay = 0s"),
    Breakage("other number of processes", lambda s: edit(
        master(s), "-       100     pipe", "-       50      pipe"),
        "concurrency", "warning", "shares of applications",
        "process_limit=100"),
]


@pytest.mark.parametrize("prefix", ["/usr", "/usr/local"])
def test_remedies_name_what_is_installed(site, tmp_path, prefix):
    make(tmp_path, "install", PREFIX=prefix)
    away(paths(site).sasl)
    away(paths(site).route)
    edit(master(site), "eol=\\r\\n", "eol=\\n")
    found = doctor.ask(site, program=tmp_path / f"{prefix[1:]}/sbin/msgraphctl")
    named = {word for finding in found.wrong()
             for word in re.findall(r"/[\w./-]*postfix-msgraph/[\w./-]*\w",
                                    finding.remedy)}
    assert len(named) == 3, found
    for path in named:
        assert path.startswith(f"{tmp_path}{prefix}/share/"), path
        assert Path(path).is_file(), path


@pytest.mark.parametrize(
    "row", MAIN + SERVICES + LISTENERS + ROUTE + LIMITS, ids=str)
def test_broken(site, row):
    doctor.follow(site, row)
