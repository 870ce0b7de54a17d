"""What the end-to-end tests share: one site, and for each test a client and a
mailbox that no other test knows."""

from __future__ import annotations

import itertools

import pytest

from harness.settings import read_settings
from harness.site import App, Site

numbers = itertools.count(1)


@pytest.fixture(scope="session")
def shared_site():
    """Started once: a Postfix takes seconds."""
    with Site(local_users=True) as site:
        site.postfix.add_local_user("local", "local-password")
        yield site
        site.end_soundly()


@pytest.fixture
def site(shared_site: Site):
    """The shared site with nothing in its queue and nothing scripted."""
    shared_site.m365.reset()
    yield shared_site
    shared_site.m365.up()
    shared_site.m365.clear_rules()
    shared_site.m365.release()
    shared_site.postfix.delete_all()
    for program in (shared_site.daemon, shared_site.milter):
        if not program.is_running():
            program.start()


@pytest.fixture
def m365(site: Site):
    return site.m365


@pytest.fixture
def app(site: Site) -> App:
    return site.new_app()


@pytest.fixture
def mailbox() -> str:
    return f"scan{next(numbers)}@example.com"


@pytest.fixture(scope="session")
def defaults(tmp_path_factory) -> dict[str, str]:
    """Every setting of msgraph.conf with its default."""
    conf = tmp_path_factory.mktemp("conf") / "msgraph.conf"
    conf.write_text("")
    return read_settings(conf)
