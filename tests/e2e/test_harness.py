"""What the other tests stand on."""

from __future__ import annotations

import os

from harness.site import Site


def test_programs_are_replaced_and_not_overwritten(site: Site, app):
    """A plugin that is written into while smtpd has it mapped kills smtpd, and
    a program that runs cannot be written at all."""
    plugin = site.postfix.paths.plugins / "libentra.so"
    binary = site.postfix.paths.agent.parent / "msgraphd"
    with site.connect() as client:
        before = [os.stat(path).st_ino for path in (plugin, binary)]
        site.postfix.install()
        site.install(binary.name)
        after = [os.stat(path).st_ino for path in (plugin, binary)]
        assert not set(before) & set(after)
        client.login(app.user, app.secret)
