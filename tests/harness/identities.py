"""A table of identities for a Site, and a service of smtpd whose clients do not
sign in."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from .postfix import cool_down, free_ports
from .site import App, Site
from .smtp import Smtp

NETWORK = "192.0.2.0/24"  # what such clients come from

OPTIONS = {
    "smtpd_sasl_auth_enable": "no",
    "smtpd_tls_security_level": "none",
    "smtpd_authorized_xclient_hosts": "127.0.0.1",
    "local_header_rewrite_clients": "",
    "mynetworks": f"127.0.0.1,{NETWORK}",
    "smtpd_relay_restrictions": "permit_mynetworks,reject",
    "smtpd_recipient_restrictions": "permit_mynetworks,reject",
    "smtpd_milters": "unix:msgraph/milter",
    "milter_default_action": "tempfail",
    "cleanup_service_name": "msgraph-cleanup",
    "content_filter": "msgraph:unrouted",
}


def set_options(site: Site, service: str, options: dict[str, str]) -> None:
    site.postfix.command("postconf", "-P", *[
        f"{service}/{name}={value}" for name, value in options.items()])


def reread(site: Site) -> None:
    """A reload alone would let a smtpd from before serve once more."""
    cool_down(site.postfix.paths.etc / "master.cf")
    site.postfix.stop()
    site.postfix.start()


def add_open_service(site: Site, daemon_name: str) -> int:
    """Returns its port. Postfix must read master.cf again: reread()."""
    (port,) = free_ports(1)
    place = f"127.0.0.1:{port}"
    site.postfix.command(
        "postconf", "-M", f"{place}/inet={place} inet n - y - - smtpd")
    set_options(site, f"{place}/inet",
                {**OPTIONS, "milter_macro_daemon_name": daemon_name})
    return port


def come_from(port: int, address: str = "192.0.2.9",
              name: str = "printer.example.com") -> Smtp:
    """A client of that address, which does not sign in."""
    client = Smtp(port, "none")
    client.expect(220, client.command(f"XCLIENT ADDR={address} NAME={name}"))
    client.ehlo()
    return client


def secret_file(site: Site, app: App) -> Path:
    """The application's secret as the relay's own, for a table."""
    file = site.key.parent / f"{app.client}.secret"
    file.write_text(app.secret)
    shutil.chown(file, "msgraphd")
    file.chmod(0o400)
    return file


def milter_line(site: Site, queue_id: str) -> str:
    found = re.findall(rf"{queue_id}: client=.*", site.milter.log())
    assert len(found) == 1, found
    return found[0]
