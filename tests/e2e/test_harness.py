"""What the other tests stand on."""

from __future__ import annotations

import os

from bench import agent

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


def test_cost_of_the_agent_can_be_measured(tmp_path, monkeypatch):
    """"make bench" is no part of "make check"; what it stands on changes."""
    monkeypatch.setattr(agent, "RUNS", 2)
    assert [agent.agent_cpu(tmp_path) > 0 for _ in range(2)] == [True, True]
