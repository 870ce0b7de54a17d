"""The table of identities: identities(5) has every attribute of the source and
no other, in its order. tests/e2e/test_identities_check.py tries its examples."""

from __future__ import annotations

import re

from lint import sources

SOURCE = "agent/daemon/identities/table_entry.c"
MANUAL = "agent/daemon/identities/identities.5"
LISTS = {"clients", "client_certificate", "logins", "senders", "recipients"}


def rows() -> list[str]:
    table = re.search(r"table_entry_rows\[\] = \{\n(.*?)^\};",
                      sources.read(SOURCE), re.M | re.S)[1]
    return re.findall(r'^    \{"(\w+)",', table, re.M)


def entries() -> list[tuple[str, str]]:
    """Name and form of each attribute."""
    text = sources.section(sources.read(MANUAL), "ATTRIBUTES")
    return re.findall(r"^\.It Ic (\w+) No = (.*)$", text, re.M)


def test_manual_has_every_attribute_and_no_other():
    assert [name for name, _ in entries()] == rows()
    assert len(rows()) > 10


def test_manual_says_which_are_lists():
    assert {name for name, form in entries() if "..." in form or
            " , " in form} == LISTS
