"""Symbolic links at the places of the files that msgraphctl setup writes: they
stay links, or setup says how to mend them and changes nothing."""

from __future__ import annotations

import pytest

from harness.network import needs_network
from e2e.test_setup import TENANT, set_up, stock  # noqa: F401

pytestmark = needs_network


def test_link_to_msgraph_conf_stays_one(stock):  # noqa: F811
    real = stock.path / "real.conf"
    stock.conf.rename(real)
    stock.conf.symlink_to("real.conf")
    set_up(stock, "--tenant", TENANT)
    assert stock.conf.is_symlink()
    assert f"allowed_tenants = {TENANT}\n" in real.read_text()


FILES = ["sasl/msgraph.conf", "msgraph_route", "msgraph_setup.undo"]


def test_link_that_postconf_would_replace(stock):  # noqa: F811
    for name in ("main.cf", "master.cf"):
        file = stock.path / name
        file.rename(stock.path / "real")
        file.symlink_to("real")
        done = stock.setup()
        assert done.returncode == 1 and "symbolic link" in done.stderr
        assert str(stock.path / "real") in done.stderr
        assert file.is_symlink()
        file.unlink()
        (stock.path / "real").rename(file)


@pytest.mark.parametrize("name", [*FILES, "sasl", "msgraph.conf"])
@pytest.mark.parametrize("args", [(), ("--undo",)])
def test_link_that_leads_nowhere(stock, name, args):  # noqa: F811
    if args:
        set_up(stock, "--tenant", TENANT)
    path = stock.path / name
    if path.is_dir():
        path.rename(stock.path / "away")
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to("gone/far")
    before = stock.content()
    done = stock.setup(*(args or ("--tenant", TENANT)))
    assert done.returncode == 1, done.stderr
    assert (f"nothing was changed: {path} is a symbolic link to gone/far, "
            f"which is not there: make it, or remove the link (rm {path})"
            ) in done.stderr
    assert stock.content() == before
    assert path.is_symlink()


@pytest.mark.parametrize("name", FILES)
def test_link_to_a_file(stock, name):  # noqa: F811
    """What is there is kept, and what setup writes goes where it leads."""
    path, real = stock.path / name, stock.path / "real"
    path.parent.mkdir(exist_ok=True)
    real.write_text("")
    path.symlink_to(real)
    set_up(stock)
    assert path.is_symlink()
    assert (real.read_text() != "") == (name == "msgraph_setup.undo")


def test_link_to_a_folder(stock):  # noqa: F811
    (stock.path / "real").mkdir()
    (stock.path / "sasl").symlink_to("real")
    set_up(stock)
    assert (stock.path / "real/msgraph.conf").is_file()
    assert stock.setup("--undo").returncode == 0
    assert (stock.path / "sasl").is_symlink()
    assert list((stock.path / "real").iterdir()) == []


def test_folder_that_became_a_link(stock):  # noqa: F811
    """It stays, and is no reason to undo only half."""
    set_up(stock)
    (stock.path / "sasl").rename(stock.path / "real")
    (stock.path / "sasl").symlink_to("real")
    assert stock.setup("--undo").returncode == 0
    assert (stock.path / "sasl").is_symlink()


def test_file_at_the_place_of_the_folder(stock):  # noqa: F811
    (stock.path / "sasl").write_text("x")
    before = stock.content()
    done = stock.setup()
    assert done.returncode == 1
    assert f"nothing was changed: {stock.path}/sasl must be a folder" in \
        done.stderr
    assert stock.content() == before
