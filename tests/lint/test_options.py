"""The options of each program: -h and the man page say the same, in the same
order, and the usage is the page's synopsis."""

from __future__ import annotations

import re

import pytest

from lint import sources

PAGES = {
    "msgraphd": "agent/daemon/msgraphd.8",
    "msgraph-agent": "agent/pipe/msgraph-agent.8",
    "msgraph-milter": "milter/msgraph-milter.8",
    "msgraphctl": "agent/ctl/msgraphctl.8",
}


def helped(program: str) -> tuple[str, list[str]]:
    """Usage on one line, and the options, of -h."""
    text = sources.run(program, "-h")
    usage = re.match(r"usage: (.*?)(?=^  -)", text, re.M | re.S)[1]
    return " ".join(usage.split()), re.findall(r"^  (-.*?)(?:  .*)?$", text,
                                               re.M)


def manual(program: str) -> tuple[str, list[str]]:
    """The same of the man page."""
    synopsis = re.search(r"^SYNOPSIS\n(.*?)^\S", sources.rendered(
        PAGES[program]), re.M | re.S)[1]
    described = re.search(
        r"The options are:\n\.Bl .*?\n(.*?)^\.El", sources.read(
            PAGES[program]), re.M | re.S)[1]
    return " ".join(synopsis.split()), [
        sources.plain(tag) for tag in sources.tags(described)]


@pytest.mark.parametrize("program", PAGES)
def test_help_and_manual_have_the_same_options(program):
    assert helped(program)[1] == manual(program)[1]
    assert len(helped(program)[1]) >= 3


@pytest.mark.parametrize("program", PAGES)
def test_help_and_manual_have_the_same_synopsis(program):
    assert helped(program)[0] == manual(program)[0]


@pytest.mark.parametrize("program", PAGES)
def test_every_option_stands_in_the_synopsis(program):
    usage, options = helped(program)
    for option in options:
        short = option.split(",")[0].split("=")[0].split()[0]
        assert re.search(rf"(?<!\S)\[?{short}\b", usage), option
